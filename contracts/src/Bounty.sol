// SPDX-License-Identifier: Apache-2.0
// Lets people pay each other for work without trusting each other: the money waits here, and time decides what nobody
// does.
pragma solidity ^0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IBounty} from "./interfaces/IBounty.sol";

/// @title Bounty
contract Bounty is IBounty {
    using SafeERC20 for IERC20;

    /// Bytes of a description, a result or a reason.
    uint256 public constant MAX_TEXT_LENGTH = 1024;
    /// Seconds that a worker may be given.
    uint64 public constant MAX_WORK_PERIOD = 365 days;
    /// Seconds in which the poster judges.
    uint64 public constant REVIEW_PERIOD = 14 days;
    /// Seconds in which the arbiter decides; several votes long.
    uint64 public constant ARBITRATION_PERIOD = 90 days;

    /// What rewards are paid in.
    IERC20 public immutable cybr;
    /// Decides disputes: the governor's timelock.
    address public immutable arbiter;

    /// @inheritdoc IBounty
    uint256 public taskCount;
    mapping(uint256 taskId => Task) private _tasks;

    /// @param cybr_ What rewards are paid in.
    /// @param arbiter_ Decides disputes; zero if nobody does and all of them are split.
    constructor(IERC20 cybr_, address arbiter_) {
        cybr = cybr_;
        // slither-disable-next-line missing-zero-check
        arbiter = arbiter_;
    }

    /// @inheritdoc IBounty
    function post(address worker, uint256 reward, uint64 workPeriod, string calldata description)
        external
        returns (uint256 taskId)
    {
        if (reward == 0) revert ZeroReward();
        if (workPeriod == 0 || workPeriod > MAX_WORK_PERIOD) revert InvalidWorkPeriod(workPeriod, MAX_WORK_PERIOD);
        _checkText(description);
        taskId = ++taskCount;
        _tasks[taskId] = Task(msg.sender, 0, State.Open, worker, workPeriod, reward);
        emit TaskPosted(taskId, msg.sender, worker, reward, workPeriod, description);
        cybr.safeTransferFrom(msg.sender, address(this), reward);
    }

    /// @inheritdoc IBounty
    function cancel(uint256 taskId) external {
        Task storage open = _inState(taskId, State.Open);
        _checkCaller(taskId, open.poster);
        _close(taskId, 0);
    }

    /// @inheritdoc IBounty
    function claim(uint256 taskId) external {
        Task storage open = _inState(taskId, State.Open);
        if (open.worker != address(0)) _checkCaller(taskId, open.worker);
        open.worker = msg.sender;
        _enter(open, State.Claimed, open.workPeriod);
        emit TaskClaimed(taskId, msg.sender, open.dueAt);
    }

    /// @inheritdoc IBounty
    function release(uint256 taskId) external {
        Task storage claimed = _inState(taskId, State.Claimed);
        if (msg.sender != claimed.worker) _checkOverdue(claimed);
        (claimed.state, claimed.worker, claimed.dueAt) = (State.Open, address(0), 0);
        emit TaskReleased(taskId);
    }

    /// @inheritdoc IBounty
    function submit(uint256 taskId, string calldata result) external {
        Task storage claimed = _inState(taskId, State.Claimed);
        _checkCaller(taskId, claimed.worker);
        _checkInTime(claimed);
        _checkText(result);
        _enter(claimed, State.Submitted, REVIEW_PERIOD);
        emit WorkSubmitted(taskId, result, claimed.dueAt);
    }

    /// @inheritdoc IBounty
    function accept(uint256 taskId) external {
        Task storage present = _tasks[taskId];
        if (present.state < State.Claimed) revert WrongState(taskId, present.state);
        _checkCaller(taskId, present.poster);
        _close(taskId, present.reward);
    }

    /// @inheritdoc IBounty
    function dispute(uint256 taskId, string calldata reason) external {
        Task storage submitted = _inState(taskId, State.Submitted);
        _checkCaller(taskId, submitted.poster);
        _checkInTime(submitted);
        _checkText(reason);
        _enter(submitted, State.Disputed, ARBITRATION_PERIOD);
        emit TaskDisputed(taskId, reason, submitted.dueAt);
    }

    /// @inheritdoc IBounty
    function decide(uint256 taskId, uint256 toWorker) external {
        Task storage disputed = _inState(taskId, State.Disputed);
        _checkCaller(taskId, arbiter);
        if (toWorker > disputed.reward) revert ShareTooHigh(toWorker, disputed.reward);
        _close(taskId, toWorker);
    }

    /// @inheritdoc IBounty
    function settle(uint256 taskId) external {
        Task storage present = _tasks[taskId];
        if (present.state < State.Submitted) revert WrongState(taskId, present.state);
        _checkOverdue(present);
        _close(taskId, present.state == State.Submitted ? present.reward : present.reward / 2);
    }

    /// @inheritdoc IBounty
    function task(uint256 taskId) external view returns (Task memory) {
        return _tasks[taskId];
    }

    function _enter(Task storage present, State state, uint64 period) private {
        present.state = state;
        // A timestamp and a year fit 64 bits for the life of the sun.
        // forge-lint: disable-next-line(unsafe-typecast)
        present.dueAt = uint64(block.timestamp) + period;
    }

    /// @dev CYBR calls neither of those it pays.
    function _close(uint256 taskId, uint256 toWorker) private {
        Task memory done = _tasks[taskId];
        uint256 toPoster = done.reward - toWorker;
        delete _tasks[taskId];
        emit TaskClosed(taskId, done.worker, toWorker, toPoster);
        if (toWorker != 0) cybr.safeTransfer(done.worker, toWorker);
        if (toPoster != 0) cybr.safeTransfer(done.poster, toPoster);
    }

    function _inState(uint256 taskId, State state) private view returns (Task storage present) {
        present = _tasks[taskId];
        if (present.state != state) revert WrongState(taskId, present.state);
    }

    function _checkCaller(uint256 taskId, address allowed) private view {
        if (msg.sender != allowed) revert NotAllowed(msg.sender, taskId);
    }

    function _checkInTime(Task storage present) private view {
        if (block.timestamp >= present.dueAt) revert TooLate(present.dueAt);
    }

    function _checkOverdue(Task storage present) private view {
        if (block.timestamp < present.dueAt) revert TooEarly(present.dueAt);
    }

    function _checkText(string calldata text) private pure {
        uint256 length = bytes(text).length;
        if (length > MAX_TEXT_LENGTH) revert TextTooLong(length, MAX_TEXT_LENGTH);
    }
}
