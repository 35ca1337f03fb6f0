// SPDX-License-Identifier: Apache-2.0
// The rule that lets a box prove its whole view of the world at once: events alone give every slot of storage that
// Land, Model and Placement have. A write without its event, or an event that tells less than was written, fails here.
pragma solidity ^0.8.37;

import {Test} from "forge-std/Test.sol";

import {EventReplay} from "./EventReplay.sol";
import {RandomWorld} from "./RandomWorld.sol";
import {IModel} from "../src/interfaces/IModel.sol";

contract StorageFromEventsTest is Test {
    RandomWorld private world;

    function setUp() public {
        world = new RandomWorld();
        targetContract(address(world));
    }

    function invariant_eventsGiveEverySlot() public view {
        _assertEventsGiveEverySlot(address(world.land()));
        _assertEventsGiveEverySlot(address(world.model()));
        _assertEventsGiveEverySlot(address(world.placement()));
    }

    function test_eventsGiveStringsOfEveryLength() public {
        for (uint256 length = 0; length < 70; ++length) {
            world.publish(0, 0, IModel.ModelData(hex"01", 0, 1, address(0), "name", "sources"), length << 8 | length);
        }
        assertEq(world.model().modelCount(), 70);
        _assertEventsGiveEverySlot(address(world.model()));
    }

    function _assertEventsGiveEverySlot(address target) private view {
        EventReplay replay = world.replay();
        // Nothing was written that the events do not tell...
        bytes32[] memory written = world.writtenTo(target);
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
