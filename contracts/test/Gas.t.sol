// SPDX-License-Identifier: Apache-2.0
// What users pay is part of what they are promised: each action is a transaction of its own here and must stay under
// a ceiling, a little above what it took when the ceiling was set.
pragma solidity ^0.8.37;

import {Test} from "forge-std/Test.sol";

import {wholeGrid} from "./WholeGrid.sol";
import {Land} from "../src/Land.sol";
import {Model} from "../src/Model.sol";
import {Placement} from "../src/Placement.sol";
import {IModel} from "../src/interfaces/IModel.sol";
import {IPlacement} from "../src/interfaces/IPlacement.sol";

/// forge-config: default.isolate = true
contract GasTest is Test {
    address private alice = makeAddr("alice");
    Land private land = new Land(address(this), wholeGrid(), 0);
    Model private model = new Model();
    Placement private placement = new Placement(land, model);
    uint256 private parcelId;

    function setUp() public {
        // First uses cost more than later ones; users mostly are not first.
        parcelId = land.mint(alice, 0, 0);
        model.publish(alice, _oak());
        vm.prank(alice);
        placement.place(parcelId, 1, _pose());
    }

    function test_mint() public {
        land.mint(alice, 1, 0);
        _assertGasBelow(56_000);
    }

    function test_mintBatchPerParcel() public {
        uint32[] memory ids = new uint32[](256);
        for (uint32 i = 0; i < ids.length; ++i) {
            ids[i] = i;
        }
        land.mintBatch(alice, ids);
        _assertGasBelow(256 * 26_000);
    }

    function test_publish() public {
        model.publish(alice, _oak());
        _assertGasBelow(255_000);
    }

    function test_place() public {
        vm.prank(alice);
        placement.place(parcelId, 1, _pose());
        _assertGasBelow(98_500);
    }

    function test_move() public {
        IPlacement.Pose memory pose = _pose();
        pose.x = 7;
        vm.prank(alice);
        placement.move(1, pose);
        _assertGasBelow(48_500);
    }

    function test_remove() public {
        vm.prank(alice);
        placement.remove(1);
        _assertGasBelow(32_000);
    }

    function _assertGasBelow(uint256 ceiling) private view {
        assertLt(vm.lastCallGas().gasTotalUsed, ceiling, "gas");
    }

    /// A name that fits its slot, and the sources of a model with one tracker and one web seed.
    function _oak() private pure returns (IModel.ModelData memory) {
        return IModel.ModelData({
            infoHash: hex"3b245504cf5f11bbdbe1201cea6a6bf45aee1bc0",
            contentHash: sha256("oak"),
            size: 1 << 20,
            gate: address(0),
            name: "Old oak",
            sources: "tr=http%3A%2F%2Ftracker.example%2Fannounce&ws=http%3A%2F%2Fseed.example%2F"
        });
    }

    function _pose() private pure returns (IPlacement.Pose memory) {
        return IPlacement.Pose({x: 1500, y: 0, z: -20, qx: 0, qy: 0, qz: 0, qw: 32767, scale: 1000});
    }
}
