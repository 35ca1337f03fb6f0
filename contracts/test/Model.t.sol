// SPDX-License-Identifier: Apache-2.0
// What may be published, by whom, and who may change it later.
pragma solidity ^0.8.37;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Test} from "forge-std/Test.sol";

import {Model} from "../src/Model.sol";
import {IModel} from "../src/interfaces/IModel.sol";

contract ModelTest is Test {
    address private alice = makeAddr("alice");
    address private gate = makeAddr("gate");
    Model private model = new Model();

    function testFuzz_anyonePublishes(address creator, IModel.ModelData memory data) public {
        vm.assume(creator != address(0));
        data = _valid(data);
        vm.expectEmit(address(model));
        emit IModel.ModelPublished(
            1, creator, data.infoHash, data.contentHash, data.size, data.gate, data.name, data.sources
        );
        vm.prank(creator);
        assertEq(model.publish(alice, data), 1);

        assertEq(model.ownerOf(1), alice);
        assertEq(abi.encode(model.modelData(1)), abi.encode(data));
    }

    function test_idsCountUpFromOne() public {
        assertEq(model.modelCount(), 0);
        for (uint256 id = 1; id <= 3; ++id) {
            assertEq(model.publish(alice, _oak()), id);
            assertEq(model.modelCount(), id);
        }
    }

    function test_refusedPublicationUsesNoId() public {
        IModel.ModelData memory data = _oak();
        data.size = 0;
        vm.expectRevert(IModel.ZeroSize.selector);
        model.publish(alice, data);
        assertEq(model.publish(alice, _oak()), 1);
    }

    function test_zeroInfoHashIsRefused() public {
        IModel.ModelData memory data = _oak();
        data.infoHash = 0;
        vm.expectRevert(IModel.ZeroInfoHash.selector);
        model.publish(alice, data);
    }

    function test_nameIsBounded() public {
        IModel.ModelData memory data = _oak();
        data.name = string(new bytes(255));
        model.publish(alice, data);
        data.name = string(new bytes(256));
        vm.expectRevert(abi.encodeWithSelector(IModel.NameTooLong.selector, 256, 255));
        model.publish(alice, data);
    }

    function test_sourcesAreBounded() public {
        IModel.ModelData memory data = _oak();
        data.sources = string(new bytes(1024));
        model.publish(alice, data);
        data.sources = string(new bytes(1025));
        vm.expectRevert(abi.encodeWithSelector(IModel.SourcesTooLong.selector, 1025, 1024));
        model.publish(alice, data);
    }

    function test_magnet() public {
        model.publish(alice, _oak());
        assertEq(
            model.magnet(1),
            "magnet:?xt=urn:btih:3b245504cf5f11bbdbe1201cea6a6bf45aee1bc0&dn=Old%20oak&xl=1048576"
            "&tr=http%3A%2F%2Ftracker.example%2Fannounce&x.pe=192.0.2.1:6881"
        );
    }

    function test_ownerChangesTheGate() public {
        model.publish(alice, _oak());
        vm.startPrank(alice);
        vm.expectEmit(address(model));
        emit IModel.GateChanged(1, gate);
        model.setGate(1, gate);
        assertEq(model.modelData(1).gate, gate);
        model.setGate(1, address(0));
        assertEq(model.modelData(1).gate, address(0));

        // Only the gate changed.
        assertEq(abi.encode(model.modelData(1)), abi.encode(_oak()));
    }

    function testFuzz_nobodyElseChangesTheGate(address stranger) public {
        vm.assume(stranger != alice);
        model.publish(alice, _oak());
        vm.prank(alice);
        model.setApprovalForAll(address(this), true);

        bytes memory refusal = abi.encodeWithSelector(IModel.NotModelOwner.selector, stranger, 1);
        vm.expectRevert(refusal);
        vm.prank(stranger);
        model.setGate(1, gate);

        vm.expectRevert(abi.encodeWithSelector(IModel.NotModelOwner.selector, address(this), 1));
        model.setGate(1, gate);
    }

    function test_creatorWhoGaveTheModelAwayNoLongerChangesTheGate() public {
        model.publish(address(this), _oak());
        model.transferFrom(address(this), alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IModel.NotModelOwner.selector, address(this), 1));
        model.setGate(1, gate);
    }

    function testFuzz_unknownModelsHaveNothing(uint256 id) public {
        vm.assume(id != 1);
        model.publish(alice, _oak());
        bytes memory refusal = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, id);
        vm.expectRevert(refusal);
        model.modelData(id);
        vm.expectRevert(refusal);
        model.magnet(id);
        vm.expectRevert(refusal);
        model.setGate(id, gate);
    }

    function _oak() private pure returns (IModel.ModelData memory) {
        return IModel.ModelData({
            infoHash: hex"3b245504cf5f11bbdbe1201cea6a6bf45aee1bc0",
            contentHash: sha256("oak"),
            size: 1 << 20,
            gate: address(0),
            name: "Old oak",
            sources: "tr=http%3A%2F%2Ftracker.example%2Fannounce&x.pe=192.0.2.1:6881"
        });
    }

    function _valid(IModel.ModelData memory data) private view returns (IModel.ModelData memory) {
        if (data.infoHash == 0) data.infoHash = bytes20(uint160(1));
        if (data.size == 0) data.size = 1;
        if (bytes(data.name).length > model.MAX_NAME_LENGTH()) data.name = "long";
        if (bytes(data.sources).length > model.MAX_SOURCES_LENGTH()) data.sources = "";
        return data;
    }
}
