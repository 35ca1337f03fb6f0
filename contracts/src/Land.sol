// SPDX-License-Identifier: Apache-2.0
// Who owns which parcel, and who may build there. Not enumerable on purpose: a reader gets the list from the events,
// and keeping it on chain too would make each parcel several times as dear.
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {ILand} from "./interfaces/ILand.sol";

/// @title Land
contract Land is ILand, ERC721, Ownable {
    /// One storage slot, zero until the parcel is first transferred or given an operator.
    struct Parcel {
        address operator;
        uint96 tenure;
    }

    /// A signed number with this bit flipped sorts as an unsigned one.
    uint16 private constant SIGN_BIT = 0x8000;

    int16 private immutable _minX;
    int16 private immutable _maxX;
    int16 private immutable _minY;
    int16 private immutable _maxY;
    bytes32 private immutable _grantRoot;

    mapping(uint256 parcelId => Parcel) private _parcels;

    /// @param owner May mint.
    /// @param world The world's edges.
    /// @param root Root of the Merkle tree of grants; zero if there are none.
    constructor(address owner, Bounds memory world, bytes32 root) ERC721("Cosmos Land", "LAND") Ownable(owner) {
        if (world.minX > world.maxX || world.minY > world.maxY) revert InvalidBounds();
        (_minX, _maxX, _minY, _maxY) = (world.minX, world.maxX, world.minY, world.maxY);
        _grantRoot = root;
    }

    /// @inheritdoc ILand
    function mint(address to, int16 x, int16 y) external onlyOwner returns (uint256 id) {
        id = parcelId(x, y);
        _mintParcel(to, id);
    }

    /// @inheritdoc ILand
    function mintBatch(address to, uint32[] calldata parcelIds) external onlyOwner {
        for (uint256 i = 0; i < parcelIds.length; ++i) {
            _mintParcel(to, parcelIds[i]);
        }
    }

    /// @inheritdoc ILand
    function claim(Grant calldata grant, uint32[] calldata parcelIds, bytes32[] calldata proof) external {
        // Hashed twice, so that a leaf can never pass for the inner node of a tree.
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(grant))));
        if (!MerkleProof.verifyCalldata(proof, _grantRoot, leaf)) revert InvalidProof();

        for (uint256 i = 0; i < parcelIds.length; ++i) {
            uint32 id = parcelIds[i];
            if (id < grant.firstId || id > grant.lastId) revert NotGranted(id);
            // Whoever claims one of these parcels first must not make this transaction fail.
            if (_ownerOf(id) == address(0)) _mintParcel(grant.to, id);
        }
    }

    /// @inheritdoc ILand
    function setParcelOperator(uint256 id, address operator) external {
        _checkAuthorized(_ownerOf(id), msg.sender, id);
        _parcels[id].operator = operator;
        emit ParcelOperatorChanged(id, operator);
    }

    /// @inheritdoc ILand
    function parcelOperator(uint256 id) external view returns (address) {
        return _parcels[id].operator;
    }

    /// @inheritdoc ILand
    function tenure(uint256 id) external view returns (uint96) {
        return _parcels[id].tenure;
    }

    /// @inheritdoc ILand
    function mayPlaceOn(uint256 id, address account) external view returns (bool) {
        if (_isAuthorized(_requireOwned(id), account, id)) return true;
        return account != address(0) && account == _parcels[id].operator;
    }

    /// @inheritdoc ILand
    function bounds() external view returns (Bounds memory) {
        return Bounds(_minX, _maxX, _minY, _maxY);
    }

    /// @inheritdoc ILand
    function grantRoot() external view returns (bytes32) {
        return _grantRoot;
    }

    // Below, casts only take 16-bit patterns apart and put them together: none loses a bit that counts.
    // forge-lint: disable-start(unsafe-typecast)

    /// @inheritdoc ILand
    function parcelId(int16 x, int16 y) public pure returns (uint256) {
        return (uint256(uint16(x) ^ SIGN_BIT) << 16) | (uint16(y) ^ SIGN_BIT);
    }

    /// @inheritdoc ILand
    function coordinates(uint256 id) public pure returns (int16 x, int16 y) {
        if (id > type(uint32).max) revert InvalidParcelId(id);
        x = int16(uint16(id >> 16) ^ SIGN_BIT);
        y = int16(uint16(id) ^ SIGN_BIT);
    }

    // forge-lint: disable-end(unsafe-typecast)

    /// @dev Minting leaves the slot at zero, which saves the price of a slot on every parcel never sold.
    function _update(address to, uint256 id, address auth) internal override returns (address from) {
        from = super._update(to, id, auth);
        if (from != address(0)) _parcels[id] = Parcel(address(0), _parcels[id].tenure + 1);
    }

    function _mintParcel(address to, uint256 id) private {
        (int16 x, int16 y) = coordinates(id);
        if (x < _minX || x > _maxX || y < _minY || y > _maxY) revert OutOfBounds(x, y);
        _mint(to, id);
    }
}
