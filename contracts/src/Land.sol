// SPDX-License-Identifier: Apache-2.0
// Who owns which parcel. Not enumerable on purpose: a reader gets the list from the events, and keeping it on chain
// too would make each parcel several times as dear.
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

import {ILand} from "./interfaces/ILand.sol";

/// @title Land
contract Land is ILand, ERC721, Ownable {
    /// A signed number with this bit flipped sorts as an unsigned one.
    uint16 private constant SIGN_BIT = 0x8000;

    /// @param owner May mint.
    constructor(address owner) ERC721("Cosmos Land", "LAND") Ownable(owner) {}

    /// @inheritdoc ILand
    function mint(address to, int16 x, int16 y) external onlyOwner returns (uint256 id) {
        id = parcelId(x, y);
        _mint(to, id);
    }

    /// @inheritdoc ILand
    function mintBatch(address to, uint32[] calldata parcelIds) external onlyOwner {
        for (uint256 i = 0; i < parcelIds.length; ++i) {
            _mint(to, parcelIds[i]);
        }
    }

    // Below, casts only take 16-bit patterns apart and put them together: none loses a bit that counts.
    // forge-lint: disable-start(unsafe-typecast)

    /// @inheritdoc ILand
    function parcelId(int16 x, int16 y) public pure returns (uint256) {
        return (uint256(uint16(x) ^ SIGN_BIT) << 16) | (uint16(y) ^ SIGN_BIT);
    }

    /// @inheritdoc ILand
    function coordinates(uint256 id) external pure returns (int16 x, int16 y) {
        if (id > type(uint32).max) revert InvalidParcelId(id);
        x = int16(uint16(id >> 16) ^ SIGN_BIT);
        y = int16(uint16(id) ^ SIGN_BIT);
    }
    // forge-lint: disable-end(unsafe-typecast)
}
