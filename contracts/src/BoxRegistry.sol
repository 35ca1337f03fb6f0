// SPDX-License-Identifier: Apache-2.0
// Which boxes offer themselves to strangers. The bond makes it dear to pretend to be many; the delay makes it dear for
// long.
pragma solidity ^0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {HostName} from "./HostName.sol";
import {IBoxRegistry} from "./interfaces/IBoxRegistry.sol";

/// @title BoxRegistry
contract BoxRegistry is IBoxRegistry {
    using SafeERC20 for IERC20;

    /// Two storage slots. The endpoint's hash is never zero, so that it also says that there is an entry.
    struct Entry {
        bytes32 endpointHash;
        uint64 withdrawableAt;
    }

    /// What bonds are paid in.
    IERC20 public immutable cybr;
    /// A box's bond, in CYBR's smallest unit.
    uint256 public immutable bond;
    /// Seconds between a box's retirement and the return of its bond.
    uint64 public immutable withdrawalDelay;

    mapping(address operator => mapping(bytes32 nodeKey => Entry)) private _entries;

    constructor(IERC20 cybr_, uint256 bond_, uint64 withdrawalDelay_) {
        cybr = cybr_;
        bond = bond_;
        withdrawalDelay = withdrawalDelay_;
    }

    /// @inheritdoc IBoxRegistry
    function register(bytes32 nodeKey, string calldata endpoint) external {
        if (nodeKey == 0) revert ZeroNodeKey();
        Entry storage entry = _entries[msg.sender][nodeKey];
        if (entry.endpointHash != 0) revert AlreadyRegistered(msg.sender, nodeKey);
        entry.endpointHash = _hash(endpoint);
        emit BoxRegistered(msg.sender, nodeKey, endpoint);
        cybr.safeTransferFrom(msg.sender, address(this), bond);
    }

    /// @inheritdoc IBoxRegistry
    function setEndpoint(bytes32 nodeKey, string calldata endpoint) external {
        _serving(nodeKey).endpointHash = _hash(endpoint);
        emit EndpointChanged(msg.sender, nodeKey, endpoint);
    }

    /// @inheritdoc IBoxRegistry
    function retire(bytes32 nodeKey) external {
        uint64 withdrawableAt = SafeCast.toUint64(block.timestamp + withdrawalDelay);
        _serving(nodeKey).withdrawableAt = withdrawableAt;
        emit BoxRetired(msg.sender, nodeKey, withdrawableAt);
    }

    /// @inheritdoc IBoxRegistry
    function withdraw(bytes32 nodeKey) external {
        uint64 withdrawableAt = _entries[msg.sender][nodeKey].withdrawableAt;
        if (withdrawableAt == 0) revert NotRetired(msg.sender, nodeKey);
        if (block.timestamp < withdrawableAt) revert StillBonded(withdrawableAt);
        delete _entries[msg.sender][nodeKey];
        emit BoxRemoved(msg.sender, nodeKey);
        cybr.safeTransfer(msg.sender, bond);
    }

    /// @inheritdoc IBoxRegistry
    function isServing(address operator, bytes32 nodeKey) public view returns (bool) {
        Entry storage entry = _entries[operator][nodeKey];
        return entry.endpointHash != 0 && entry.withdrawableAt == 0;
    }

    /// @inheritdoc IBoxRegistry
    function box(address operator, bytes32 nodeKey) external view returns (bytes32, uint64) {
        Entry storage entry = _entries[operator][nodeKey];
        return (entry.endpointHash, entry.withdrawableAt);
    }

    function _serving(bytes32 nodeKey) private view returns (Entry storage) {
        if (!isServing(msg.sender, nodeKey)) revert NotServing(msg.sender, nodeKey);
        return _entries[msg.sender][nodeKey];
    }

    function _hash(string calldata endpoint) private pure returns (bytes32) {
        if (bytes(endpoint).length != 0 && !HostName.isValid(endpoint)) revert InvalidEndpoint(endpoint);
        return keccak256(bytes(endpoint));
    }
}
