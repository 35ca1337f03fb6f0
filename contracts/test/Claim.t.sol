// SPDX-License-Identifier: Apache-2.0
// A world is given away before it is minted: who gets which parcel is fixed by one hash, and whoever cares pays.
pragma solidity ^0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Test} from "forge-std/Test.sol";

import {GrantTree} from "./GrantTree.sol";
import {wholeGrid} from "./WholeGrid.sol";
import {Land} from "../src/Land.sol";
import {ILand} from "../src/interfaces/ILand.sol";

contract ClaimTest is Test {
    address private alice = makeAddr("alice");
    address private bob = makeAddr("bob");

    function testFuzz_everyGrantOfATreeIsClaimed(uint256 count, uint32 seed) public {
        ILand.Grant[] memory grants = _districts(bound(count, 1, 40), seed);
        Land land = _land(grants);
        for (uint256 i = 0; i < grants.length; ++i) {
            uint32[] memory ids = _ids(grants[i].firstId, grants[i].lastId);
            land.claim(grants[i], ids, GrantTree.proof(GrantTree.leaves(grants), i));
            for (uint256 j = 0; j < ids.length; ++j) {
                assertEq(land.ownerOf(ids[j]), grants[i].to);
                assertEq(land.tenure(ids[j]), 0);
            }
        }
    }

    // @openzeppelin/merkle-tree 1.0.8 gave this: `StandardMerkleTree.of(grants, ["address", "uint32", "uint32"])`.
    function test_treeOfTheUsualToolIsUnderstood() public {
        Land land =
            new Land(address(this), wholeGrid(), 0x0fbccc1577afe43a39acd8cfa47f6f8ba7111a599acf0e4598f4ba9229591f90);
        ILand.Grant memory grant = ILand.Grant(address(0xa3), 5, 5);
        bytes32[] memory proof = new bytes32[](2);
        proof[0] = 0xe9f7aee1d57e31dfd2087fbf7c9ba280f2de9c42f719368457e73f9dfefacc75;
        proof[1] = 0xfcd8b30a22479f40af64b0891c843f932d0c9d60abf0e915c7309f7bcfc2f98c;
        land.claim(grant, _ids(5, 5), proof);
        assertEq(land.ownerOf(5), address(0xa3));
    }

    function test_anyoneClaimsForTheOneWhoWasPromised() public {
        ILand.Grant[] memory grants = _districts(3, 0);
        Land land = _land(grants);
        vm.expectEmit(address(land));
        emit IERC721.Transfer(address(0), grants[1].to, grants[1].firstId);
        vm.prank(bob);
        land.claim(grants[1], _ids(grants[1].firstId, grants[1].firstId), _proof(grants, 1));
        assertEq(land.balanceOf(bob), 0);
    }

    function test_grantIsClaimedInPartsAndWhatIsThereIsPassedOver() public {
        ILand.Grant[] memory grants = _districts(3, 0);
        Land land = _land(grants);
        uint32 first = grants[0].firstId;
        land.claim(grants[0], _ids(first + 1, first + 1), _proof(grants, 0));
        assertEq(land.balanceOf(grants[0].to), 1);
        vm.prank(grants[0].to);
        land.transferFrom(grants[0].to, bob, first + 1);

        land.claim(grants[0], _ids(first, grants[0].lastId), _proof(grants, 0));
        assertEq(land.ownerOf(first + 1), bob);
        assertEq(land.ownerOf(first), grants[0].to);
        land.claim(grants[0], _ids(first, grants[0].lastId), _proof(grants, 0));
        assertEq(land.balanceOf(bob), 1);
    }

    function test_parcelsBesideTheGrantAreRefused() public {
        ILand.Grant[] memory grants = _districts(3, 100);
        Land land = _land(grants);
        uint32[2] memory beside = [grants[1].firstId - 1, grants[1].lastId + 1];
        for (uint256 i = 0; i < beside.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(ILand.NotGranted.selector, beside[i]));
            land.claim(grants[1], _ids(beside[i], beside[i]), _proof(grants, 1));
        }
    }

    function testFuzz_changedGrantIsRefused(ILand.Grant memory other) public {
        ILand.Grant[] memory grants = _districts(3, 0);
        Land land = _land(grants);
        vm.assume(keccak256(abi.encode(other)) != keccak256(abi.encode(grants[1])));
        vm.expectRevert(ILand.InvalidProof.selector);
        land.claim(other, _ids(1, 2), _proof(grants, 1));
    }

    function test_innerNodeIsNoLeaf() public {
        ILand.Grant[] memory grants = _districts(4, 0);
        Land land = _land(grants);
        bytes32[] memory shortened = new bytes32[](1);
        shortened[0] = _proof(grants, 0)[1];
        vm.expectRevert(ILand.InvalidProof.selector);
        land.claim(grants[0], _ids(grants[0].firstId, grants[0].firstId), shortened);
    }

    function test_worldWithoutGrantsHasNothingToClaim() public {
        Land land = new Land(address(this), wholeGrid(), 0);
        vm.expectRevert(ILand.InvalidProof.selector);
        land.claim(ILand.Grant(alice, 0, 1), _ids(0, 1), new bytes32[](0));
    }

    function test_wholeWorldGrantedToOneEndsAtTheEdges() public {
        ILand.Grant[] memory grants = new ILand.Grant[](1);
        grants[0] = ILand.Grant(alice, 0, type(uint32).max);
        bytes32 root = GrantTree.root(GrantTree.leaves(grants));
        Land land = new Land(address(this), ILand.Bounds(0, 1, 0, 1), root);
        assertEq(land.grantRoot(), root);
        uint32 corner = uint32(land.parcelId(1, 1));
        land.claim(grants[0], _ids(corner, corner), new bytes32[](0));
        assertEq(land.ownerOf(corner), alice);
        vm.expectRevert(abi.encodeWithSelector(ILand.OutOfBounds.selector, 1, 2));
        land.claim(grants[0], _ids(corner + 1, corner + 1), new bytes32[](0));
    }

    /// Grants of one to three parcels, one beside the other.
    function _districts(uint256 count, uint32 seed) private pure returns (ILand.Grant[] memory grants) {
        grants = new ILand.Grant[](count);
        for (uint32 i = 0; i < count; ++i) {
            uint32 first = seed / 2 + 3 * i;
            grants[i] = ILand.Grant(address(uint160(0xacc0) + i), first, first + 2 - i % 3);
        }
    }

    function _land(ILand.Grant[] memory grants) private returns (Land) {
        return new Land(address(this), wholeGrid(), GrantTree.root(GrantTree.leaves(grants)));
    }

    function _proof(ILand.Grant[] memory grants, uint256 index) private pure returns (bytes32[] memory) {
        return GrantTree.proof(GrantTree.leaves(grants), index);
    }

    function _ids(uint32 first, uint32 last) private pure returns (uint32[] memory ids) {
        ids = new uint32[](last - first + 1);
        for (uint32 i = 0; i < ids.length; ++i) {
            ids[i] = first + i;
        }
    }
}
