// SPDX-License-Identifier: Apache-2.0
// Cybr is the library's code but for a few lines: this tests that the parts were put together rightly.
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {Test} from "forge-std/Test.sol";

import {Cybr} from "../src/Cybr.sol";

contract CybrTest is Test {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    address private holder = makeAddr("holder");
    address private spender = makeAddr("spender");
    address private issuer = makeAddr("issuer");
    Cybr private cybr = new Cybr(issuer, holder, 1000 ether, 1500 ether);

    function test_holderHasTheFirstSupply() public view {
        assertEq(cybr.name(), "Cybr");
        assertEq(cybr.symbol(), "CYBR");
        assertEq(cybr.decimals(), 18);
        assertEq(cybr.totalSupply(), 1000 ether);
        assertEq(cybr.balanceOf(holder), 1000 ether);
        assertEq(cybr.cap(), 1500 ether);
        assertEq(cybr.owner(), issuer);
    }

    function testFuzz_balanceLiesInItsOneSlot(address to, uint256 amount) public {
        vm.assume(to != address(0) && to != holder);
        amount = bound(amount, 1, 1000 ether);
        vm.prank(holder);
        assertTrue(cybr.transfer(to, amount));
        bytes32 slot = keccak256(abi.encode(to, uint256(0)));
        assertEq(vm.load(address(cybr), slot), bytes32(amount));
    }

    function test_ownerMintsUpToTheCap() public {
        vm.startPrank(issuer);
        cybr.mint(spender, 500 ether);
        assertEq(cybr.balanceOf(spender), 500 ether);
        assertEq(cybr.totalSupply(), cybr.cap());
        vm.expectRevert(abi.encodeWithSelector(ERC20Capped.ERC20ExceededCap.selector, 1500 ether + 1, 1500 ether));
        cybr.mint(spender, 1);
    }

    function test_firstSupplyAboveTheCapIsRefused() public {
        vm.expectRevert(abi.encodeWithSelector(ERC20Capped.ERC20ExceededCap.selector, 2, 1));
        new Cybr(issuer, holder, 2, 1);
    }

    function testFuzz_nobodyElseMints(address stranger) public {
        vm.assume(stranger != issuer);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger));
        cybr.mint(stranger, 1);
    }

    function test_votesFollowTheBalanceThroughTime() public {
        vm.prank(holder);
        cybr.delegate(spender);
        assertEq(cybr.getVotes(spender), 1000 ether);
        uint256 before = cybr.clock();
        vm.warp(before + 100);
        vm.prank(holder);
        assertTrue(cybr.transfer(issuer, 400 ether));
        assertEq(cybr.getVotes(spender), 600 ether);
        assertEq(cybr.getPastVotes(spender, before), 1000 ether);
    }

    function test_clockCountsSeconds() public {
        vm.warp(12345);
        assertEq(cybr.clock(), 12345);
        assertEq(cybr.CLOCK_MODE(), "mode=timestamp");
    }

    function testFuzz_permitApprovesOnce(uint256 value, uint256 ahead) public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        uint256 deadline = bound(ahead, block.timestamp, type(uint256).max);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(owner, value, deadline));

        cybr.permit(owner, spender, value, deadline, v, r, s);
        assertEq(cybr.allowance(owner, spender), value);
        assertEq(cybr.nonces(owner), 1);

        vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
        cybr.permit(owner, spender, value, deadline, v, r, s);
    }

    function test_permitAllowsSpending() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        vm.prank(holder);
        assertTrue(cybr.transfer(owner, 5 ether));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(owner, 3 ether, block.timestamp));
        cybr.permit(owner, spender, 3 ether, block.timestamp, v, r, s);

        vm.prank(spender);
        assertTrue(cybr.transferFrom(owner, spender, 3 ether));
        assertEq(cybr.balanceOf(owner), 2 ether);
        assertEq(cybr.balanceOf(spender), 3 ether);
    }

    function test_permitSignedByAnotherIsRefused() public {
        (, uint256 key) = makeAddrAndKey("stranger");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(holder, 1, block.timestamp));
        vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
        cybr.permit(holder, spender, 1, block.timestamp, v, r, s);
    }

    function test_permitPastItsDeadlineIsRefused() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        uint256 deadline = block.timestamp;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _digest(owner, 1, deadline));
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, deadline));
        cybr.permit(owner, spender, 1, deadline, v, r, s);
    }

    function _digest(address owner, uint256 value, uint256 deadline) private view returns (bytes32) {
        bytes32 permit = keccak256(abi.encode(PERMIT_TYPEHASH, owner, spender, value, cybr.nonces(owner), deadline));
        return keccak256(abi.encodePacked("\x19\x01", cybr.DOMAIN_SEPARATOR(), permit));
    }
}
