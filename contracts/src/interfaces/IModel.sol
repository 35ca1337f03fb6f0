// SPDX-License-Identifier: Apache-2.0
// What Model adds to ERC-721. Imports nothing, so that other languages can read the file alone.
pragma solidity ^0.8.37;

/// @title 3D models carried by BitTorrent
/// @notice A token holds what it takes to find its content in a swarm and to check it. Anyone may publish, so
/// everything here is a stranger's word until the content itself was checked.
interface IModel {
    /// @notice A model's content and who may have it.
    /// @param infoHash BitTorrent version 1 info hash.
    /// @param contentHash SHA-256 of the content: its files joined in the torrent's order. The info hash is a SHA-1,
    /// for which collisions can be made; this one holds.
    /// @param size The content's length in bytes.
    /// @param gate Contract that says who may have the content; zero if everyone may.
    /// @param name Display name, UTF-8.
    /// @param sources Further magnet link parameters joined with `&`, already percent-encoded, such as
    /// `tr=…&ws=…&x.pe=…`. May be empty. Not checked on chain.
    struct ModelData {
        bytes20 infoHash;
        bytes32 contentHash;
        uint64 size;
        address gate;
        string name;
        string sources;
    }

    /// @notice A model was published. Its first owner is in the Transfer event of the same transaction.
    /// @param creator The account that published it.
    event ModelPublished(
        uint256 indexed modelId,
        address indexed creator,
        bytes20 infoHash,
        bytes32 contentHash,
        uint64 size,
        address gate,
        string name,
        string sources
    );

    /// @notice Another contract, or none, now says who may have the content.
    event GateChanged(uint256 indexed modelId, address gate);

    /// @notice The info hash is zero.
    error ZeroInfoHash();
    /// @notice The size is zero.
    error ZeroSize();
    /// @notice The name is longer than the limit, in bytes.
    error NameTooLong(uint256 length, uint256 limit);
    /// @notice The sources are longer than the limit, in bytes.
    error SourcesTooLong(uint256 length, uint256 limit);
    /// @notice Only the model's owner may do this.
    error NotModelOwner(address caller, uint256 modelId);

    /// @notice Publishes a model. Anyone may.
    /// @param to The token's first owner.
    /// @return modelId The new token's id; ids count up from 1.
    function publish(address to, ModelData calldata data) external returns (uint256 modelId);

    /// @notice Changes who may have the content. Only the token's owner may.
    /// @param gate Contract that says so; zero if everyone may.
    function setGate(uint256 modelId, address gate) external;

    /// @notice How many models were published. Their ids are 1 to this number.
    function modelCount() external view returns (uint256);

    /// @notice What was published under this id. Reverts if nothing was.
    function modelData(uint256 modelId) external view returns (ModelData memory);

    /// @notice The magnet link of the model's torrent. Reverts if there is no such model.
    function magnet(uint256 modelId) external view returns (string memory);
}
