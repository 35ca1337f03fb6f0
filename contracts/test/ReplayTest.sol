// SPDX-License-Identifier: Apache-2.0
// What it means that events give every slot.
pragma solidity ^0.8.37;

import {Test} from "forge-std/Test.sol";

import {EventReplay} from "./EventReplay.sol";

abstract contract ReplayTest is Test {
    function assertReplayed(EventReplay replay, address target, bytes32[] memory written) internal view {
        // Nothing was written that the events do not tell...
        for (uint256 i = 0; i < written.length; ++i) {
            assertEq(vm.load(target, written[i]), bytes32(replay.storageOf(target, uint256(written[i]))));
        }
        // ...and the events tell nothing that was not written.
        uint256[] memory told = replay.slotsOf(target);
        for (uint256 i = 0; i < told.length; ++i) {
            assertEq(vm.load(target, bytes32(told[i])), bytes32(replay.storageOf(target, told[i])));
        }
    }
}
