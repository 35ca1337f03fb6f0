// SPDX-License-Identifier: Apache-2.0
// Who may place, move and remove: the parcel's owner, its approved account, its owner's operators, its
// own operator, and nobody else; whose models; and when a placement ends.
pragma solidity ^0.8.37;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Test} from "forge-std/Test.sol";

import {wholeGrid} from "./WholeGrid.sol";
import {Land} from "../src/Land.sol";
import {Model} from "../src/Model.sol";
import {Placement} from "../src/Placement.sol";
import {IModel} from "../src/interfaces/IModel.sol";
import {IPlacement} from "../src/interfaces/IPlacement.sol";

contract PlacementTest is Test {
    address private alice = makeAddr("alice");
    address private bob = makeAddr("bob");
    address private creator = makeAddr("creator");
    Land private land = new Land(address(this), wholeGrid(), 0);
    Model private model = new Model();
    Placement private placement = new Placement(land, model);

    uint256 private parcelId;
    uint256 private otherParcelId;
    uint256 private modelId;

    function setUp() public {
        parcelId = land.mint(alice, -3, 5);
        otherParcelId = land.mint(alice, 0, 0);
        // The model belongs to neither: owning it is not what counts.
        modelId = model.publish(creator, IModel.ModelData(bytes20(uint160(1)), bytes32(0), 1, address(0), "tree", ""));
    }

    function testFuzz_ownerPlacesMovesAndRemoves(IPlacement.Pose memory first, IPlacement.Pose memory second) public {
        first = _valid(first);
        second = _valid(second);
        vm.startPrank(alice);

        vm.expectEmit(address(placement));
        emit IPlacement.Placed(1, parcelId, modelId, first);
        assertEq(placement.place(parcelId, modelId, first), 1);
        _assertPlaced(1, parcelId, first);

        vm.expectEmit(address(placement));
        emit IPlacement.Moved(1, second);
        placement.move(1, second);
        _assertPlaced(1, parcelId, second);

        vm.expectEmit(address(placement));
        emit IPlacement.Removed(1);
        placement.remove(1);
        _expectNoPlacement(1);
        placement.placement(1);
    }

    function test_approvedAccountHasTheRightOnThatParcelAlone() public {
        vm.prank(alice);
        land.approve(bob, parcelId);
        _assertHasRight(bob, parcelId);
        _assertHasNoRight(bob, otherParcelId);
    }

    function test_operatorHasTheRightOnAllParcels() public {
        vm.prank(alice);
        land.setApprovalForAll(bob, true);
        _assertHasRight(bob, parcelId);
        _assertHasRight(bob, otherParcelId);

        vm.prank(alice);
        land.setApprovalForAll(bob, false);
        _assertHasNoRight(bob, parcelId);
    }

    function testFuzz_strangerHasNoRight(address stranger) public {
        vm.assume(stranger != alice);
        _assertHasNoRight(stranger, parcelId);
    }

    function test_modelOwnerAndLandIssuerHaveNoRight() public {
        _assertHasNoRight(creator, parcelId);
        _assertHasNoRight(address(this), parcelId);
    }

    function test_parcelOperatorHasTheRightOnThatParcelAlone() public {
        vm.prank(alice);
        land.setParcelOperator(parcelId, bob);
        _assertHasRight(bob, parcelId);
        _assertHasNoRight(bob, otherParcelId);

        vm.prank(alice);
        land.setParcelOperator(parcelId, address(0));
        _assertHasNoRight(bob, parcelId);
    }

    function test_rightGoesWithTheParcel() public {
        vm.startPrank(alice);
        placement.place(parcelId, modelId, _pose());
        land.approve(makeAddr("approved"), parcelId);
        land.setParcelOperator(parcelId, makeAddr("builder"));
        land.transferFrom(alice, bob, parcelId);
        vm.stopPrank();

        _assertHasNoRight(alice, parcelId);
        _assertHasNoRight(makeAddr("approved"), parcelId);
        _assertHasNoRight(makeAddr("builder"), parcelId);
        _assertHasRight(bob, parcelId);
    }

    function test_placementEndsWhenItsParcelChangesHands() public {
        vm.startPrank(alice);
        placement.place(parcelId, modelId, _pose());
        placement.place(otherParcelId, modelId, _pose());
        assertTrue(placement.stands(1));
        land.transferFrom(alice, bob, parcelId);
        vm.stopPrank();

        assertFalse(placement.stands(1));
        assertTrue(placement.stands(2));
        _assertPlaced(1, parcelId, _pose()); // left behind

        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IPlacement.PlacementEnded.selector, 1));
        placement.move(1, _pose());
        assertTrue(placement.stands(placement.place(parcelId, modelId, _pose())));

        // It does not come back with its first owner.
        land.transferFrom(bob, alice, parcelId);
        assertFalse(placement.stands(1));
        assertFalse(placement.stands(3));
    }

    function test_newHolderClearsWhatWasLeftBehind() public {
        vm.startPrank(alice);
        placement.place(parcelId, modelId, _pose());
        land.transferFrom(alice, bob, parcelId);
        vm.expectRevert(abi.encodeWithSelector(IPlacement.NotParcelHolder.selector, alice, parcelId));
        placement.remove(1);
        vm.stopPrank();

        vm.prank(bob);
        placement.remove(1);
        assertFalse(placement.stands(1));
        _expectNoPlacement(1);
        placement.placement(1);
    }

    function testFuzz_whatIsNotThereDoesNotStand(uint256 id) public view {
        assertFalse(placement.stands(id));
    }

    function test_modelThatNeedsConsentIsRefusedWithout() public {
        _requireConsent();
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IPlacement.NoConsent.selector, alice, modelId));
        placement.place(parcelId, modelId, _pose());
    }

    function test_consentToTheParcelsOwnerIsEnoughForItsOperator() public {
        _requireConsent();
        vm.prank(creator);
        model.setConsent(modelId, alice, true);
        vm.prank(alice);
        land.setParcelOperator(parcelId, bob);
        _assertHasRight(alice, parcelId);
        _assertHasRight(bob, parcelId);

        // On alice's land alone.
        uint256 ofBob = land.mint(bob, 9, 9);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IPlacement.NoConsent.selector, bob, modelId));
        placement.place(ofBob, modelId, _pose());
    }

    function test_operatorPlacesItsOwnModel() public {
        _requireConsent();
        vm.prank(creator);
        model.transferFrom(creator, bob, modelId);
        vm.prank(alice);
        land.setParcelOperator(parcelId, bob);
        _assertHasRight(bob, parcelId);
    }

    function test_consentTakenBackLeavesThePlacement() public {
        _requireConsent();
        vm.prank(creator);
        model.setConsent(modelId, alice, true);
        vm.prank(alice);
        placement.place(parcelId, modelId, _pose());
        vm.prank(creator);
        model.setConsent(modelId, alice, false);

        assertTrue(placement.stands(1));
        vm.startPrank(alice);
        placement.move(1, _pose());
        vm.expectRevert(abi.encodeWithSelector(IPlacement.NoConsent.selector, alice, modelId));
        placement.place(parcelId, modelId, _pose());
    }

    function test_manyPlacementsAParcel() public {
        vm.startPrank(alice);
        for (uint256 id = 1; id <= 5; ++id) {
            assertEq(placement.place(parcelId, modelId, _pose()), id);
            assertEq(placement.placementCount(), id);
        }
        placement.remove(3);
        _assertPlaced(2, parcelId, _pose());
        _assertPlaced(4, parcelId, _pose());

        // A removed id is not used again.
        assertEq(placement.place(parcelId, modelId, _pose()), 6);
        _expectNoPlacement(3);
        placement.placement(3);
    }

    function testFuzz_unknownModelIsRefused(uint256 unknown) public {
        vm.assume(unknown != modelId);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, unknown));
        placement.place(parcelId, unknown, _pose());
    }

    function testFuzz_unknownParcelIsRefused(uint256 unknown) public {
        vm.assume(unknown != parcelId && unknown != otherParcelId);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, unknown));
        placement.place(unknown, modelId, _pose());
    }

    function testFuzz_unknownPlacementIsRefused(uint256 unknown) public {
        vm.startPrank(alice);
        vm.assume(unknown != placement.place(parcelId, modelId, _pose()));
        _expectNoPlacement(unknown);
        placement.move(unknown, _pose());
        _expectNoPlacement(unknown);
        placement.remove(unknown);
        _expectNoPlacement(unknown);
        placement.placement(unknown);
    }

    function test_poseWithoutRotationOrScaleIsRefused() public {
        IPlacement.Pose memory unturned = _pose();
        unturned.qw = 0;
        IPlacement.Pose memory vanishing = _pose();
        vanishing.scale = 0;

        vm.startPrank(alice);
        vm.expectRevert(IPlacement.InvalidPose.selector);
        placement.place(parcelId, modelId, unturned);
        vm.expectRevert(IPlacement.InvalidPose.selector);
        placement.place(parcelId, modelId, vanishing);

        placement.place(parcelId, modelId, _pose());
        vm.expectRevert(IPlacement.InvalidPose.selector);
        placement.move(1, unturned);
        vm.expectRevert(IPlacement.InvalidPose.selector);
        placement.move(1, vanishing);
    }

    function _requireConsent() private {
        uint8 flags = model.CONSENT_REQUIRED();
        vm.prank(creator);
        model.setFlags(modelId, flags);
    }

    function _assertHasRight(address account, uint256 parcel) private {
        vm.startPrank(account);
        uint256 id = placement.place(parcel, modelId, _pose());
        placement.move(id, _pose());
        placement.remove(id);
        vm.stopPrank();
    }

    function _assertHasNoRight(address account, uint256 parcel) private {
        vm.prank(land.ownerOf(parcel));
        uint256 id = placement.place(parcel, modelId, _pose());

        bytes memory refusal = abi.encodeWithSelector(IPlacement.NotParcelHolder.selector, account, parcel);
        vm.startPrank(account);
        vm.expectRevert(refusal);
        placement.place(parcel, modelId, _pose());
        vm.expectRevert(refusal);
        placement.move(id, _pose());
        vm.expectRevert(refusal);
        placement.remove(id);
        vm.stopPrank();
    }

    function _assertPlaced(uint256 id, uint256 parcel, IPlacement.Pose memory expected) private view {
        (uint256 onParcel, uint256 placedModel, IPlacement.Pose memory pose) = placement.placement(id);
        assertEq(onParcel, parcel);
        assertEq(placedModel, modelId);
        assertEq(abi.encode(pose), abi.encode(expected));
    }

    function _expectNoPlacement(uint256 id) private {
        vm.expectRevert(abi.encodeWithSelector(IPlacement.NoSuchPlacement.selector, id));
    }

    function _pose() private pure returns (IPlacement.Pose memory) {
        return IPlacement.Pose({x: 1500, y: 0, z: -20, qx: 0, qy: 0, qz: 0, qw: 32767, scale: 1000});
    }

    function _valid(IPlacement.Pose memory pose) private pure returns (IPlacement.Pose memory) {
        if (pose.qx == 0 && pose.qy == 0 && pose.qz == 0) pose.qw = 1;
        if (pose.scale == 0) pose.scale = 1;
        return pose;
    }
}
