// SPDX-License-Identifier: Apache-2.0
// Magnet links are composed on chain, so that any reader gets the same one without knowing how.
pragma solidity ^0.8.37;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";

/// @title Magnet links (BEP 9)
library Magnet {
    using Bytes for bytes;
    using Strings for *;

    bytes16 private constant HEX_DIGITS = "0123456789ABCDEF";

    /// @param infoHash BitTorrent version 1 info hash.
    /// @param name Display name, not encoded.
    /// @param size Bytes.
    /// @param sources Further parameters, already encoded and joined with `&`; may be empty.
    function link(bytes20 infoHash, string memory name, uint64 size, string memory sources)
        internal
        pure
        returns (string memory)
    {
        bytes memory hexHash = bytes(abi.encodePacked(infoHash).toHexString()).slice(2); // without 0x
        string memory separator = bytes(sources).length == 0 ? "" : "&";
        return string.concat(
            "magnet:?xt=urn:btih:",
            string(hexHash),
            "&dn=",
            percentEncode(name),
            "&xl=",
            uint256(size).toString(),
            separator,
            sources
        );
    }

    /// @dev Every byte but RFC 3986's unreserved characters becomes %XX.
    function percentEncode(string memory text) internal pure returns (string memory) {
        bytes memory input = bytes(text);
        bytes memory output = new bytes(3 * input.length);
        uint256 length = 0;
        for (uint256 i = 0; i < input.length; ++i) {
            bytes1 char = input[i];
            if (_isUnreserved(char)) {
                output[length++] = char;
            } else {
                output[length++] = "%";
                output[length++] = HEX_DIGITS[uint8(char) >> 4];
                output[length++] = HEX_DIGITS[uint8(char) & 0x0f];
            }
        }
        return string(output.slice(0, length));
    }

    function _isUnreserved(bytes1 char) private pure returns (bool) {
        return (char >= "a" && char <= "z") || (char >= "A" && char <= "Z") || (char >= "0" && char <= "9")
            || char == "-" || char == "." || char == "_" || char == "~";
    }
}
