// SPDX-License-Identifier: Apache-2.0
// The tree of grants as whoever publishes a world builds it: Land has its root alone.
pragma solidity ^0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import {ILand} from "../src/interfaces/ILand.sol";

/// A Merkle tree whose pairs are hashed in ascending order. A hash without a partner moves up as it is.
library GrantTree {
    function leaves(ILand.Grant[] memory grants) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](grants.length);
        for (uint256 i = 0; i < grants.length; ++i) {
            hashes[i] = keccak256(bytes.concat(keccak256(abi.encode(grants[i]))));
        }
    }

    function root(bytes32[] memory level) internal pure returns (bytes32) {
        while (level.length > 1) {
            level = _above(level);
        }
        return level[0];
    }

    function proof(bytes32[] memory level, uint256 index) internal pure returns (bytes32[] memory path) {
        bytes32[] memory longest = new bytes32[](32);
        uint256 length = 0;
        for (; level.length > 1; index /= 2) {
            uint256 partner = index ^ 1;
            if (partner < level.length) longest[length++] = level[partner];
            level = _above(level);
        }
        path = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) {
            path[i] = longest[i];
        }
    }

    function _above(bytes32[] memory level) private pure returns (bytes32[] memory above) {
        above = new bytes32[]((level.length + 1) / 2);
        for (uint256 i = 0; i < above.length; ++i) {
            bool paired = 2 * i + 1 < level.length;
            above[i] = paired ? Hashes.commutativeKeccak256(level[2 * i], level[2 * i + 1]) : level[2 * i];
        }
    }
}
