// SPDX-License-Identifier: Apache-2.0
// What a model is and where its content can be found: the chain carries the magnet link, swarms carry the bytes.
pragma solidity ^0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

import {Magnet} from "./Magnet.sol";
import {IModel} from "./interfaces/IModel.sol";

/// @title Model
contract Model is IModel, ERC721 {
    /// Bytes. What file systems allow a name.
    uint256 public constant MAX_NAME_LENGTH = 255;
    /// Bytes. Enough for a dozen trackers and web seeds; each 32 cost the publisher a storage slot.
    uint256 public constant MAX_SOURCES_LENGTH = 1024;

    /// @inheritdoc IModel
    uint256 public modelCount;
    mapping(uint256 modelId => ModelData) private _models;

    constructor() ERC721("Cosmos Model", "MODEL") {}

    /// @inheritdoc IModel
    function publish(address to, ModelData calldata data) external returns (uint256 modelId) {
        if (data.infoHash == 0) revert ZeroInfoHash();
        if (data.size == 0) revert ZeroSize();
        uint256 nameLength = bytes(data.name).length;
        if (nameLength > MAX_NAME_LENGTH) revert NameTooLong(nameLength, MAX_NAME_LENGTH);
        uint256 sourcesLength = bytes(data.sources).length;
        if (sourcesLength > MAX_SOURCES_LENGTH) revert SourcesTooLong(sourcesLength, MAX_SOURCES_LENGTH);

        modelId = ++modelCount;
        _models[modelId] = data;
        _mint(to, modelId);
        emit ModelPublished(
            modelId, msg.sender, data.infoHash, data.contentHash, data.size, data.gate, data.name, data.sources
        );
    }

    /// @inheritdoc IModel
    function setGate(uint256 modelId, address gate) external {
        if (_requireOwned(modelId) != msg.sender) revert NotModelOwner(msg.sender, modelId);
        _models[modelId].gate = gate;
        emit GateChanged(modelId, gate);
    }

    /// @inheritdoc IModel
    function modelData(uint256 modelId) external view returns (ModelData memory) {
        _requireOwned(modelId);
        return _models[modelId];
    }

    /// @inheritdoc IModel
    function magnet(uint256 modelId) external view returns (string memory) {
        _requireOwned(modelId);
        ModelData storage data = _models[modelId];
        return Magnet.link(data.infoHash, data.name, data.size, data.sources);
    }
}
