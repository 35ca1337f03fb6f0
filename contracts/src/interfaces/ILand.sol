// SPDX-License-Identifier: Apache-2.0
// What Land adds to ERC-721. Imports nothing, so that other languages can read the file alone.
pragma solidity ^0.8.37;

/// @title Parcels of land on a grid
/// @notice A parcel's token id is made from its coordinates alone, so neither has to be looked up from the other.
/// Ids rise with x, then with y, and are below 2^32. Parcels exist within the world's bounds alone, are minted once
/// and never burnt.
interface ILand {
    /// @notice The world's edges, each of them inside.
    struct Bounds {
        int16 minX;
        int16 maxX;
        int16 minY;
        int16 maxY;
    }

    /// @notice Parcels promised to somebody before they are minted: those of the range that lie within the bounds.
    /// @param to Their first owner.
    /// @param firstId The range's lowest token id.
    /// @param lastId The range's highest token id.
    struct Grant {
        address to;
        uint32 firstId;
        uint32 lastId;
    }

    /// @notice Another account, or none, may now place models on the parcel beside those ERC-721 lets. A Transfer of
    /// the parcel ends it without this event.
    event ParcelOperatorChanged(uint256 indexed parcelId, address indexed operator);

    /// @notice No parcel has this token id.
    error InvalidParcelId(uint256 parcelId);
    /// @notice A lower edge lies above its upper edge.
    error InvalidBounds();
    /// @notice The place lies outside the world.
    error OutOfBounds(int16 x, int16 y);
    /// @notice The grant is not in the tree whose root this contract has.
    error InvalidProof();
    /// @notice The parcel is not of the grant's range.
    error NotGranted(uint256 parcelId);

    /// @notice Creates the parcel at (x, y). Only the contract's owner may; a grant does not hold it back.
    /// @param to The parcel's first owner.
    /// @param x Grid column, in parcels from the centre.
    /// @param y Grid row, in parcels from the centre.
    /// @return id The parcel's token id.
    function mint(address to, int16 x, int16 y) external returns (uint256 id);

    /// @notice Creates many parcels. Only the contract's owner may; a grant does not hold it back.
    /// @param to The parcels' first owner.
    /// @param parcelIds Their token ids.
    function mintBatch(address to, uint32[] calldata parcelIds) external;

    /// @notice Creates parcels of a grant. Anyone may, and pays the gas; they go to whom they were granted. Parcels
    /// that exist already are passed over.
    /// @param grant A leaf of the tree: `keccak256(keccak256(abi.encode(to, firstId, lastId)))`.
    /// @param parcelIds Which parcels of the grant, as many as a transaction can carry.
    /// @param proof From the leaf up; each pair of hashes is hashed in ascending order.
    function claim(Grant calldata grant, uint32[] calldata parcelIds, bytes32[] calldata proof) external;

    /// @notice Lets an account place models on a parcel, but not sell it. Only those may whom ERC-721 lets transfer
    /// the parcel. Ends when the parcel is transferred.
    /// @param operator The account instead of the present one; zero for nobody.
    function setParcelOperator(uint256 id, address operator) external;

    /// @notice The account that may place models on a parcel beside those ERC-721 lets; zero if there is none.
    function parcelOperator(uint256 id) external view returns (address);

    /// @notice How often the parcel was transferred since it was minted, even to the same owner. What was arranged
    /// under a lower number was arranged by an earlier owner.
    function tenure(uint256 id) external view returns (uint96);

    /// @notice Whether an account may place models on a parcel: its owner, the account approved for it, an operator
    /// of its owner, or its own operator. Reverts if there is no such parcel.
    function mayPlaceOn(uint256 id, address account) external view returns (bool);

    /// @notice The world's edges.
    function bounds() external view returns (Bounds memory);

    /// @notice Root of the Merkle tree of grants; zero if there are none.
    function grantRoot() external view returns (bytes32);

    /// @notice The token id of the parcel at (x, y): `((x ^ 0x8000) << 16) | (y ^ 0x8000)` on 16-bit patterns.
    /// @param x Grid column, in parcels from the centre.
    /// @param y Grid row, in parcels from the centre.
    function parcelId(int16 x, int16 y) external pure returns (uint256);

    /// @notice Where the parcel with this token id lies, minted or not, inside the bounds or not. Reverts if the id
    /// is 2^32 or more.
    /// @param id The parcel's token id.
    /// @return x Grid column, in parcels from the centre.
    /// @return y Grid row, in parcels from the centre.
    function coordinates(uint256 id) external pure returns (int16 x, int16 y);
}
