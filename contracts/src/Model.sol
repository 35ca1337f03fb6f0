// SPDX-License-Identifier: Apache-2.0
// What a model is and where its content can be found: the chain carries the magnet link, swarms carry the bytes.
pragma solidity ^0.8.37;

import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC2981} from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Magnet} from "./Magnet.sol";
import {ModelMetadata} from "./ModelMetadata.sol";
import {IModel} from "./interfaces/IModel.sol";

/// @title Model
contract Model is IModel, IERC2981, IERC4906, ERC721 {
    /// Bytes. What file systems allow a name.
    uint256 public constant MAX_NAME_LENGTH = 255;
    /// Bytes. Enough for a dozen trackers and web seeds; each 32 cost the publisher a storage slot.
    uint256 public constant MAX_SOURCES_LENGTH = 1024;
    /// Flag: placing the model needs consent.
    uint8 public constant CONSENT_REQUIRED = 1;
    /// Flag: the content is encrypted.
    uint8 public constant ENCRYPTED = 2;
    /// The whole price.
    uint16 private constant ALL = 10_000;
    /// What ERC-4906 says to answer for, which is not computed from its events.
    bytes4 private constant ERC4906_ID = 0x49064906;

    /// @inheritdoc IModel
    uint256 public modelCount;
    mapping(uint256 modelId => ModelData) private _models;
    /// One storage slot each, zero for a model without royalty that anyone may place.
    mapping(uint256 modelId => Terms) private _terms;
    /// Under the owner who gave them, so that a sale ends them.
    mapping(address owner => mapping(uint256 modelId => mapping(address account => bool))) private _consents;

    constructor() ERC721("Cosmos Model", "MODEL") {}

    /// @inheritdoc IModel
    function publish(address to, ModelData calldata data) external returns (uint256 modelId) {
        return _publish(to, data);
    }

    /// @inheritdoc IModel
    function publishWithTerms(address to, ModelData calldata data, Terms calldata terms)
        external
        returns (uint256 modelId)
    {
        modelId = _publish(to, data);
        if (terms.flags != 0) _setFlags(modelId, terms.flags);
        if (terms.royaltyReceiver != address(0) || terms.royaltyBasisPoints != 0) {
            _setRoyalty(modelId, terms.royaltyReceiver, terms.royaltyBasisPoints, ALL);
        }
    }

    /// @inheritdoc IModel
    function setGate(uint256 modelId, address gate) external {
        _checkOwner(modelId);
        _models[modelId].gate = gate;
        emit GateChanged(modelId, gate);
        emit MetadataUpdate(modelId);
    }

    /// @inheritdoc IModel
    function setFlags(uint256 modelId, uint8 flags) external {
        _checkOwner(modelId);
        _setFlags(modelId, flags);
        emit MetadataUpdate(modelId);
    }

    /// @inheritdoc IModel
    function setRoyalty(uint256 modelId, address receiver, uint16 basisPoints) external {
        Terms storage present = _terms[modelId];
        if (present.royaltyReceiver != msg.sender) revert NotRoyaltyReceiver(msg.sender, modelId);
        _setRoyalty(modelId, receiver, basisPoints, present.royaltyBasisPoints);
    }

    /// @inheritdoc IModel
    function setConsent(uint256 modelId, address account, bool given) external {
        _checkOwner(modelId);
        _consents[msg.sender][modelId][account] = given;
        emit ConsentChanged(modelId, msg.sender, account, given);
    }

    /// @inheritdoc IModel
    function modelData(uint256 modelId) external view returns (ModelData memory) {
        _requireOwned(modelId);
        return _models[modelId];
    }

    /// @inheritdoc IModel
    function termsOf(uint256 modelId) external view returns (Terms memory) {
        _requireOwned(modelId);
        return _terms[modelId];
    }

    /// @inheritdoc IModel
    function consent(uint256 modelId, address owner, address account) external view returns (bool) {
        return _consents[owner][modelId][account];
    }

    /// @inheritdoc IModel
    function mayPlace(uint256 modelId, address account) external view returns (bool) {
        address owner = _requireOwned(modelId);
        return _terms[modelId].flags & CONSENT_REQUIRED == 0 || _isAuthorized(owner, account, modelId)
            || _consents[owner][modelId][account];
    }

    /// @inheritdoc IModel
    function magnet(uint256 modelId) external view returns (string memory) {
        _requireOwned(modelId);
        ModelData storage data = _models[modelId];
        return Magnet.link(data.infoHash, data.name, data.size, data.sources);
    }

    /// @inheritdoc IERC2981
    function royaltyInfo(uint256 modelId, uint256 salePrice) external view returns (address receiver, uint256 amount) {
        Terms storage present = _terms[modelId];
        return (present.royaltyReceiver, Math.mulDiv(salePrice, present.royaltyBasisPoints, ALL));
    }

    /// @notice The model's metadata as a `data:` URI of JSON, which holds the magnet link.
    function tokenURI(uint256 modelId) public view override returns (string memory) {
        _requireOwned(modelId);
        return ModelMetadata.uri(_models[modelId], _terms[modelId].flags);
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, IERC165) returns (bool) {
        return
            interfaceId == type(IERC2981).interfaceId || interfaceId == ERC4906_ID
                || super.supportsInterface(interfaceId);
    }

    function _publish(address to, ModelData calldata data) private returns (uint256 modelId) {
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

    function _setFlags(uint256 modelId, uint8 flags) private {
        if (flags & ~(CONSENT_REQUIRED | ENCRYPTED) != 0) revert UnknownFlags(flags);
        _terms[modelId].flags = flags;
        emit FlagsChanged(modelId, flags);
    }

    function _setRoyalty(uint256 modelId, address receiver, uint16 basisPoints, uint16 limit) private {
        if (basisPoints > limit) revert RoyaltyTooHigh(basisPoints, limit);
        if (basisPoints != 0 && receiver == address(0)) revert ZeroRoyaltyReceiver();
        (_terms[modelId].royaltyReceiver, _terms[modelId].royaltyBasisPoints) = (receiver, basisPoints);
        emit RoyaltyChanged(modelId, receiver, basisPoints);
    }

    function _checkOwner(uint256 modelId) private view {
        if (_requireOwned(modelId) != msg.sender) revert NotModelOwner(msg.sender, modelId);
    }
}
