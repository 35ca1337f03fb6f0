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
    /// @param gate Contract that says who may have the content, an IGate; zero if everyone may.
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

    /// @notice What its creator asks of others.
    /// @param royaltyReceiver Who gets the royalty, and alone may change it; zero if there is none, for ever.
    /// @param royaltyBasisPoints Royalty (ERC-2981) in ten-thousandths of the sale price.
    /// @param flags Sum of: 1, placing the model needs consent (else anyone may place it); 2, the content is
    /// encrypted and its key is for those whom the gate lets in.
    struct Terms {
        address royaltyReceiver;
        uint16 royaltyBasisPoints;
        uint8 flags;
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

    /// @notice The model has these flags now. It had none before its first such event.
    event FlagsChanged(uint256 indexed modelId, uint8 flags);

    /// @notice The model's royalty is this now. It had none before its first such event.
    event RoyaltyChanged(uint256 indexed modelId, address receiver, uint16 basisPoints);

    /// @notice An owner of the model lets, or no longer lets, an account place it. Counts while that owner owns it.
    event ConsentChanged(uint256 indexed modelId, address indexed owner, address indexed account, bool given);

    /// @notice The info hash is zero.
    error ZeroInfoHash();
    /// @notice The size is zero.
    error ZeroSize();
    /// @notice The name is longer than the limit, in bytes.
    error NameTooLong(uint256 length, uint256 limit);
    /// @notice The sources are longer than the limit, in bytes.
    error SourcesTooLong(uint256 length, uint256 limit);
    /// @notice Flags that have no meaning.
    error UnknownFlags(uint8 flags);
    /// @notice The royalty is above the limit: the whole price at publication, the present royalty later.
    error RoyaltyTooHigh(uint16 basisPoints, uint16 limit);
    /// @notice There is a royalty and nobody to get it.
    error ZeroRoyaltyReceiver();
    /// @notice Only the model's owner may do this.
    error NotModelOwner(address caller, uint256 modelId);
    /// @notice Only the receiver of the model's royalty may do this.
    error NotRoyaltyReceiver(address caller, uint256 modelId);

    /// @notice Publishes a model without royalty that anyone may place. Anyone may publish.
    /// @param to The token's first owner.
    /// @return modelId The new token's id; ids count up from 1.
    function publish(address to, ModelData calldata data) external returns (uint256 modelId);

    /// @notice Publishes a model on terms. Anyone may publish.
    /// @param to The token's first owner.
    /// @return modelId The new token's id; ids count up from 1.
    function publishWithTerms(address to, ModelData calldata data, Terms calldata terms)
        external
        returns (uint256 modelId);

    /// @notice Changes who may have the content. Only the token's owner may.
    /// @param gate Contract that says so, an IGate; zero if everyone may.
    function setGate(uint256 modelId, address gate) external;

    /// @notice Changes the flags. Only the token's owner may. What was placed stays.
    function setFlags(uint256 modelId, uint8 flags) external;

    /// @notice Hands the royalty on, lowers it, or gives it up. Only its receiver may; it never rises.
    /// @param receiver Who gets it from now on; zero, with a royalty of zero, gives it up for ever.
    function setRoyalty(uint256 modelId, address receiver, uint16 basisPoints) external;

    /// @notice Lets an account place the model, or no longer. Only the token's owner may, for as long as it owns the
    /// token: a new owner's consents are its own. What was placed stays.
    /// @param account Who places, or on whose land it is placed.
    function setConsent(uint256 modelId, address account, bool given) external;

    /// @notice How many models were published. Their ids are 1 to this number.
    function modelCount() external view returns (uint256);

    /// @notice What was published under this id. Reverts if nothing was.
    function modelData(uint256 modelId) external view returns (ModelData memory);

    /// @notice The model's terms. Reverts if there is no such model.
    function termsOf(uint256 modelId) external view returns (Terms memory);

    /// @notice Whether an owner of the model lets an account place it while that owner owns it.
    function consent(uint256 modelId, address owner, address account) external view returns (bool);

    /// @notice Whether an account may place the model: anyone if its flags do not ask for consent, else its owner,
    /// whoever may transfer it, and whom its owner gave consent. Reverts if there is no such model.
    function mayPlace(uint256 modelId, address account) external view returns (bool);

    /// @notice The magnet link of the model's torrent. Reverts if there is no such model.
    function magnet(uint256 modelId) external view returns (string memory);
}
