// SPDX-License-Identifier: Apache-2.0
// Who decides for everybody: holders of CYBR, by vote, after a delay in which those who disagree can leave. All of it
// is OpenZeppelin's; this puts its parts together.
pragma solidity ^0.8.37;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";

/// @title CybrGovernor
/// @notice Acts through `timelock()`, which it makes itself: contracts that votes are to rule belong to that address.
/// Nobody else proposes to the timelock or administers it; once the delay is over, anyone carries a decision out.
contract CybrGovernor is
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorTimelockControl
{
    /// @param cybr Whose holders vote; its clock is this contract's.
    /// @param delay Seconds from a proposal to the vote, so that voters can prepare.
    /// @param period Seconds that a vote lasts.
    /// @param threshold Votes needed to propose.
    /// @param quorumPercent Share of the supply that has to vote for or abstain.
    /// @param timelockDelay Seconds from a decision to its execution.
    constructor(
        IVotes cybr,
        uint48 delay,
        uint32 period,
        uint256 threshold,
        uint256 quorumPercent,
        uint256 timelockDelay
    )
        Governor("CybrGovernor")
        GovernorSettings(delay, period, threshold)
        GovernorVotes(cybr)
        GovernorVotesQuorumFraction(quorumPercent)
        GovernorTimelockControl(new TimelockController(
                timelockDelay, _only(address(this)), _only(address(0)), address(0)
            ))
    {}

    // Below, Solidity wants to be told which of several parents answers: the most derived, always.

    /// @inheritdoc Governor
    function state(uint256 proposalId) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(proposalId);
    }

    /// @inheritdoc Governor
    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    /// @inheritdoc Governor
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }

    function _only(address account) private pure returns (address[] memory accounts) {
        accounts = new address[](1);
        accounts[0] = account;
    }
}
