// SPDX-License-Identifier: Apache-2.0
// Each way through a task's states, each that is barred, and where the money ends up.
pragma solidity ^0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Test} from "forge-std/Test.sol";

import {Bounty} from "../src/Bounty.sol";
import {Cybr} from "../src/Cybr.sol";
import {IBounty} from "../src/interfaces/IBounty.sol";

contract BountyTest is Test {
    address private poster = makeAddr("poster");
    address private worker = makeAddr("worker");
    address private arbiter = makeAddr("arbiter");
    address private stranger = makeAddr("stranger");
    Cybr private cybr = new Cybr(address(this), poster, 1000, 1000);
    Bounty private bounty = new Bounty(cybr, arbiter);

    function setUp() public {
        vm.warp(1_800_000_000);
        vm.prank(poster);
        cybr.approve(address(bounty), 1000);
    }

    function test_workIsAcceptedAndPaid() public {
        vm.expectEmit(address(bounty));
        emit IBounty.TaskPosted(1, poster, address(0), 101, 1 days, "a tree");
        assertEq(_post(), 1);
        assertEq(bounty.taskCount(), 1);
        assertEq(cybr.balanceOf(address(bounty)), 101);

        uint64 dueAt = uint64(block.timestamp + 1 days);
        vm.expectEmit(address(bounty));
        emit IBounty.TaskClaimed(1, worker, dueAt);
        _claim();
        assertEq(
            abi.encode(bounty.task(1)),
            abi.encode(IBounty.Task(poster, dueAt, IBounty.State.Claimed, worker, 1 days, 101))
        );
        vm.expectEmit(address(bounty));
        emit IBounty.WorkSubmitted(1, "magnet", uint64(block.timestamp + 14 days));
        _submit();

        vm.expectEmit(address(bounty));
        emit IBounty.TaskClosed(1, worker, 101, 0);
        _accept();
        _assertPaid(101, 899);
        assertEq(uint256(bounty.task(1).state), uint256(IBounty.State.None));
    }

    function test_posterMayAcceptBeforeSubmissionAndInADispute() public {
        _post();
        _claim();
        _accept();
        _assertPaid(101, 899);
        vm.prank(poster);
        bounty.post(address(0), 99, 1 days, "");
        vm.startPrank(worker);
        bounty.claim(2);
        bounty.submit(2, "");
        vm.startPrank(poster);
        bounty.dispute(2, "");
        bounty.accept(2);
        _assertPaid(200, 800);
    }

    function test_openTaskIsTakenBack() public {
        _post();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IBounty.NotAllowed.selector, stranger, 1));
        bounty.cancel(1);
        vm.expectEmit(address(bounty));
        emit IBounty.TaskClosed(1, address(0), 0, 101);
        vm.prank(poster);
        bounty.cancel(1);
        _assertPaid(0, 1000);
    }

    function test_taskMeantForOneIsNotForOthers() public {
        vm.prank(poster);
        bounty.post(worker, 10, 1 days, "");
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IBounty.NotAllowed.selector, stranger, 1));
        bounty.claim(1);
        _claim();

        // Who misses it leaves it to everybody.
        vm.warp(block.timestamp + 1 days);
        bounty.release(1);
        vm.prank(stranger);
        bounty.claim(1);
        assertEq(bounty.task(1).worker, stranger);
    }

    function test_overdueWorkFreesTheTask() public {
        _post();
        _claim();
        uint64 dueAt = bounty.task(1).dueAt;
        vm.warp(dueAt - 1);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IBounty.TooEarly.selector, dueAt));
        bounty.release(1);

        vm.warp(dueAt);
        vm.prank(worker);
        vm.expectRevert(abi.encodeWithSelector(IBounty.TooLate.selector, dueAt));
        bounty.submit(1, "late");
        vm.expectEmit(address(bounty));
        emit IBounty.TaskReleased(1);
        vm.prank(stranger);
        bounty.release(1);
        vm.prank(poster);
        bounty.cancel(1);
        _assertPaid(0, 1000);
    }

    function test_workerGivesUpAtAnyTime() public {
        _post();
        _claim();
        vm.prank(worker);
        bounty.release(1);
        assertEq(uint256(bounty.task(1).state), uint256(IBounty.State.Open));
        assertEq(bounty.task(1).worker, address(0));
    }

    function test_workNotJudgedIsPaid() public {
        _post();
        _claim();
        _submit();
        uint64 dueAt = bounty.task(1).dueAt;
        vm.warp(dueAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IBounty.TooEarly.selector, dueAt));
        bounty.settle(1);
        vm.warp(dueAt);
        vm.prank(poster);
        vm.expectRevert(abi.encodeWithSelector(IBounty.TooLate.selector, dueAt));
        bounty.dispute(1, "");
        vm.prank(stranger);
        bounty.settle(1);
        _assertPaid(101, 899);
    }

    function testFuzz_arbiterDecidesADispute(uint256 share) public {
        share = bound(share, 0, 101);
        _dispute();
        vm.prank(arbiter);
        vm.expectRevert(abi.encodeWithSelector(IBounty.ShareTooHigh.selector, 102, 101));
        bounty.decide(1, 102);
        vm.expectEmit(address(bounty));
        emit IBounty.TaskClosed(1, worker, share, 101 - share);
        vm.prank(arbiter);
        bounty.decide(1, share);
        _assertPaid(share, 1000 - share);
    }

    function test_disputeNotDecidedIsSplit() public {
        _dispute();
        uint64 dueAt = bounty.task(1).dueAt;
        assertEq(dueAt, block.timestamp + 90 days);
        vm.expectRevert(abi.encodeWithSelector(IBounty.TooEarly.selector, dueAt));
        bounty.settle(1);
        vm.warp(dueAt);
        bounty.settle(1);
        _assertPaid(50, 950);
    }

    function test_eachActionIsForItsOwnAlone() public {
        bytes memory refusal = abi.encodeWithSelector(IBounty.NotAllowed.selector, stranger, 1);
        _post();
        _claim();
        vm.startPrank(stranger);
        vm.expectRevert(refusal);
        bounty.submit(1, "");
        vm.expectRevert(refusal);
        bounty.accept(1);
        vm.stopPrank();
        _submit();
        vm.startPrank(stranger);
        vm.expectRevert(refusal);
        bounty.dispute(1, "");
        vm.stopPrank();
        vm.prank(poster);
        bounty.dispute(1, "");
        vm.startPrank(stranger);
        vm.expectRevert(refusal);
        bounty.decide(1, 0);
    }

    function test_eachActionHasItsStates() public {
        _expectWrongStates(IBounty.State.None);
        _post();
        _expectWrongStates(IBounty.State.Open);
        _claim();
        _expectWrongStates(IBounty.State.Claimed);
        _submit();
        _expectWrongStates(IBounty.State.Submitted);
        vm.prank(poster);
        bounty.dispute(1, "");
        _expectWrongStates(IBounty.State.Disputed);
        _accept();
        _expectWrongStates(IBounty.State.None);
    }

    function test_impossibleTasksAreRefused() public {
        vm.startPrank(poster);
        vm.expectRevert(IBounty.ZeroReward.selector);
        bounty.post(worker, 0, 1 days, "");
        vm.expectRevert(abi.encodeWithSelector(IBounty.InvalidWorkPeriod.selector, 0, 365 days));
        bounty.post(worker, 1, 0, "");
        vm.expectRevert(abi.encodeWithSelector(IBounty.InvalidWorkPeriod.selector, 365 days + 1, 365 days));
        bounty.post(worker, 1, 365 days + 1, "");
        vm.expectRevert(abi.encodeWithSelector(IBounty.TextTooLong.selector, 1025, 1024));
        bounty.post(worker, 1, 365 days, string(new bytes(1025)));
        bounty.post(worker, 1, 365 days, string(new bytes(1024)));
        vm.stopPrank();
        vm.startPrank(worker);
        bounty.claim(1);
        vm.expectRevert(abi.encodeWithSelector(IBounty.TextTooLong.selector, 1025, 1024));
        bounty.submit(1, string(new bytes(1025)));
        bounty.submit(1, "");
        vm.startPrank(poster);
        vm.expectRevert(abi.encodeWithSelector(IBounty.TextTooLong.selector, 1025, 1024));
        bounty.dispute(1, string(new bytes(1025)));
    }

    function test_noRewardNoTask() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, bounty, 0, 1));
        bounty.post(worker, 1, 1 days, "");
        assertEq(bounty.taskCount(), 0);
    }

    function _expectWrongStates(IBounty.State state) private {
        bytes memory refusal = abi.encodeWithSelector(IBounty.WrongState.selector, 1, state);
        if (state != IBounty.State.Open) {
            vm.expectRevert(refusal);
            bounty.cancel(1);
            vm.expectRevert(refusal);
            bounty.claim(1);
        }
        if (state != IBounty.State.Claimed) {
            vm.expectRevert(refusal);
            bounty.release(1);
            vm.expectRevert(refusal);
            bounty.submit(1, "");
        }
        if (state != IBounty.State.Submitted) {
            vm.expectRevert(refusal);
            bounty.dispute(1, "");
        }
        if (state != IBounty.State.Disputed) {
            vm.expectRevert(refusal);
            bounty.decide(1, 0);
        }
        if (state < IBounty.State.Claimed) {
            vm.expectRevert(refusal);
            bounty.accept(1);
        }
        if (state < IBounty.State.Submitted) {
            vm.expectRevert(refusal);
            bounty.settle(1);
        }
    }

    function _post() private returns (uint256) {
        vm.prank(poster);
        return bounty.post(address(0), 101, 1 days, "a tree");
    }

    function _claim() private {
        vm.prank(worker);
        bounty.claim(1);
    }

    function _submit() private {
        vm.prank(worker);
        bounty.submit(1, "magnet");
    }

    function _accept() private {
        vm.prank(poster);
        bounty.accept(1);
    }

    function _dispute() private {
        _post();
        _claim();
        _submit();
        vm.expectEmit(address(bounty));
        emit IBounty.TaskDisputed(1, "no leaves", uint64(block.timestamp + 90 days));
        vm.prank(poster);
        bounty.dispute(1, "no leaves");
    }

    function _assertPaid(uint256 toWorker, uint256 withPoster) private view {
        assertEq(cybr.balanceOf(worker), toWorker);
        assertEq(cybr.balanceOf(poster), withPoster);
        assertEq(cybr.balanceOf(address(bounty)), 0);
    }
}
