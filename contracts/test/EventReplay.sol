// SPDX-License-Identifier: Apache-2.0
// A box never asks a contract for its state: it rebuilds the contract's storage from events and compares the storage
// root with a proved one. This is that rebuilding, slot for slot. It reads events and nothing else.
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Vm} from "forge-std/Vm.sol";

import {IBoxRegistry} from "../src/interfaces/IBoxRegistry.sol";
import {ILand} from "../src/interfaces/ILand.sol";
import {IModel} from "../src/interfaces/IModel.sol";
import {IPlacement} from "../src/interfaces/IPlacement.sol";

contract EventReplay {
    // Storage layout, as `forge inspect <contract> storage-layout` prints it.
    uint256 private constant TOKEN_NAME = 0;
    uint256 private constant TOKEN_SYMBOL = 1;
    uint256 private constant TOKEN_OWNERS = 2;
    uint256 private constant TOKEN_BALANCES = 3;
    uint256 private constant TOKEN_APPROVALS = 4;
    uint256 private constant TOKEN_OPERATORS = 5;
    uint256 private constant LAND_OWNER = 6;
    uint256 private constant LAND_PARCELS = 7;
    uint256 private constant MODEL_COUNT = 6;
    uint256 private constant MODEL_DATA = 7;
    uint256 private constant MODEL_TERMS = 8;
    uint256 private constant MODEL_CONSENTS = 9;
    uint256 private constant PLACEMENT_COUNT = 0;
    uint256 private constant PLACEMENT_ENTRIES = 1;
    uint256 private constant REGISTRY_ENTRIES = 0;

    /// ERC-4906. Goes with other events.
    bytes32 private constant METADATA_UPDATE = keccak256("MetadataUpdate(uint256)");

    address private _land;
    address private _model;
    address private _placement;
    address private _registry;
    mapping(address emitter => mapping(uint256 slot => uint256 value)) public storageOf;
    mapping(address emitter => uint256[]) private _slots;

    /// A token's name and symbol follow from its code: they never change and no event tells them.
    function follow(address land, address model, address placement, address registry) external {
        (_land, _model, _placement, _registry) = (land, model, placement, registry);
        _setString(land, TOKEN_NAME, "Cosmos Land");
        _setString(land, TOKEN_SYMBOL, "LAND");
        _setString(model, TOKEN_NAME, "Cosmos Model");
        _setString(model, TOKEN_SYMBOL, "MODEL");
    }

    function replay(Vm.Log[] calldata logs) external {
        for (uint256 i = 0; i < logs.length; ++i) {
            (address emitter, bytes32[] calldata topics, bytes calldata data) =
                (logs[i].emitter, logs[i].topics, logs[i].data);
            bool known = true;
            if (emitter == _land) known = _replayToken(emitter, topics, data) || _replayLand(topics);
            if (emitter == _model) known = _replayToken(emitter, topics, data) || _replayModel(topics, data);
            if (emitter == _placement) known = _replayPlacement(topics, data);
            if (emitter == _registry) known = _replayRegistry(topics, data);
            require(known, "unknown event");
        }
    }

    /// Every slot that was set, some more than once.
    function slotsOf(address emitter) external view returns (uint256[] memory) {
        return _slots[emitter];
    }

    function _replayToken(address token, bytes32[] calldata topics, bytes calldata data) private returns (bool) {
        bytes32 kind = topics[0];
        if (kind == IERC721.Transfer.selector) {
            _transfer(token, uint256(topics[1]), uint256(topics[2]), uint256(topics[3]));
        } else if (kind == IERC721.Approval.selector) {
            _set(token, _at(uint256(topics[3]), TOKEN_APPROVALS), uint256(topics[2]));
        } else if (kind == IERC721.ApprovalForAll.selector) {
            uint256 slot = _at(uint256(topics[2]), _at(uint256(topics[1]), TOKEN_OPERATORS));
            _set(token, slot, abi.decode(data, (uint256)));
        } else {
            return false;
        }
        return true;
    }

    function _transfer(address token, uint256 from, uint256 to, uint256 id) private {
        if (from != 0) {
            uint256 balance = _at(from, TOKEN_BALANCES);
            _set(token, balance, storageOf[token][balance] - 1);
            _set(token, _at(id, TOKEN_APPROVALS), 0); // ends without an Approval event
        }
        uint256 received = _at(to, TOKEN_BALANCES);
        _set(token, received, storageOf[token][received] + 1);
        _set(token, _at(id, TOKEN_OWNERS), to);
        if (token == _land && from != 0) {
            uint256 parcel = _at(id, LAND_PARCELS);
            _set(token, parcel, ((storageOf[token][parcel] >> 160) + 1) << 160); // the operator ends too
        }
    }

    function _replayLand(bytes32[] calldata topics) private returns (bool) {
        bytes32 kind = topics[0];
        if (kind == Ownable.OwnershipTransferred.selector) {
            _set(_land, LAND_OWNER, uint256(topics[2]));
        } else if (kind == ILand.ParcelOperatorChanged.selector) {
            _setBits(_land, _at(uint256(topics[1]), LAND_PARCELS), 0, 160, uint256(topics[2]));
        } else {
            return false;
        }
        return true;
    }

    function _replayModel(bytes32[] calldata topics, bytes calldata data) private returns (bool) {
        bytes32 kind = topics[0];
        if (kind == METADATA_UPDATE) return true;
        uint256 id = uint256(topics[1]);
        if (kind == IModel.ModelPublished.selector) {
            _publish(id, data);
        } else if (kind == IModel.GateChanged.selector) {
            _setBits(_model, _at(id, MODEL_DATA) + 2, 64, 160, abi.decode(data, (uint256)));
        } else if (kind == IModel.FlagsChanged.selector) {
            _setBits(_model, _at(id, MODEL_TERMS), 176, 8, abi.decode(data, (uint256)));
        } else if (kind == IModel.RoyaltyChanged.selector) {
            (uint256 receiver, uint256 basisPoints) = abi.decode(data, (uint256, uint256));
            _setBits(_model, _at(id, MODEL_TERMS), 0, 176, receiver | basisPoints << 160);
        } else if (kind == IModel.ConsentChanged.selector) {
            uint256 ofOwner = _at(uint256(topics[2]), MODEL_CONSENTS);
            _set(_model, _at(uint256(topics[3]), _at(id, ofOwner)), abi.decode(data, (uint256)));
        } else {
            return false;
        }
        return true;
    }

    function _publish(uint256 id, bytes calldata data) private {
        (bytes20 infoHash, uint256 contentHash, uint256 size, uint256 gate, string memory name, string memory sources) =
            abi.decode(data, (bytes20, uint256, uint256, uint256, string, string));
        uint256 slot = _at(id, MODEL_DATA);
        _set(_model, MODEL_COUNT, id);
        _set(_model, slot, uint160(infoHash));
        _set(_model, slot + 1, contentHash);
        _set(_model, slot + 2, size | gate << 64);
        _setString(_model, slot + 3, name);
        _setString(_model, slot + 4, sources);
    }

    function _replayPlacement(bytes32[] calldata topics, bytes calldata data) private returns (bool) {
        bytes32 kind = topics[0];
        uint256 slot = _at(uint256(topics[1]), PLACEMENT_ENTRIES);
        if (kind == IPlacement.Placed.selector) {
            uint256 tenure = storageOf[_land][_at(uint256(topics[2]), LAND_PARCELS)] >> 160;
            _set(_placement, PLACEMENT_COUNT, uint256(topics[1]));
            _set(_placement, slot, uint256(topics[2]) | tenure << 32 | uint256(topics[3]) << 128);
            _set(_placement, slot + 1, _pack(abi.decode(data, (IPlacement.Pose))));
        } else if (kind == IPlacement.Moved.selector) {
            _set(_placement, slot + 1, _pack(abi.decode(data, (IPlacement.Pose))));
        } else if (kind == IPlacement.Removed.selector) {
            _set(_placement, slot, 0);
            _set(_placement, slot + 1, 0);
        } else {
            return false;
        }
        return true;
    }

    function _replayRegistry(bytes32[] calldata topics, bytes calldata data) private returns (bool) {
        bytes32 kind = topics[0];
        uint256 slot = _at(uint256(topics[2]), _at(uint256(topics[1]), REGISTRY_ENTRIES));
        if (kind == IBoxRegistry.BoxRegistered.selector || kind == IBoxRegistry.EndpointChanged.selector) {
            _set(_registry, slot, uint256(keccak256(abi.decode(data, (bytes)))));
        } else if (kind == IBoxRegistry.BoxRetired.selector) {
            _set(_registry, slot + 1, abi.decode(data, (uint256)));
        } else if (kind == IBoxRegistry.BoxRemoved.selector) {
            _set(_registry, slot, 0);
            _set(_registry, slot + 1, 0);
        } else {
            return false;
        }
        return true;
    }

    /// The first member lies lowest.
    function _pack(IPlacement.Pose memory pose) private pure returns (uint256) {
        // forge-lint: disable-start(unsafe-typecast)
        return uint256(uint32(pose.x)) | uint256(uint32(pose.y)) << 32 | uint256(uint32(pose.z)) << 64
            | uint256(uint16(pose.qx)) << 96 | uint256(uint16(pose.qy)) << 112 | uint256(uint16(pose.qz)) << 128
            | uint256(uint16(pose.qw)) << 144 | uint256(pose.scale) << 160;
        // forge-lint: disable-end(unsafe-typecast)
    }

    /// Up to 31 bytes lie in the slot itself with twice their length; more lie at the slot's hash.
    function _setString(address emitter, uint256 slot, string memory text) private {
        bytes memory content = bytes(text);
        if (content.length < 32) {
            _set(emitter, slot, _word(content, 0) | content.length * 2);
            return;
        }
        _set(emitter, slot, content.length * 2 + 1);
        uint256 first = uint256(keccak256(abi.encode(slot)));
        for (uint256 i = 0; i < content.length; i += 32) {
            _set(emitter, first + i / 32, _word(content, i));
        }
    }

    /// 32 bytes from an offset on, zeros beyond the end.
    function _word(bytes memory content, uint256 offset) private pure returns (uint256 word) {
        for (uint256 i = offset; i < content.length && i < offset + 32; ++i) {
            word |= uint256(uint8(content[i])) << 8 * (31 - (i - offset));
        }
    }

    /// Where a mapping keeps a key's value.
    function _at(uint256 key, uint256 slot) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(key, slot)));
    }

    function _setBits(address emitter, uint256 slot, uint256 lowest, uint256 count, uint256 value) private {
        uint256 mask = ((1 << count) - 1) << lowest;
        _set(emitter, slot, (storageOf[emitter][slot] & ~mask) | value << lowest);
    }

    function _set(address emitter, uint256 slot, uint256 value) private {
        storageOf[emitter][slot] = value;
        _slots[emitter].push(slot);
    }
}
