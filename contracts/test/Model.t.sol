// SPDX-License-Identifier: Apache-2.0
// What may be published, by whom, and who may change it later.
pragma solidity ^0.8.37;

import {IERC2981} from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {IERC721} from "@openzeppelin/contracts/interfaces/IERC721.sol";
import {IERC721Metadata} from "@openzeppelin/contracts/interfaces/IERC721Metadata.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {Test} from "forge-std/Test.sol";

import {Model} from "../src/Model.sol";
import {IModel} from "../src/interfaces/IModel.sol";

contract ModelTest is Test {
    address private alice = makeAddr("alice");
    address private creator = makeAddr("creator");
    address private gate = makeAddr("gate");
    Model private model = new Model();

    function testFuzz_anyonePublishes(address publisher, IModel.ModelData memory data) public {
        vm.assume(publisher != address(0));
        data = _valid(data);
        vm.expectEmit(address(model));
        emit IModel.ModelPublished(
            1, publisher, data.infoHash, data.contentHash, data.size, data.gate, data.name, data.sources
        );
        vm.prank(publisher);
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
        vm.expectEmit(address(model));
        emit IERC4906.MetadataUpdate(1);
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
        vm.expectRevert(refusal);
        model.termsOf(id);
        vm.expectRevert(refusal);
        model.mayPlace(id, alice);
        vm.expectRevert(refusal);
        model.tokenURI(id);
    }

    function test_publicationWithoutTermsHasNone() public {
        model.publish(alice, _oak());
        assertEq(abi.encode(model.termsOf(1)), abi.encode(IModel.Terms(address(0), 0, 0)));
        (address receiver, uint256 amount) = model.royaltyInfo(1, 1 ether);
        assertEq(receiver, address(0));
        assertEq(amount, 0);
    }

    function testFuzz_publishWithTerms(IModel.Terms memory terms) public {
        terms.flags %= 4;
        terms.royaltyBasisPoints %= 10_001;
        vm.assume(terms.royaltyReceiver != address(0));
        if (terms.flags != 0) {
            vm.expectEmit(address(model));
            emit IModel.FlagsChanged(1, terms.flags);
        }
        vm.expectEmit(address(model));
        emit IModel.RoyaltyChanged(1, terms.royaltyReceiver, terms.royaltyBasisPoints);
        assertEq(model.publishWithTerms(alice, _oak(), terms), 1);
        assertEq(model.ownerOf(1), alice);
        assertEq(abi.encode(model.termsOf(1)), abi.encode(terms));
        assertEq(abi.encode(model.modelData(1)), abi.encode(_oak()));
    }

    function test_emptyTermsAreNotTold() public {
        vm.recordLogs();
        model.publishWithTerms(alice, _oak(), IModel.Terms(address(0), 0, 0));
        assertEq(vm.getRecordedLogs().length, 2); // Transfer and ModelPublished
    }

    function test_impossibleTermsAreRefused() public {
        IModel.ModelData memory oak = _oak();
        vm.expectRevert(abi.encodeWithSelector(IModel.UnknownFlags.selector, 4));
        model.publishWithTerms(alice, oak, IModel.Terms(address(0), 0, 4));
        vm.expectRevert(abi.encodeWithSelector(IModel.RoyaltyTooHigh.selector, 10_001, 10_000));
        model.publishWithTerms(alice, oak, IModel.Terms(alice, 10_001, 0));
        vm.expectRevert(IModel.ZeroRoyaltyReceiver.selector);
        model.publishWithTerms(alice, oak, IModel.Terms(address(0), 1, 0));
    }

    function testFuzz_royalty(uint16 basisPoints, uint256 price) public {
        basisPoints %= 10_001;
        model.publishWithTerms(alice, _oak(), IModel.Terms(creator, basisPoints, 0));
        (address receiver, uint256 amount) = model.royaltyInfo(1, price);
        assertEq(receiver, creator);
        assertLe(amount, price);
        if (price < type(uint240).max) assertEq(amount, price * basisPoints / 10_000);
    }

    function test_receiverLowersAndHandsOnTheRoyaltyButNeverRaisesIt() public {
        model.publishWithTerms(alice, _oak(), IModel.Terms(creator, 500, 2));
        vm.startPrank(creator);
        vm.expectRevert(abi.encodeWithSelector(IModel.RoyaltyTooHigh.selector, 501, 500));
        model.setRoyalty(1, creator, 501);
        vm.expectEmit(address(model));
        emit IModel.RoyaltyChanged(1, gate, 400);
        model.setRoyalty(1, gate, 400);
        assertEq(abi.encode(model.termsOf(1)), abi.encode(IModel.Terms(gate, 400, 2)));
        vm.expectRevert(abi.encodeWithSelector(IModel.NotRoyaltyReceiver.selector, creator, 1));
        model.setRoyalty(1, creator, 400);
        vm.stopPrank();

        vm.startPrank(gate);
        model.setRoyalty(1, address(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IModel.NotRoyaltyReceiver.selector, gate, 1));
        model.setRoyalty(1, gate, 0);
    }

    function test_ownerHasNoSayInTheRoyalty() public {
        model.publish(alice, _oak());
        model.publishWithTerms(alice, _oak(), IModel.Terms(creator, 500, 0));
        vm.startPrank(alice);
        for (uint256 id = 1; id <= 2; ++id) {
            vm.expectRevert(abi.encodeWithSelector(IModel.NotRoyaltyReceiver.selector, alice, id));
            model.setRoyalty(id, alice, 0);
        }
    }

    function test_ownerChangesTheFlags() public {
        model.publishWithTerms(alice, _oak(), IModel.Terms(creator, 500, 0));
        vm.startPrank(alice);
        vm.expectEmit(address(model));
        emit IModel.FlagsChanged(1, 3);
        vm.expectEmit(address(model));
        emit IERC4906.MetadataUpdate(1);
        model.setFlags(1, 3);
        assertEq(abi.encode(model.termsOf(1)), abi.encode(IModel.Terms(creator, 500, 3)));
        vm.expectRevert(abi.encodeWithSelector(IModel.UnknownFlags.selector, 128));
        model.setFlags(1, 128);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IModel.NotModelOwner.selector, address(this), 1));
        model.setFlags(1, 0);
    }

    function testFuzz_anyonePlacesWhatNeedsNoConsent(address account) public {
        model.publishWithTerms(alice, _oak(), IModel.Terms(address(0), 0, 2));
        assertTrue(model.mayPlace(1, account));
    }

    function test_consent() public {
        model.publishWithTerms(alice, _oak(), IModel.Terms(address(0), 0, 1));
        assertTrue(model.mayPlace(1, alice));
        assertFalse(model.mayPlace(1, creator));
        assertFalse(model.mayPlace(1, address(0)));

        vm.startPrank(alice);
        vm.expectEmit(address(model));
        emit IModel.ConsentChanged(1, alice, creator, true);
        model.setConsent(1, creator, true);
        assertTrue(model.mayPlace(1, creator));
        assertTrue(model.consent(1, alice, creator));
        model.setConsent(1, creator, false);
        assertFalse(model.mayPlace(1, creator));

        model.approve(creator, 1);
        assertTrue(model.mayPlace(1, creator));
        model.approve(address(0), 1);
        model.setApprovalForAll(creator, true);
        assertTrue(model.mayPlace(1, creator));
    }

    function test_saleEndsConsents() public {
        model.publishWithTerms(alice, _oak(), IModel.Terms(address(0), 0, 1));
        vm.startPrank(alice);
        model.setConsent(1, creator, true);
        model.transferFrom(alice, gate, 1);
        assertFalse(model.mayPlace(1, creator));
        vm.expectRevert(abi.encodeWithSelector(IModel.NotModelOwner.selector, alice, 1));
        model.setConsent(1, creator, true);
    }

    function test_metadata() public {
        IModel.ModelData memory data = _oak();
        data.name = 'Old "oak"\n';
        data.gate = address(0xabc);
        model.publishWithTerms(alice, data, IModel.Terms(address(0), 0, 2));
        assertEq(
            _decoded(model.tokenURI(1)),
            string.concat(
                '{"name":"Old \\"oak\\"\\n","description":"A 3D model carried by BitTorrent.","magnet":"',
                model.magnet(1),
                '","content_sha256":"',
                vm.toString(data.contentHash),
                '","size":1048576,"gate":"0x0000000000000000000000000000000000000abc","flags":2}'
            )
        );
    }

    function testFuzz_metadataIsJsonWhateverIsPublished(IModel.ModelData memory data) public {
        data = _valid(data);
        // Strings reach here as UTF-8; the name also gets what JSON has to escape.
        data.name = string.concat(bytes(data.name).length < 200 ? data.name : "", '"\\\u0001\u001f');
        model.publish(alice, data);
        string memory json = _decoded(model.tokenURI(1));
        assertEq(vm.parseJsonString(json, ".name"), data.name);
        assertEq(vm.parseJsonString(json, ".magnet"), model.magnet(1));
        assertEq(vm.parseJsonUint(json, ".size"), data.size);
        assertEq(vm.parseJsonAddress(json, ".gate"), data.gate);
    }

    function test_interfaces() public view {
        assertTrue(model.supportsInterface(type(IERC721).interfaceId));
        assertTrue(model.supportsInterface(type(IERC721Metadata).interfaceId));
        assertTrue(model.supportsInterface(type(IERC2981).interfaceId));
        assertTrue(model.supportsInterface(0x49064906)); // ERC-4906
        assertFalse(model.supportsInterface(0xffffffff));
    }

    function _decoded(string memory uri) private pure returns (string memory) {
        string[] memory parts = vm.split(uri, ",");
        assertEq(parts.length, 2);
        assertEq(parts[0], "data:application/json;base64");
        return string(Base64.decode(parts[1]));
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
