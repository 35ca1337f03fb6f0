// SPDX-License-Identifier: Apache-2.0
// The rule that lets a box prove its whole view of the world at once: events alone give every slot of storage that
// Land, Model and Placement have. A write without its event, or an event that tells less than was written, fails here.
pragma solidity ^0.8.37;

import {Land} from "../src/Land.sol";
import {ILand} from "../src/interfaces/ILand.sol";
import {ReplayTest} from "./ReplayTest.sol";
import {RandomWorld} from "./RandomWorld.sol";
import {IModel} from "../src/interfaces/IModel.sol";

contract StorageFromEventsTest is ReplayTest {
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

    function invariant_nobodyPlacesOnOthersLandOrWithoutConsent() public view {
        assertEq(world.trespasses(), 0);
    }

    function invariant_idsAndPlacesCorrespond() public view {
        Land land = world.land();
        ILand.Bounds memory edges = land.bounds();
        uint256[] memory ids = world.parcels();
        for (uint256 i = 0; i < ids.length; ++i) {
            (int16 x, int16 y) = land.coordinates(ids[i]);
            assertEq(land.parcelId(x, y), ids[i]);
            assertTrue(x >= edges.minX && x <= edges.maxX && y >= edges.minY && y <= edges.maxY);
            assertTrue(land.ownerOf(ids[i]) != address(0));
        }
    }

    function test_eventsGiveStringsOfEveryLength() public {
        for (uint256 length = 0; length < 70; ++length) {
            world.publish(0, 0, IModel.ModelData(hex"01", 0, 1, address(0), "name", "sources"), length << 8 | length);
        }
        assertGe(world.model().modelCount(), 70);
        _assertEventsGiveEverySlot(address(world.model()));
    }

    function _assertEventsGiveEverySlot(address target) private view {
        assertReplayed(world.replay(), target, world.writtenTo(target));
    }
}
