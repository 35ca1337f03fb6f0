// SPDX-License-Identifier: Apache-2.0
// What users pay is part of what they are promised: each action is a transaction of its own here and must stay under
// a ceiling, a little above what it took when the ceiling was set.
pragma solidity ^0.8.37;

import {Test} from "forge-std/Test.sol";

import {GrantTree} from "./GrantTree.sol";
import {wholeGrid} from "./WholeGrid.sol";
import {AccessPass} from "../src/AccessPass.sol";
import {BoxRegistry} from "../src/BoxRegistry.sol";
import {Cybr} from "../src/Cybr.sol";
import {Land} from "../src/Land.sol";
import {Model} from "../src/Model.sol";
import {Placement} from "../src/Placement.sol";
import {IAccessPass} from "../src/interfaces/IAccessPass.sol";
import {ILand} from "../src/interfaces/ILand.sol";
import {IModel} from "../src/interfaces/IModel.sol";
import {IPlacement} from "../src/interfaces/IPlacement.sol";

/// forge-config: default.isolate = true
contract GasTest is Test {
    address private alice = makeAddr("alice");
    address private bob = makeAddr("bob");
    Land private land = new Land(address(this), wholeGrid(), GrantTree.root(GrantTree.leaves(_grants())));
    Model private model = new Model();
    Placement private placement = new Placement(land, model);
    Cybr private cybr = new Cybr(address(this), address(this), 1000, 1000);
    AccessPass private pass = new AccessPass(cybr, land, model);
    BoxRegistry private registry = new BoxRegistry(cybr, 10, 1 days);
    uint256 private parcelId;

    function setUp() public {
        // First uses cost more than later ones; users mostly are not first.
        parcelId = land.mint(alice, 0, 0);
        model.publish(alice, _oak());
        vm.prank(alice);
        placement.place(parcelId, 1, _pose());
        land.mint(bob, 2, 0);
        land.mint(alice, 3, 0);
        vm.prank(alice);
        pass.setOffer(1, IAccessPass.Offer(10, 1 days));
        assertTrue(cybr.transfer(alice, 1));
        assertTrue(cybr.transfer(address(registry), 1));
        cybr.approve(address(pass), type(uint256).max);
        cybr.approve(address(registry), type(uint256).max);
    }

    function test_mint() public {
        land.mint(alice, 1, 0);
        _assertGasBelow(56_000);
    }

    function test_mintBatchPerParcel() public {
        land.mintBatch(alice, _ids(0, 256));
        _assertGasBelow(256 * 26_000);
    }

    function test_claimOneOfAWorldOfManyGrants() public {
        land.claim(_grants()[7], _ids(7 * 300, 1), GrantTree.proof(GrantTree.leaves(_grants()), 7));
        _assertGasBelow(63_500);
    }

    function test_claimPerParcel() public {
        land.claim(_grants()[7], _ids(7 * 300, 256), GrantTree.proof(GrantTree.leaves(_grants()), 7));
        _assertGasBelow(256 * 27_000);
    }

    function test_firstSale() public {
        vm.prank(alice);
        land.transferFrom(alice, bob, parcelId);
        _assertGasBelow(66_500);
    }

    function test_laterSale() public {
        vm.prank(alice);
        land.transferFrom(alice, bob, parcelId);
        vm.prank(bob);
        land.transferFrom(bob, alice, parcelId);
        _assertGasBelow(49_500);
    }

    function test_setParcelOperator() public {
        vm.prank(alice);
        land.setParcelOperator(parcelId, bob);
        _assertGasBelow(49_000);
    }

    function test_publishWithTerms() public {
        model.publishWithTerms(alice, _oak(), IModel.Terms(alice, 500, 1));
        _assertGasBelow(278_000);
    }

    function test_setConsent() public {
        vm.prank(alice);
        model.setConsent(1, bob, true);
        _assertGasBelow(50_000);
    }

    function test_buyFirstPass() public {
        pass.buy(1, bob, 1, 10);
        _assertGasBelow(80_500);
    }

    function test_buyAgain() public {
        pass.buy(1, bob, 1, 10);
        pass.buy(1, bob, 1, 10);
        _assertGasBelow(63_000);
    }

    function test_registerBox() public {
        registry.register(keccak256("node"), "box.example");
        _assertGasBelow(80_500);
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

    /// A hundred thousand parcels for 333 people: nine hashes a proof.
    function _grants() private view returns (ILand.Grant[] memory grants) {
        grants = new ILand.Grant[](333);
        for (uint32 i = 0; i < grants.length; ++i) {
            grants[i] = ILand.Grant(alice, 300 * i, 300 * i + 299);
        }
    }

    function _ids(uint32 first, uint256 count) private pure returns (uint32[] memory ids) {
        ids = new uint32[](count);
        for (uint32 i = 0; i < count; ++i) {
            ids[i] = first + i;
        }
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
