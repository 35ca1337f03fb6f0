// SPDX-License-Identifier: Apache-2.0
// Moves CYBR through every contract that takes it, in any order. It chooses only what must succeed, so that a revert
// is a finding.
pragma solidity ^0.8.37;

import {Test} from "forge-std/Test.sol";

import {EventReplay} from "./EventReplay.sol";
import {wholeGrid} from "./WholeGrid.sol";
import {AccessPass} from "../src/AccessPass.sol";
import {Bounty} from "../src/Bounty.sol";
import {BoxRegistry} from "../src/BoxRegistry.sol";
import {Cybr} from "../src/Cybr.sol";
import {Land} from "../src/Land.sol";
import {Model} from "../src/Model.sol";
import {IAccessPass} from "../src/interfaces/IAccessPass.sol";
import {IBounty} from "../src/interfaces/IBounty.sol";
import {IModel} from "../src/interfaces/IModel.sol";

contract RandomEconomy is Test {
    uint256 private constant ACCOUNTS = 4;
    uint256 private constant BOND = 1000;
    bytes32 private constant NODE = keccak256("node");
    address private constant ARBITER = address(0xa4b);

    EventReplay public immutable replay = new EventReplay();
    Cybr public immutable cybr;
    AccessPass public immutable pass;
    BoxRegistry public immutable registry;
    Bounty public immutable bounty;
    /// Bonds that lie in the registry.
    uint256 public bonds;

    bytes32[] private _written;

    constructor() {
        cybr = new Cybr(address(this), _account(0), 1e6, 1e7);
        Land land = new Land(address(this), wholeGrid(), 0);
        Model model = new Model();
        pass = new AccessPass(cybr, land, model);
        bounty = new Bounty(cybr, ARBITER);
        vm.record();
        registry = new BoxRegistry(cybr, BOND, 1 days);
        replay.follow(address(0), address(0), address(0), address(registry));
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            model.publish(_account(i), IModel.ModelData(hex"01", 0, 1, address(pass), "m", ""));
            cybr.mint(_account(i), 1e6);
            vm.startPrank(_account(i));
            cybr.approve(address(pass), type(uint256).max);
            cybr.approve(address(bounty), type(uint256).max);
            cybr.approve(address(registry), type(uint256).max);
            vm.stopPrank();
        }
    }

    /// Records what one action writes to the registry and tells.
    modifier recorded() {
        vm.record();
        vm.recordLogs();
        _;
        (, bytes32[] memory writes) = vm.accesses(address(registry));
        for (uint256 i = 0; i < writes.length; ++i) {
            _written.push(writes[i]);
        }
        replay.replay(vm.getRecordedLogs());
    }

    /// Every slot of the registry that was written, some more than once.
    function written() external view returns (bytes32[] memory) {
        return _written;
    }

    /// CYBR of everybody there is, contracts included.
    function total() external view returns (uint256 sum) {
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            sum += cybr.balanceOf(_account(i));
        }
        return sum + cybr.balanceOf(address(pass)) + cybr.balanceOf(address(registry)) + cybr.balanceOf(address(bounty));
    }

    /// Rewards of the tasks that are not done with.
    function rewards() external view returns (uint256 sum) {
        for (uint256 id = 1; id <= bounty.taskCount(); ++id) {
            sum += bounty.task(id).reward;
        }
    }

    function passTime(uint256 time) external {
        vm.warp(block.timestamp + time % 20 days);
    }

    function mint(uint256 to, uint256 amount) external {
        cybr.mint(_account(to), bound(amount, 0, cybr.cap() - cybr.totalSupply()));
    }

    function transfer(uint256 from, uint256 to, uint256 amount) external {
        amount = bound(amount, 0, cybr.balanceOf(_account(from)));
        vm.prank(_account(from));
        assertTrue(cybr.transfer(_account(to), amount));
    }

    function offer(uint256 which, uint128 price, uint64 period) external {
        vm.prank(_account(which));
        pass.setOffer(1 + which % ACCOUNTS, IAccessPass.Offer(price % 1000, period % 30 days));
    }

    function buy(uint256 which, uint256 buyer, uint32 periods) external {
        uint256 subject = 1 + which % ACCOUNTS;
        periods = 1 + periods % 5;
        IAccessPass.Offer memory terms = pass.offerOf(subject);
        uint256 cost = uint256(terms.price) * periods;
        if (terms.period == 0 || cost > cybr.balanceOf(_account(buyer))) return;
        vm.prank(_account(buyer));
        pass.buy(subject, _account(buyer), periods, cost);
    }

    function register(uint256 who, bool named) external recorded {
        (bytes32 present,) = registry.box(_operator(who), NODE);
        if (present != 0 || cybr.balanceOf(_operator(who)) < BOND) return;
        vm.prank(_operator(who));
        registry.register(NODE, named ? "box.example" : "");
        bonds += BOND;
    }

    function setEndpoint(uint256 who, uint8 number) external recorded {
        if (!registry.isServing(_operator(who), NODE)) return;
        vm.prank(_operator(who));
        registry.setEndpoint(NODE, string.concat(vm.toString(number), ".boxes.example"));
    }

    function retire(uint256 who) external recorded {
        if (!registry.isServing(_operator(who), NODE)) return;
        vm.prank(_operator(who));
        registry.retire(NODE);
    }

    function withdraw(uint256 who) external recorded {
        (, uint64 withdrawableAt) = registry.box(_operator(who), NODE);
        if (withdrawableAt == 0 || block.timestamp < withdrawableAt) return;
        vm.prank(_operator(who));
        registry.withdraw(NODE);
        bonds -= BOND;
    }

    function post(uint256 who, uint256 worker, uint256 reward, uint64 workPeriod) external {
        if (cybr.balanceOf(_account(who)) == 0) return;
        reward = bound(reward, 1, cybr.balanceOf(_account(who)));
        vm.prank(_account(who));
        bounty.post(worker % 2 == 0 ? address(0) : _account(worker), reward, 1 + workPeriod % 30 days, "");
    }

    /// Takes a task one step on, whichever way it can go.
    function step(uint256 which, uint256 who, uint256 choice) external {
        if (bounty.taskCount() == 0) return;
        uint256 id = 1 + which % bounty.taskCount();
        IBounty.Task memory task = bounty.task(id);
        bool overdue = block.timestamp >= task.dueAt;
        if (task.state == IBounty.State.Open) {
            vm.prank(choice % 4 == 0 ? task.poster : task.worker == address(0) ? _account(who) : task.worker);
            choice % 4 == 0 ? bounty.cancel(id) : bounty.claim(id);
        } else if (task.state == IBounty.State.Claimed) {
            vm.prank(choice % 8 == 0 ? task.poster : task.worker);
            if (choice % 8 == 0) bounty.accept(id);
            else if (overdue || choice % 8 == 1) bounty.release(id);
            else bounty.submit(id, "");
        } else if (task.state == IBounty.State.Submitted) {
            vm.prank(task.poster);
            if (overdue) bounty.settle(id);
            else choice % 2 == 0 ? bounty.accept(id) : bounty.dispute(id, "");
        } else if (task.state == IBounty.State.Disputed) {
            vm.prank(ARBITER);
            overdue ? bounty.settle(id) : bounty.decide(id, choice % (task.reward + 1));
        }
    }

    /// Few accounts, so that they meet.
    function _account(uint256 seed) private pure returns (address) {
        return address(uint160(0xacc0 + seed % ACCOUNTS));
    }

    /// Fewer still, so that their boxes live whole lives.
    function _operator(uint256 seed) private pure returns (address) {
        return _account(seed % 2);
    }
}
