// SPDX-License-Identifier: Apache-2.0
// A magnet link is read by every BitTorrent client there is: exact strings are tested beside properties.
pragma solidity ^0.8.37;

import {Test} from "forge-std/Test.sol";

import {Magnet} from "../src/Magnet.sol";

contract MagnetTest is Test {
    function test_linkIsExact() public pure {
        assertEq(
            Magnet.link(
                hex"00c12fe1c06bba254a9dc9f519b335aa7c1367a8", "Oak & ash.glb", 18446744073709551615, "tr=udp%3A%2F%2Ft"
            ),
            "magnet:?xt=urn:btih:00c12fe1c06bba254a9dc9f519b335aa7c1367a8&dn=Oak%20%26%20ash.glb"
            "&xl=18446744073709551615&tr=udp%3A%2F%2Ft"
        );
    }

    function test_linkWithoutSourcesEndsAfterItsSize() public pure {
        assertEq(
            Magnet.link(hex"ffffffffffffffffffffffffffffffffffffffff", "a", 1, ""),
            "magnet:?xt=urn:btih:ffffffffffffffffffffffffffffffffffffffff&dn=a&xl=1"
        );
    }

    function test_unreservedCharactersStay() public pure {
        string memory unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
        assertEq(Magnet.percentEncode(unreserved), unreserved);
    }

    function test_everythingElseIsEncoded() public pure {
        // The neighbours of each unreserved range in ASCII, then UTF-8, a zero and the highest byte.
        assertEq(Magnet.percentEncode("@[`{/:,+% \n"), "%40%5B%60%7B%2F%3A%2C%2B%25%20%0A");
        assertEq(Magnet.percentEncode(unicode"Käfer"), "K%C3%A4fer");
        assertEq(Magnet.percentEncode(string(abi.encodePacked(hex"00ff"))), "%00%FF");
        assertEq(Magnet.percentEncode(""), "");
    }

    function testFuzz_encodedNameReadsBackAndCannotEndItsParameter(bytes memory name) public pure {
        bytes memory encoded = bytes(Magnet.percentEncode(string(name)));
        bytes memory decoded = new bytes(name.length);
        uint256 length = 0;
        for (uint256 i = 0; i < encoded.length; ++i) {
            assertTrue(encoded[i] != "&" && encoded[i] != "=" && encoded[i] > 0x20 && encoded[i] < 0x7f);
            if (encoded[i] == "%") {
                decoded[length++] = bytes1(_digit(encoded[i + 1]) << 4 | _digit(encoded[i + 2]));
                i += 2;
            } else {
                decoded[length++] = encoded[i];
            }
        }
        assertEq(length, name.length);
        assertEq(decoded, name);
    }

    function _digit(bytes1 char) private pure returns (uint8) {
        return char <= "9" ? uint8(char) - 0x30 : uint8(char) - 0x41 + 10;
    }
}
