// SPDX-License-Identifier: Apache-2.0
// The library's parts were put together rightly if a vote changes the world, and nothing else does.
pragma solidity ^0.8.37;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Test} from "forge-std/Test.sol";

import {wholeGrid} from "./WholeGrid.sol";
import {Cybr} from "../src/Cybr.sol";
import {CybrGovernor} from "../src/CybrGovernor.sol";
import {Land} from "../src/Land.sol";

contract CybrGovernorTest is Test {
    uint48 private constant DELAY = 1 days;
    uint32 private constant PERIOD = 7 days;
    uint256 private constant TIMELOCK_DELAY = 2 days;

    address private majority = makeAddr("majority");
    address private minority = makeAddr("minority");
    Cybr private cybr = new Cybr(address(this), majority, 900, 1000);
    CybrGovernor private governor = new CybrGovernor(cybr, DELAY, PERIOD, 10, 4, TIMELOCK_DELAY);
    TimelockController private timelock = TimelockController(payable(governor.timelock()));
    Land private land = new Land(address(timelock), wholeGrid(), 0);

    address[] private targets = [address(land)];
    uint256[] private values = [0];
    bytes[] private calldatas = [abi.encodeCall(Land.mint, (majority, 1, 2))];
    bytes32 private descriptionHash = keccak256("a parcel");

    function setUp() public {
        cybr.mint(minority, 50);
        vm.prank(majority);
        cybr.delegate(majority);
        vm.prank(minority);
        cybr.delegate(minority);
        vm.warp(block.timestamp + 1);
    }

    function test_settings() public view {
        assertEq(governor.name(), "CybrGovernor");
        assertEq(governor.votingDelay(), DELAY);
        assertEq(governor.votingPeriod(), PERIOD);
        assertEq(governor.proposalThreshold(), 10);
        assertEq(governor.quorum(block.timestamp - 1), 950 * 4 / 100);
        assertEq(governor.CLOCK_MODE(), cybr.CLOCK_MODE());
        assertEq(timelock.getMinDelay(), TIMELOCK_DELAY);
    }

    function test_voteMintsAParcel() public {
        uint256 id = _propose(minority);
        _vote(id, majority, 1);
        assertTrue(governor.proposalNeedsQueuing(id));
        governor.queue(targets, values, calldatas, descriptionHash);
        assertEq(uint256(governor.state(id)), uint256(IGovernor.ProposalState.Queued));

        vm.expectRevert();
        governor.execute(targets, values, calldatas, descriptionHash);
        vm.warp(block.timestamp + TIMELOCK_DELAY);
        vm.prank(makeAddr("anyone"));
        governor.execute(targets, values, calldatas, descriptionHash);
        assertEq(land.ownerOf(land.parcelId(1, 2)), majority);
        assertEq(uint256(governor.state(id)), uint256(IGovernor.ProposalState.Executed));
    }

    function test_lostVoteChangesNothing() public {
        uint256 id = _propose(minority);
        vm.warp(block.timestamp + DELAY + 1);
        vm.prank(minority);
        governor.castVote(id, 1);
        vm.prank(majority);
        governor.castVote(id, 0);
        vm.warp(block.timestamp + PERIOD + 1);
        assertEq(uint256(governor.state(id)), uint256(IGovernor.ProposalState.Defeated));
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        governor.queue(targets, values, calldatas, descriptionHash);
    }

    function test_proposerCancelsBeforeTheVote() public {
        uint256 id = _propose(minority);
        vm.prank(minority);
        governor.cancel(targets, values, calldatas, descriptionHash);
        assertEq(uint256(governor.state(id)), uint256(IGovernor.ProposalState.Canceled));
    }

    function test_tooFewVotesCannotPropose() public {
        address pauper = makeAddr("pauper");
        vm.prank(pauper);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorInsufficientProposerVotes.selector, pauper, 0, 10));
        governor.propose(targets, values, calldatas, "a parcel");
    }

    function test_nobodyStandsAboveTheVote() public view {
        bytes32[3] memory roles = [timelock.DEFAULT_ADMIN_ROLE(), timelock.PROPOSER_ROLE(), timelock.CANCELLER_ROLE()];
        for (uint256 i = 0; i < roles.length; ++i) {
            assertFalse(timelock.hasRole(roles[i], address(this)));
            assertEq(timelock.hasRole(roles[i], address(governor)), i != 0);
        }
        assertTrue(timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), address(timelock)));
        assertTrue(timelock.hasRole(timelock.EXECUTOR_ROLE(), address(0)));
    }

    function _propose(address proposer) private returns (uint256) {
        vm.prank(proposer);
        return governor.propose(targets, values, calldatas, "a parcel");
    }

    function _vote(uint256 id, address voter, uint8 support) private {
        vm.warp(block.timestamp + DELAY + 1);
        vm.prank(voter);
        governor.castVote(id, support);
        vm.warp(block.timestamp + PERIOD + 1);
    }
}
