// SPDX-License-Identifier: Apache-2.0
// What Bounty offers. Imports nothing, so that other languages can read the file alone.
pragma solidity ^0.8.37;

/// @title Tasks paid in CYBR
/// @notice The reward lies here from the posting on. Every state but Open ends by itself in time, so that no reward is
/// stuck: work not handed in frees the task, work not judged is paid, a dispute not decided is split in halves.
interface IBounty {
    /// @notice How far a task is.
    enum State {
        None, // never posted, or done with
        Open, // waits for a worker
        Claimed, // is worked on
        Submitted, // waits for the poster's judgement
        Disputed // waits for the arbiter's
    }

    /// @notice A task as it is now.
    /// @param dueAt When its state ends by itself, in seconds since 1970; zero while it is open.
    /// @param worker Who works on it; while it is open, for whom alone it is meant, or zero.
    /// @param workPeriod Seconds from claim to submission.
    /// @param reward In CYBR's smallest unit.
    struct Task {
        address poster;
        uint64 dueAt;
        State state;
        address worker;
        uint64 workPeriod;
        uint256 reward;
    }

    /// @notice A task was posted and its reward paid in.
    event TaskPosted(
        uint256 indexed taskId,
        address indexed poster,
        address indexed worker,
        uint256 reward,
        uint64 workPeriod,
        string description
    );
    /// @notice A task has a worker.
    event TaskClaimed(uint256 indexed taskId, address indexed worker, uint64 dueAt);
    /// @notice A task is open again, to everybody.
    event TaskReleased(uint256 indexed taskId);
    /// @notice Work was handed in.
    event WorkSubmitted(uint256 indexed taskId, string result, uint64 dueAt);
    /// @notice The poster does not accept the work.
    event TaskDisputed(uint256 indexed taskId, string reason, uint64 dueAt);
    /// @notice A task is done with.
    event TaskClosed(uint256 indexed taskId, address indexed worker, uint256 toWorker, uint256 toPoster);

    /// @notice The reward is zero.
    error ZeroReward();
    /// @notice The work period is zero or longer than the limit, in seconds.
    error InvalidWorkPeriod(uint64 workPeriod, uint64 limit);
    /// @notice A text is longer than the limit, in bytes.
    error TextTooLong(uint256 length, uint256 limit);
    /// @notice The task's state does not allow it.
    error WrongState(uint256 taskId, State state);
    /// @notice This task is not for the caller to do this to.
    error NotAllowed(address caller, uint256 taskId);
    /// @notice It is too late: the task's state has ended.
    error TooLate(uint64 dueAt);
    /// @notice It is too early: the task's state has not ended.
    error TooEarly(uint64 dueAt);
    /// @notice More than the reward cannot be shared out.
    error ShareTooHigh(uint256 share, uint256 reward);

    /// @notice Posts a task and takes its reward, for which the caller has approved this contract.
    /// @param worker For whom alone it is meant; zero for anyone.
    /// @param workPeriod Seconds from claim to submission.
    /// @return taskId Ids count up from 1.
    function post(address worker, uint256 reward, uint64 workPeriod, string calldata description)
        external
        returns (uint256 taskId);

    /// @notice Takes an open task back. Only its poster may.
    function cancel(uint256 taskId) external;

    /// @notice Takes an open task on.
    function claim(uint256 taskId) external;

    /// @notice Opens a claimed task again: its worker whenever it likes, anyone when the work is overdue.
    function release(uint256 taskId) external;

    /// @notice Hands work in. Only the task's worker may, in time.
    function submit(uint256 taskId, string calldata result) external;

    /// @notice Pays the worker, at whatever stage. Only the poster may.
    function accept(uint256 taskId) external;

    /// @notice Does not accept submitted work. Only the poster may, in time.
    function dispute(uint256 taskId, string calldata reason) external;

    /// @notice Decides a dispute. Only the arbiter may.
    /// @param toWorker What the worker gets of the reward; the poster gets the rest.
    function decide(uint256 taskId, uint256 toWorker) external;

    /// @notice Ends a state that is overdue: pays work that was not judged, halves what was not decided. Anyone may.
    function settle(uint256 taskId) external;

    /// @notice How many tasks were ever posted. Their ids are 1 to this number.
    function taskCount() external view returns (uint256);

    /// @notice A task as it is now; all zero if it was never posted or is done with.
    function task(uint256 taskId) external view returns (Task memory);
}
