// SPDX-License-Identifier: Apache-2.0
// A bond comes back whole, to whom it came from, and not early; nothing that tells where a box stands gets on chain.
pragma solidity ^0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Test} from "forge-std/Test.sol";

import {BoxRegistry} from "../src/BoxRegistry.sol";
import {Cybr} from "../src/Cybr.sol";
import {IBoxRegistry} from "../src/interfaces/IBoxRegistry.sol";

contract BoxRegistryTest is Test {
    bytes32 private constant NODE = keccak256("node");

    address private operator = makeAddr("operator");
    address private other = makeAddr("other");
    Cybr private cybr = new Cybr(address(this), operator, 1000, 2000);
    BoxRegistry private registry = new BoxRegistry(cybr, 100, 7 days);

    function setUp() public {
        cybr.mint(other, 1000);
        vm.prank(operator);
        cybr.approve(address(registry), 1000);
        vm.prank(other);
        cybr.approve(address(registry), 1000);
    }

    function test_life() public {
        vm.startPrank(operator);
        vm.expectEmit(address(registry));
        emit IBoxRegistry.BoxRegistered(operator, NODE, "box.example");
        registry.register(NODE, "box.example");
        assertTrue(registry.isServing(operator, NODE));
        assertEq(cybr.balanceOf(address(registry)), 100);
        _assertBox("box.example", 0);

        vm.expectEmit(address(registry));
        emit IBoxRegistry.EndpointChanged(operator, NODE, "");
        registry.setEndpoint(NODE, "");
        _assertBox("", 0);

        uint64 withdrawableAt = uint64(block.timestamp + 7 days);
        vm.expectEmit(address(registry));
        emit IBoxRegistry.BoxRetired(operator, NODE, withdrawableAt);
        registry.retire(NODE);
        assertFalse(registry.isServing(operator, NODE));
        _assertBox("", withdrawableAt);

        vm.warp(withdrawableAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IBoxRegistry.StillBonded.selector, withdrawableAt));
        registry.withdraw(NODE);
        vm.warp(withdrawableAt);
        vm.expectEmit(address(registry));
        emit IBoxRegistry.BoxRemoved(operator, NODE);
        registry.withdraw(NODE);
        assertEq(cybr.balanceOf(operator), 1000);
        (bytes32 endpointHash, uint64 remaining) = registry.box(operator, NODE);
        assertEq(endpointHash, 0);
        assertEq(remaining, 0);

        registry.register(NODE, "box.example");
        assertTrue(registry.isServing(operator, NODE));
    }

    function test_bondIsPaidBackOnce() public {
        vm.prank(other); // whose bond must stay
        registry.register(NODE, "");
        vm.startPrank(operator);
        registry.register(NODE, "");
        registry.retire(NODE);
        vm.warp(block.timestamp + 7 days);
        registry.withdraw(NODE);
        vm.expectRevert(abi.encodeWithSelector(IBoxRegistry.NotRetired.selector, operator, NODE));
        registry.withdraw(NODE);
        assertEq(cybr.balanceOf(address(registry)), 100);
    }

    function test_boxWithoutAPublicNameIsRegistered() public {
        vm.prank(operator);
        registry.register(NODE, "");
        assertTrue(registry.isServing(operator, NODE));
    }

    function test_sameNodeKeyUnderTwoOperators() public {
        vm.prank(other);
        registry.register(NODE, "");
        vm.startPrank(operator);
        registry.register(NODE, "box.example");
        registry.retire(NODE);
        assertTrue(registry.isServing(other, NODE));
    }

    function test_addressesAndZeroKeysAreRefused() public {
        vm.startPrank(operator);
        vm.expectRevert(abi.encodeWithSelector(IBoxRegistry.InvalidEndpoint.selector, "192.0.2.1"));
        registry.register(NODE, "192.0.2.1");
        vm.expectRevert(abi.encodeWithSelector(IBoxRegistry.InvalidEndpoint.selector, "2001:db8::1"));
        registry.register(NODE, "2001:db8::1");
        vm.expectRevert(IBoxRegistry.ZeroNodeKey.selector);
        registry.register(0, "box.example");

        registry.register(NODE, "box.example");
        vm.expectRevert(abi.encodeWithSelector(IBoxRegistry.InvalidEndpoint.selector, "[::1]"));
        registry.setEndpoint(NODE, "[::1]");
    }

    function test_noBondNoEntry() public {
        address poor = makeAddr("poor");
        vm.prank(poor);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, registry, 0, 100));
        registry.register(NODE, "");
        assertFalse(registry.isServing(poor, NODE));
    }

    function test_whatTheStateDoesNotAllowIsRefused() public {
        bytes memory notServing = abi.encodeWithSelector(IBoxRegistry.NotServing.selector, operator, NODE);
        bytes memory notRetired = abi.encodeWithSelector(IBoxRegistry.NotRetired.selector, operator, NODE);
        vm.prank(other); // whose entry is no help
        registry.register(NODE, "");

        vm.startPrank(operator);
        vm.expectRevert(notServing);
        registry.setEndpoint(NODE, "");
        vm.expectRevert(notServing);
        registry.retire(NODE);
        vm.expectRevert(notRetired);
        registry.withdraw(NODE);

        registry.register(NODE, "");
        vm.expectRevert(notRetired);
        registry.withdraw(NODE);
        registry.retire(NODE);
        vm.expectRevert(notServing);
        registry.setEndpoint(NODE, "");
        vm.expectRevert(notServing);
        registry.retire(NODE);
        vm.expectRevert(abi.encodeWithSelector(IBoxRegistry.AlreadyRegistered.selector, operator, NODE));
        registry.register(NODE, "");
    }

    function _assertBox(string memory endpoint, uint64 expected) private view {
        (bytes32 endpointHash, uint64 withdrawableAt) = registry.box(operator, NODE);
        assertEq(endpointHash, keccak256(bytes(endpoint)));
        assertEq(withdrawableAt, expected);
    }
}
