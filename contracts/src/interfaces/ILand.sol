// SPDX-License-Identifier: Apache-2.0
// What Land adds to ERC-721. Imports nothing, so that other languages can read the file alone.
pragma solidity ^0.8.37;

/// @title Parcels of land on a grid
/// @notice A parcel's token id is made from its coordinates alone, so neither has to be looked up from the other.
/// Ids rise with x, then with y, and are below 2^32.
interface ILand {
    /// @notice No parcel has this token id.
    error InvalidParcelId(uint256 parcelId);

    /// @notice Creates the parcel at (x, y). Only the contract's owner may.
    /// @param to The parcel's first owner.
    /// @param x Grid column, in parcels from the centre.
    /// @param y Grid row, in parcels from the centre.
    /// @return parcelId The parcel's token id.
    function mint(address to, int16 x, int16 y) external returns (uint256 parcelId);

    /// @notice Creates many parcels. Only the contract's owner may.
    /// @param to The parcels' first owner.
    /// @param parcelIds Their token ids.
    function mintBatch(address to, uint32[] calldata parcelIds) external;

    /// @notice The token id of the parcel at (x, y): `((x ^ 0x8000) << 16) | (y ^ 0x8000)` on 16-bit patterns.
    /// @param x Grid column, in parcels from the centre.
    /// @param y Grid row, in parcels from the centre.
    function parcelId(int16 x, int16 y) external pure returns (uint256);

    /// @notice Where the parcel with this token id lies, minted or not. Reverts if the id is 2^32 or more.
    /// @param id The parcel's token id.
    /// @return x Grid column, in parcels from the centre.
    /// @return y Grid row, in parcels from the centre.
    function coordinates(uint256 id) external pure returns (int16 x, int16 y);
}
