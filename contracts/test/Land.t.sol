// SPDX-License-Identifier: Apache-2.0
// Parcel ids are a wire format that other programs compute too: exact values are tested beside properties.
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC721Enumerable} from "@openzeppelin/contracts/token/ERC721/extensions/IERC721Enumerable.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Test} from "forge-std/Test.sol";

import {wholeGrid} from "./WholeGrid.sol";
import {Land} from "../src/Land.sol";
import {ILand} from "../src/interfaces/ILand.sol";

contract LandTest is Test {
    address private issuer = makeAddr("issuer");
    address private alice = makeAddr("alice");
    address private bob = makeAddr("bob");
    Land private land = new Land(issuer, wholeGrid(), 0);

    function test_idsAreExact() public view {
        assertEq(land.parcelId(0, 0), 0x80008000);
        assertEq(land.parcelId(1, -1), 0x80017fff);
        assertEq(land.parcelId(-150, 150), 0x7f6a8096);
        assertEq(land.parcelId(type(int16).min, type(int16).min), 0);
        assertEq(land.parcelId(type(int16).max, type(int16).max), 0xffffffff);
    }

    function testFuzz_everyPlaceHasAnIdOfItsOwn(int16 x, int16 y) public view {
        (int16 backX, int16 backY) = land.coordinates(land.parcelId(x, y));
        assertEq(backX, x);
        assertEq(backY, y);
    }

    function testFuzz_everyIdHasAPlaceOfItsOwn(uint32 id) public view {
        (int16 x, int16 y) = land.coordinates(id);
        assertEq(land.parcelId(x, y), id);
    }

    function testFuzz_idsRiseWithXThenY(int16 x1, int16 y1, int16 x2, int16 y2) public view {
        bool before = x1 < x2 || (x1 == x2 && y1 < y2);
        assertEq(land.parcelId(x1, y1) < land.parcelId(x2, y2), before);
        bool beforeInColumn = y1 < y2;
        assertEq(land.parcelId(x1, y1) < land.parcelId(x1, y2), beforeInColumn);
    }

    function testFuzz_noPlaceBeyond32Bits(uint256 id) public {
        id = bound(id, 1 << 32, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(ILand.InvalidParcelId.selector, id));
        land.coordinates(id);
    }

    function testFuzz_mint(int16 x, int16 y) public {
        uint256 expected = land.parcelId(x, y);
        vm.expectEmit(address(land));
        emit IERC721.Transfer(address(0), alice, expected);
        vm.prank(issuer);
        assertEq(land.mint(alice, x, y), expected);
        assertEq(land.ownerOf(expected), alice);
        assertEq(land.balanceOf(alice), 1);
    }

    function test_parcelIsMintedOnce() public {
        vm.startPrank(issuer);
        land.mint(alice, 3, 4);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidSender.selector, address(0)));
        land.mint(issuer, 3, 4);
    }

    function test_mintBatch() public {
        uint32[] memory ids = new uint32[](3);
        (ids[0], ids[1], ids[2]) = (0, 0x80008000, type(uint32).max);
        vm.prank(issuer);
        land.mintBatch(alice, ids);
        assertEq(land.balanceOf(alice), 3);
        for (uint256 i = 0; i < ids.length; ++i) {
            assertEq(land.ownerOf(ids[i]), alice);
        }
    }

    function test_batchWithAMintedParcelMintsNothing() public {
        uint32[] memory ids = new uint32[](2);
        (ids[0], ids[1]) = (7, 7);
        vm.prank(issuer);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidSender.selector, address(0)));
        land.mintBatch(alice, ids);
        assertEq(land.balanceOf(alice), 0);
    }

    function testFuzz_onlyTheOwnerMints(address stranger) public {
        vm.assume(stranger != issuer);
        bytes memory refusal = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(refusal);
        land.mint(stranger, 0, 0);
        vm.expectRevert(refusal);
        land.mintBatch(stranger, new uint32[](1));
    }

    function test_worldEndsAtItsEdges() public {
        ILand.Bounds memory edges = ILand.Bounds(-3, 4, -5, 6);
        Land small = new Land(issuer, edges, 0);
        assertEq(abi.encode(small.bounds()), abi.encode(edges));
        vm.startPrank(issuer);
        small.mint(alice, -3, -5);
        small.mint(alice, 4, 6);

        int16[2][4] memory outside = [[int16(-4), int16(0)], [int16(5), int16(0)], [int16(0), -6], [int16(0), 7]];
        for (uint256 i = 0; i < outside.length; ++i) {
            (int16 x, int16 y) = (outside[i][0], outside[i][1]);
            bytes memory refusal = abi.encodeWithSelector(ILand.OutOfBounds.selector, x, y);
            vm.expectRevert(refusal);
            small.mint(alice, x, y);
            uint32[] memory ids = new uint32[](1);
            ids[0] = uint32(small.parcelId(x, y));
            vm.expectRevert(refusal);
            small.mintBatch(alice, ids);
        }
    }

    function testFuzz_boundsDecide(ILand.Bounds memory edges, int16 x, int16 y) public {
        if (edges.minX > edges.maxX || edges.minY > edges.maxY) {
            vm.expectRevert(ILand.InvalidBounds.selector);
            new Land(issuer, edges, 0);
            return;
        }
        Land bounded = new Land(issuer, edges, 0);
        bool inside = x >= edges.minX && x <= edges.maxX && y >= edges.minY && y <= edges.maxY;
        vm.prank(issuer);
        if (!inside) vm.expectRevert(abi.encodeWithSelector(ILand.OutOfBounds.selector, x, y));
        bounded.mint(alice, x, y);
    }

    function test_transfersRaiseTheTenure() public {
        vm.prank(issuer);
        uint256 id = land.mint(alice, 1, 1);
        assertEq(land.tenure(id), 0);
        vm.startPrank(alice);
        land.transferFrom(alice, alice, id);
        assertEq(land.tenure(id), 1);
        land.safeTransferFrom(alice, issuer, id);
        assertEq(land.tenure(id), 2);
        assertEq(land.tenure(id + 1), 0);
    }

    function test_parcelOperatorMayPlaceButNotSell() public {
        vm.prank(issuer);
        uint256 id = land.mint(alice, 1, 1);
        assertFalse(land.mayPlaceOn(id, bob));
        vm.expectEmit(address(land));
        emit ILand.ParcelOperatorChanged(id, bob);
        vm.prank(alice);
        land.setParcelOperator(id, bob);

        assertEq(land.parcelOperator(id), bob);
        assertTrue(land.mayPlaceOn(id, bob));
        bytes memory refusal = abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, bob, id);
        vm.startPrank(bob);
        vm.expectRevert(refusal);
        land.transferFrom(alice, bob, id);
        vm.expectRevert(refusal);
        land.setParcelOperator(id, bob);
    }

    function test_transferEndsTheParcelOperator() public {
        vm.prank(issuer);
        uint256 id = land.mint(alice, 1, 1);
        vm.startPrank(alice);
        land.setParcelOperator(id, bob);
        land.transferFrom(alice, issuer, id);
        assertEq(land.parcelOperator(id), address(0));
        assertFalse(land.mayPlaceOn(id, bob));
        assertTrue(land.mayPlaceOn(id, issuer));
        assertEq(land.tenure(id), 1);
    }

    function test_operatorOfTheOwnerAppointsTheParcels() public {
        vm.prank(issuer);
        uint256 id = land.mint(alice, 1, 1);
        vm.prank(alice);
        land.setApprovalForAll(bob, true);
        vm.prank(bob);
        land.setParcelOperator(id, issuer);
        assertTrue(land.mayPlaceOn(id, issuer));
    }

    function test_nobodyMayPlaceWhereNobodyIsOperator() public {
        vm.prank(issuer);
        uint256 id = land.mint(alice, 1, 1);
        assertFalse(land.mayPlaceOn(id, address(0)));
    }

    function testFuzz_whatWasNotMintedHasNoOperator(uint256 id) public {
        bytes memory refusal = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, id);
        vm.expectRevert(refusal);
        land.mayPlaceOn(id, alice);
        vm.expectRevert(refusal);
        land.setParcelOperator(id, alice);
    }

    function test_isNotEnumerable() public view {
        assertTrue(land.supportsInterface(type(IERC721).interfaceId));
        assertFalse(land.supportsInterface(type(IERC721Enumerable).interfaceId));
    }
}
