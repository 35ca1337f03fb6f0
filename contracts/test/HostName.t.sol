// SPDX-License-Identifier: Apache-2.0
// Whatever any reader takes for an IP address must not pass for a name.
pragma solidity ^0.8.37;

import {Test} from "forge-std/Test.sol";

import {HostName} from "../src/HostName.sol";

contract HostNameTest is Test {
    function test_names() public view {
        _assert("box.example", true);
        _assert("a.b", true);
        _assert("seed-1.boxes.example.org", true);
        _assert("1.example", true);
        _assert("4-4-4-4.example", true);
        _assert("xn--bcher-kva.example", true);
        _assert("7.a1", true);
    }

    function test_whatIsNoName() public view {
        string[17] memory texts = [
            "",
            ".",
            "box",
            "localhost",
            ".example",
            "box.",
            "box..example",
            "-box.example",
            "box-.example",
            "box.-example",
            "Box.example",
            "box.example:443",
            "box_1.example",
            "box.exa mple",
            "box.example/",
            unicode"bücher.example",
            "box.example\x00"
        ];
        for (uint256 i = 0; i < texts.length; ++i) {
            _assert(texts[i], false);
        }
    }

    function test_ipAddresses() public view {
        string[18] memory texts = [
            "192.0.2.1",
            "192.0.2.1.",
            "1.2.3",
            "127.1",
            "3221225985",
            "0xc0000201",
            "0xc0.0x0.0x2.0x1",
            "0300.0.02.01",
            "192.0.2.0x1",
            "999.999.999.999",
            "::1",
            "2001:db8::1",
            "[2001:db8::1]",
            "2001:db8:0:0:0:0:0:1",
            "::ffff:192.0.2.1",
            "fe80::1%eth0",
            "1.2.3.4:80",
            "box.1"
        ];
        for (uint256 i = 0; i < texts.length; ++i) {
            _assert(texts[i], false);
        }
    }

    function testFuzz_ipv4InAnyNotation(uint8 a, uint8 b, uint8 c, uint8 d) public view {
        string memory start = string.concat(vm.toString(a), ".", vm.toString(b), ".", vm.toString(c), ".");
        _assert(string.concat(start, vm.toString(d)), false);
        _assert(string.concat(start, vm.toString(abi.encodePacked(d))), false);
    }

    function test_lengths() public view {
        string memory label = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"; // 63
        _assert(string.concat(label, ".example"), true);
        _assert(string.concat(label, "l.example"), false);
        _assert(string.concat("a.", label, "l"), false);
        string memory three = string.concat(label, ".", label, ".", label, ".");
        _assert(string.concat(three, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi"), true); // 253
        _assert(string.concat(three, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij"), false);
    }

    function testFuzz_onlyTheCharactersOfNames(bytes memory noise) public view {
        string memory name = string.concat("a.", string(noise), ".b");
        bool valid = this.isValid(name);
        for (uint256 i = 0; i < noise.length; ++i) {
            bytes1 char = noise[i];
            bool fits = (char >= "a" && char <= "z") || (char >= "0" && char <= "9") || char == "-" || char == ".";
            if (!fits) assertFalse(valid);
        }
    }

    function isValid(string calldata name) external pure returns (bool) {
        return HostName.isValid(name);
    }

    function _assert(string memory name, bool expected) private view {
        assertEq(this.isValid(name), expected, name);
    }
}
