// SPDX-License-Identifier: Apache-2.0
// Does everything the contracts allow, in any order, and keeps two accounts of it: the slots that were really
// written, and what the events say. It chooses only what must succeed, so that a revert is a finding.
pragma solidity ^0.8.37;

import {Test} from "forge-std/Test.sol";

import {EventReplay} from "./EventReplay.sol";
import {GrantTree} from "./GrantTree.sol";
import {Land} from "../src/Land.sol";
import {Model} from "../src/Model.sol";
import {Placement} from "../src/Placement.sol";
import {ILand} from "../src/interfaces/ILand.sol";
import {IModel} from "../src/interfaces/IModel.sol";
import {IPlacement} from "../src/interfaces/IPlacement.sol";

contract RandomWorld is Test {
    // Few enough parcels that the same ones are met again, too many for a run to fill them.
    int16 private constant MIN = -20;
    int16 private constant MAX = 20;

    EventReplay public immutable replay = new EventReplay();
    Land public immutable land;
    Model public immutable model;
    Placement public immutable placement;

    /// How often somebody placed, moved or removed without the right to.
    uint256 public trespasses;
    uint256[] private _parcels;
    uint256[] private _placements;
    mapping(address target => bytes32[]) private _written;

    constructor() {
        vm.record();
        vm.recordLogs();
        land = new Land(_account(0), ILand.Bounds(MIN, MAX, MIN, MAX), GrantTree.root(_leaves()));
        model = new Model();
        placement = new Placement(land, model);
        replay.follow(address(land), address(model), address(placement), address(0));
        _populate();
        _take();
    }

    /// Records what one action writes and tells.
    modifier recorded() {
        vm.record();
        vm.recordLogs();
        _;
        _take();
    }

    /// Every slot that was written, some more than once.
    function writtenTo(address target) external view returns (bytes32[] memory) {
        return _written[target];
    }

    /// All parcels that were minted.
    function parcels() external view returns (uint256[] memory) {
        return _parcels;
    }

    function mint(uint256 to, int16 x, int16 y) external recorded {
        uint256 id = _place(x, y);
        if (_contains(_parcels, id)) return;
        (x, y) = land.coordinates(id);
        vm.prank(land.owner());
        _parcels.push(land.mint(_account(to), x, y));
    }

    function mintBatch(uint256 to, int16 x, int16 y, uint256 count) external recorded {
        uint32[] memory ids = _column(x, y, count);
        for (uint256 i = 0; i < ids.length; ++i) {
            if (_contains(_parcels, ids[i])) return;
        }
        vm.prank(land.owner());
        land.mintBatch(_account(to), ids);
        for (uint256 i = 0; i < ids.length; ++i) {
            _parcels.push(ids[i]);
        }
    }

    /// Parcels that were minted already are passed over.
    function claim(uint256 caller, int16 x, int16 y, uint256 count) external recorded {
        uint32[] memory ids = _column(x, y, count);
        (ILand.Grant[] memory grants, uint256 which) = (_grants(), ids.length == 0 || ids[0] < 0x80000000 ? 0 : 1);
        bytes32[] memory proof = GrantTree.proof(_leaves(), which);
        vm.prank(_account(caller));
        land.claim(grants[which], ids, proof);
        for (uint256 i = 0; i < ids.length; ++i) {
            if (!_contains(_parcels, ids[i])) _parcels.push(ids[i]);
        }
    }

    function transferLandOwnership(uint256 to) external recorded {
        vm.prank(land.owner());
        land.transferOwnership(_account(to));
    }

    function transferParcel(uint256 which, uint256 to) external recorded {
        if (_parcels.length == 0) return;
        uint256 id = _pick(_parcels, which);
        address owner = land.ownerOf(id);
        vm.prank(owner);
        land.transferFrom(owner, _account(to), id);
    }

    function approveParcel(uint256 which, uint256 account) external recorded {
        if (_parcels.length == 0) return;
        uint256 id = _pick(_parcels, which);
        vm.prank(land.ownerOf(id));
        land.approve(_account(account), id);
    }

    function setParcelOperator(uint256 which, uint256 account) external recorded {
        if (_parcels.length == 0) return;
        uint256 id = _pick(_parcels, which);
        vm.prank(land.ownerOf(id));
        land.setParcelOperator(id, account % 5 == 4 ? address(0) : _account(account));
    }

    function setLandOperator(uint256 owner, uint256 operator, bool approved) external recorded {
        vm.prank(_account(owner));
        land.setApprovalForAll(_account(operator), approved);
    }

    function publish(uint256 creator, uint256 to, IModel.ModelData memory data, uint256 repeats) external recorded {
        if (data.infoHash == 0) data.infoHash = bytes20(uint160(1));
        if (data.size == 0) data.size = 1;
        // Lengths about the borders at which strings change how they are stored.
        data.name = _text(data.name, repeats % 70);
        data.sources = _text(data.sources, (repeats >> 8) % 1025);
        vm.prank(_account(creator));
        model.publish(_account(to), data);
    }

    function publishWithTerms(uint256 creator, uint256 to, IModel.Terms memory terms) external recorded {
        terms.flags %= 4;
        terms.royaltyBasisPoints %= 10_001;
        terms.royaltyReceiver = _account(uint160(terms.royaltyReceiver));
        vm.prank(_account(creator));
        model.publishWithTerms(
            _account(to), IModel.ModelData(hex"01", 0, 1, address(0), "with terms", "tr=http%3A%2F%2Ft"), terms
        );
    }

    function setFlags(uint256 which, uint8 flags) external recorded {
        if (model.modelCount() == 0) return;
        uint256 id = _model(which);
        vm.prank(model.ownerOf(id));
        model.setFlags(id, flags % 4);
    }

    function setRoyalty(uint256 which, uint256 receiver, uint16 basisPoints) external recorded {
        if (model.modelCount() == 0) return;
        uint256 id = _model(which);
        IModel.Terms memory terms = model.termsOf(id);
        vm.prank(terms.royaltyReceiver);
        model.setRoyalty(id, _account(receiver), uint16(basisPoints % (uint256(terms.royaltyBasisPoints) + 1)));
    }

    function setConsent(uint256 which, uint256 account, bool given) external recorded {
        if (model.modelCount() == 0) return;
        uint256 id = _model(which);
        vm.prank(model.ownerOf(id));
        model.setConsent(id, _account(account), given);
    }

    function setGate(uint256 which, address gate) external recorded {
        if (model.modelCount() == 0) return;
        uint256 id = _model(which);
        vm.prank(model.ownerOf(id));
        model.setGate(id, gate);
    }

    function transferModel(uint256 which, uint256 to) external recorded {
        if (model.modelCount() == 0) return;
        uint256 id = _model(which);
        address owner = model.ownerOf(id);
        vm.prank(owner);
        model.transferFrom(owner, _account(to), id);
    }

    function approveModel(uint256 which, uint256 account) external recorded {
        if (model.modelCount() == 0) return;
        uint256 id = _model(which);
        vm.prank(model.ownerOf(id));
        model.approve(_account(account), id);
    }

    function setModelOperator(uint256 owner, uint256 operator, bool approved) external recorded {
        vm.prank(_account(owner));
        model.setApprovalForAll(_account(operator), approved);
    }

    function place(uint256 which, uint256 whichModel, IPlacement.Pose memory pose) external recorded {
        if (_parcels.length == 0 || model.modelCount() == 0) return;
        uint256 id = _pick(_parcels, which);
        uint256 modelId = _model(whichModel);
        address caller = _holder(id, which);
        bool consent = model.mayPlace(modelId, caller) || model.mayPlace(modelId, land.ownerOf(id));
        if (!consent) return;
        vm.prank(caller);
        _placements.push(placement.place(id, modelId, _valid(pose)));
    }

    function move(uint256 which, IPlacement.Pose memory pose) external recorded {
        if (_placements.length == 0) return;
        uint256 id = _pick(_placements, which);
        if (!placement.stands(id)) return;
        (uint256 parcelId,,) = placement.placement(id);
        vm.prank(_holder(parcelId, which));
        placement.move(id, _valid(pose));
    }

    /// Those that stand and those that do not any longer.
    function remove(uint256 which) external recorded {
        if (_placements.length == 0) return;
        uint256 id = _pick(_placements, which);
        (uint256 parcelId,,) = placement.placement(id);
        vm.prank(_holder(parcelId, which));
        placement.remove(id);
        _forget(which);
    }

    /// Anyone tries anything; what succeeds must have been allowed by the rules as they are written down.
    function tryToPlace(uint256 seed, uint256 which, uint256 whichModel, IPlacement.Pose memory pose)
        external
        recorded
    {
        if (_parcels.length == 0 || model.modelCount() == 0) return;
        (address caller, uint256 id, uint256 modelId) = (_account(seed), _pick(_parcels, which), _model(whichModel));
        bool allowed = _isHolder(caller, id) && (_consents(caller, modelId) || _consents(land.ownerOf(id), modelId));
        vm.prank(caller);
        try placement.place(id, modelId, _valid(pose)) returns (uint256 placed) {
            _placements.push(placed);
            if (!allowed) ++trespasses;
        } catch {
            assertFalse(allowed, "refused what is allowed");
        }
    }

    function tryToMoveAndRemove(uint256 seed, uint256 which, IPlacement.Pose memory pose) external recorded {
        if (_placements.length == 0) return;
        (address caller, uint256 id) = (_account(seed), _pick(_placements, which));
        (uint256 parcelId,,) = placement.placement(id);
        bool allowed = _isHolder(caller, parcelId);
        vm.prank(caller);
        try placement.move(id, _valid(pose)) {
            if (!allowed || !placement.stands(id)) ++trespasses;
        } catch {
            assertFalse(allowed && placement.stands(id), "refused what is allowed");
        }
        vm.prank(caller);
        try placement.remove(id) {
            if (!allowed) ++trespasses;
            _forget(which);
        } catch {
            assertFalse(allowed, "refused what is allowed");
        }
    }

    /// Something to begin with, so that short histories are about more than founding the world: everybody has a
    /// parcel and a model, half of the models ask for consent, and on each parcel stands its owner's.
    function _populate() private {
        for (uint8 i = 0; i < 4; ++i) {
            vm.prank(land.owner());
            uint256 id = land.mint(_account(i), int8(i), 0);
            IModel.ModelData memory data = IModel.ModelData(hex"01", 0, 1, address(0), "", "");
            uint256 modelId = model.publishWithTerms(_account(i), data, IModel.Terms(_account(i), 500, i % 2));
            vm.prank(_account(i));
            _placements.push(placement.place(id, modelId, IPlacement.Pose(0, 0, 0, 0, 0, 0, 1, 1)));
            _parcels.push(id);
        }
    }

    function _isHolder(address account, uint256 id) private view returns (bool) {
        address owner = land.ownerOf(id);
        return account == owner || account == land.getApproved(id) || land.isApprovedForAll(owner, account)
            || account == land.parcelOperator(id);
    }

    function _consents(address account, uint256 id) private view returns (bool) {
        address owner = model.ownerOf(id);
        return model.termsOf(id).flags % 2 == 0 || account == owner || account == model.getApproved(id)
            || model.isApprovedForAll(owner, account) || model.consent(id, owner, account);
    }

    function _forget(uint256 which) private {
        _placements[which % _placements.length] = _placements[_placements.length - 1];
        _placements.pop();
    }

    function _take() private {
        address[3] memory targets = [address(land), address(model), address(placement)];
        for (uint256 i = 0; i < targets.length; ++i) {
            (, bytes32[] memory writes) = vm.accesses(targets[i]);
            for (uint256 j = 0; j < writes.length; ++j) {
                _written[targets[i]].push(writes[j]);
            }
        }
        replay.replay(vm.getRecordedLogs());
    }

    /// Few accounts, so that they meet.
    function _account(uint256 seed) private pure returns (address) {
        return address(uint160(0xacc0 + seed % 4));
    }

    /// The parcel's owner or, where there is one, its approved account or its operator.
    function _holder(uint256 parcelId, uint256 seed) private view returns (address) {
        address other = seed % 4 == 0 ? land.getApproved(parcelId) : land.parcelOperator(parcelId);
        return seed % 2 == 0 && other != address(0) ? other : land.ownerOf(parcelId);
    }

    /// The world's west half is granted to one account, its east half to another.
    function _grants() private pure returns (ILand.Grant[] memory grants) {
        grants = new ILand.Grant[](2);
        grants[0] = ILand.Grant(_account(1), 0, 0x7fffffff);
        grants[1] = ILand.Grant(_account(2), 0x80000000, type(uint32).max);
    }

    function _leaves() private pure returns (bytes32[] memory) {
        return GrantTree.leaves(_grants());
    }

    /// A parcel inside the bounds.
    function _place(int16 x, int16 y) private view returns (uint256) {
        return land.parcelId(int16(bound(x, MIN, MAX)), int16(bound(y, MIN, MAX)));
    }

    /// Up to 8 parcels, all inside the bounds.
    function _column(int16 x, int16 y, uint256 count) private view returns (uint32[] memory ids) {
        ids = new uint32[](bound(count, 0, 8));
        for (uint256 i = 0; i < ids.length; ++i) {
            ids[i] = uint32(_place(x, int16(bound(y, MIN, MAX - 8)) + int16(uint16(i))));
        }
    }

    function _model(uint256 seed) private view returns (uint256) {
        return 1 + seed % model.modelCount();
    }

    function _pick(uint256[] storage from, uint256 seed) private view returns (uint256) {
        return from[seed % from.length];
    }

    function _contains(uint256[] storage list, uint256 value) private view returns (bool) {
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == value) return true;
        }
        return false;
    }

    function _text(string memory seed, uint256 length) private pure returns (string memory) {
        bytes memory text = new bytes(length);
        bytes32 filling = keccak256(bytes(seed));
        for (uint256 i = 0; i < length; ++i) {
            text[i] = filling[i % 32];
        }
        return string(text);
    }

    function _valid(IPlacement.Pose memory pose) private pure returns (IPlacement.Pose memory) {
        if (pose.qx == 0 && pose.qy == 0 && pose.qz == 0) pose.qw = 1;
        if (pose.scale == 0) pose.scale = 1;
        return pose;
    }
}
