// SPDX-License-Identifier: Apache-2.0
// What a pass costs, whom it pays, how long it lasts, and where it lies: the slot is a wire format.
pragma solidity ^0.8.37;

import {IERC20Errors, IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Test} from "forge-std/Test.sol";

import {wholeGrid} from "./WholeGrid.sol";
import {AccessPass} from "../src/AccessPass.sol";
import {Cybr} from "../src/Cybr.sol";
import {Land} from "../src/Land.sol";
import {Model} from "../src/Model.sol";
import {IAccessPass} from "../src/interfaces/IAccessPass.sol";
import {IModel} from "../src/interfaces/IModel.sol";

contract AccessPassTest is Test {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
    uint64 private constant MONTH = 30 days;

    address private creator = makeAddr("creator");
    address private landlord = makeAddr("landlord");
    address private visitor;
    uint256 private visitorKey;
    Cybr private cybr;
    Land private land = new Land(address(this), wholeGrid(), 0);
    Model private model = new Model();
    AccessPass private pass;
    uint256 private modelId;
    uint256 private parcelId;

    function setUp() public {
        (visitor, visitorKey) = makeAddrAndKey("visitor");
        cybr = new Cybr(address(this), visitor, 1000, 1000);
        pass = new AccessPass(cybr, land, model);
        modelId = model.publish(creator, IModel.ModelData(hex"01", 0, 1, address(pass), "tree", ""));
        parcelId = land.mint(landlord, -1, 1);
        vm.warp(1_800_000_000);
        vm.prank(creator);
        pass.setOffer(modelId, IAccessPass.Offer(100, MONTH));
        vm.prank(visitor);
        cybr.approve(address(pass), 500);
    }

    function test_passIsBoughtAndEnds() public {
        uint64 expiry = uint64(block.timestamp) + 2 * MONTH;
        assertFalse(pass.isUnlocked(modelId, visitor));
        vm.expectEmit(address(pass));
        emit IAccessPass.PassExtended(modelId, visitor, visitor, 200, expiry);
        vm.prank(visitor);
        pass.buy(modelId, visitor, 2, 200);

        assertEq(pass.expiryOf(modelId, visitor), expiry);
        assertEq(cybr.balanceOf(creator), 200);
        assertEq(cybr.balanceOf(visitor), 800);
        vm.warp(expiry - 1);
        assertTrue(pass.isUnlocked(modelId, visitor));
        vm.warp(expiry);
        assertFalse(pass.isUnlocked(modelId, visitor));
    }

    function testFuzz_passLiesInItsOneSlot(uint256 subject, address user, uint64 expiry) public {
        subject = subject % 2 == 0 ? modelId : pass.parcelSubject(parcelId);
        vm.assume(expiry != 0);
        vm.prank(subject == modelId ? creator : landlord);
        pass.give(subject, user, expiry);
        bytes32 slot = keccak256(abi.encode(user, keccak256(abi.encode(subject, uint256(0)))));
        assertEq(vm.load(address(pass), slot), bytes32(uint256(expiry)));
    }

    function test_validPassIsProlongedAndLapsedOneBeginsAnew() public {
        vm.startPrank(visitor);
        pass.buy(modelId, visitor, 1, 100);
        uint256 first = pass.expiryOf(modelId, visitor);
        vm.warp(block.timestamp + 1 days);
        pass.buy(modelId, visitor, 1, 100);
        assertEq(pass.expiryOf(modelId, visitor), first + MONTH);
        vm.warp(first + 3 * MONTH);
        pass.buy(modelId, visitor, 1, 100);
        assertEq(pass.expiryOf(modelId, visitor), first + 4 * MONTH);
    }

    function test_passAsAGift() public {
        vm.prank(visitor);
        pass.buy(modelId, landlord, 1, 100);
        assertTrue(pass.isUnlocked(modelId, landlord));
        assertFalse(pass.isUnlocked(modelId, visitor));
    }

    function test_entranceTicketToAParcel() public {
        uint256 subject = pass.parcelSubject(parcelId);
        assertEq(subject, (1 << 255) + parcelId);
        vm.prank(landlord);
        pass.setOffer(subject, IAccessPass.Offer(7, 1 hours));
        vm.prank(visitor);
        pass.buy(subject, visitor, 3, 21);
        assertTrue(pass.mayEnter(parcelId, visitor));
        assertFalse(pass.isUnlocked(parcelId, visitor));
        assertEq(cybr.balanceOf(landlord), 21);
        vm.warp(block.timestamp + 3 hours);
        assertFalse(pass.mayEnter(parcelId, visitor));
    }

    function test_revenueGoesToTheOwnerOfTheDay() public {
        vm.prank(creator);
        model.transferFrom(creator, landlord, modelId);
        vm.prank(visitor);
        pass.buy(modelId, visitor, 1, 100);
        assertEq(cybr.balanceOf(landlord), 100);
        assertEq(cybr.balanceOf(creator), 0);

        vm.prank(creator);
        vm.expectRevert(abi.encodeWithSelector(IAccessPass.NotSubjectOwner.selector, creator, modelId));
        pass.setOffer(modelId, IAccessPass.Offer(1, 1));
    }

    function test_dearerThanAgreedIsRefused() public {
        vm.prank(creator);
        pass.setOffer(modelId, IAccessPass.Offer(101, MONTH));
        vm.prank(visitor);
        vm.expectRevert(abi.encodeWithSelector(IAccessPass.TooDear.selector, 202, 200));
        pass.buy(modelId, visitor, 2, 200);
    }

    function test_whatIsNotForSaleIsRefused() public {
        uint256 subject = pass.parcelSubject(parcelId);
        vm.startPrank(visitor);
        vm.expectRevert(abi.encodeWithSelector(IAccessPass.NotForSale.selector, subject));
        pass.buy(subject, visitor, 1, 1000);
        vm.expectRevert(IAccessPass.ZeroPeriods.selector);
        pass.buy(modelId, visitor, 0, 1000);
        vm.stopPrank();

        vm.expectEmit(address(pass));
        emit IAccessPass.OfferChanged(modelId, 0, 0);
        vm.prank(creator);
        pass.setOffer(modelId, IAccessPass.Offer(0, 0));
        assertEq(pass.offerOf(modelId).period, 0);
        vm.prank(visitor);
        vm.expectRevert(abi.encodeWithSelector(IAccessPass.NotForSale.selector, modelId));
        pass.buy(modelId, visitor, 1, 1000);
    }

    function test_unpaidPassIsNone() public {
        vm.prank(landlord);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, pass, 0, 100));
        pass.buy(modelId, landlord, 1, 100);
        assertFalse(pass.isUnlocked(modelId, landlord));
    }

    function test_passForFree() public {
        vm.prank(creator);
        pass.setOffer(modelId, IAccessPass.Offer(0, 1));
        vm.prank(landlord);
        pass.buy(modelId, landlord, 1, 0);
        assertTrue(pass.isUnlocked(modelId, landlord));
    }

    function test_passBeyondAllTimeIsRefused() public {
        vm.prank(creator);
        pass.setOffer(modelId, IAccessPass.Offer(0, type(uint64).max));
        vm.expectPartialRevert(SafeCast.SafeCastOverflowedUintDowncast.selector);
        pass.buy(modelId, visitor, 1, 0);
    }

    function test_ownerGivesButNeverTakes() public {
        vm.prank(visitor);
        pass.buy(modelId, visitor, 1, 100);
        uint256 bought = pass.expiryOf(modelId, visitor);
        vm.startPrank(creator);
        vm.expectRevert(abi.encodeWithSelector(IAccessPass.NotLater.selector, bought, bought));
        pass.give(modelId, visitor, uint64(bought));
        vm.expectEmit(address(pass));
        emit IAccessPass.PassExtended(modelId, visitor, creator, 0, uint64(bought + 1));
        pass.give(modelId, visitor, uint64(bought + 1));
        assertEq(cybr.balanceOf(creator), 100);
    }

    function testFuzz_onlyTheOwnerOffersAndGives(address stranger) public {
        vm.assume(stranger != creator && stranger != landlord);
        uint256[2] memory subjects = [modelId, pass.parcelSubject(parcelId)];
        vm.startPrank(stranger);
        for (uint256 i = 0; i < subjects.length; ++i) {
            bytes memory refusal = abi.encodeWithSelector(IAccessPass.NotSubjectOwner.selector, stranger, subjects[i]);
            vm.expectRevert(refusal);
            pass.setOffer(subjects[i], IAccessPass.Offer(1, 1));
            vm.expectRevert(refusal);
            pass.give(subjects[i], stranger, type(uint64).max);
        }
    }

    function testFuzz_whatDoesNotExistHasNoOffer(uint256 subject) public {
        vm.assume(subject != modelId && subject != pass.parcelSubject(parcelId));
        vm.expectPartialRevert(IERC721Errors.ERC721NonexistentToken.selector);
        pass.setOffer(subject, IAccessPass.Offer(1, 1));
    }

    function test_permitAndPurchaseInOneTransaction() public {
        vm.prank(visitor);
        cybr.approve(address(pass), 0);
        IAccessPass.Permit memory permit = _permit(300);
        vm.prank(visitor);
        pass.buyWithPermit(modelId, visitor, 3, 300, permit);
        assertTrue(pass.isUnlocked(modelId, visitor));
        assertEq(cybr.balanceOf(creator), 300);
    }

    function test_permitUsedByAnotherFirstDoesNoHarm() public {
        IAccessPass.Permit memory permit = _permit(300);
        cybr.permit(visitor, address(pass), 300, permit.deadline, permit.v, permit.r, permit.s);
        vm.prank(visitor);
        pass.buyWithPermit(modelId, visitor, 3, 300, permit);
        assertTrue(pass.isUnlocked(modelId, visitor));
    }

    function test_permitOfAnotherPaysNothing() public {
        IAccessPass.Permit memory permit = _permit(300);
        vm.prank(landlord);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, pass, 0, 300));
        pass.buyWithPermit(modelId, landlord, 3, 300, permit);
    }

    function _permit(uint256 value) private view returns (IAccessPass.Permit memory permit) {
        permit.deadline = block.timestamp;
        bytes32 message = keccak256(
            abi.encode(PERMIT_TYPEHASH, visitor, address(pass), value, cybr.nonces(visitor), permit.deadline)
        );
        (permit.v, permit.r, permit.s) =
            vm.sign(visitorKey, keccak256(abi.encodePacked("\x19\x01", cybr.DOMAIN_SEPARATOR(), message)));
    }
}
