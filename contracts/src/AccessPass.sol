// SPDX-License-Identifier: Apache-2.0
// The standard gate. What a pass is worth is one number in one storage slot, so that a light node proves it by a single
// storage proof and needs to run no code.
pragma solidity ^0.8.37;

import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IAccessPass} from "./interfaces/IAccessPass.sol";
import {IGate} from "./interfaces/IGate.sol";

/// @title AccessPass
/// @dev Holds no CYBR: payments go from the payer to the owner, and CYBR calls neither of them.
contract AccessPass is IAccessPass, IGate {
    using SafeERC20 for IERC20;

    uint256 private constant PARCELS = 1 << 255;

    /// Where passes are paid.
    IERC20 public immutable cybr;
    /// Where parcels are tokens.
    IERC721 public immutable land;
    /// Where models are tokens.
    IERC721 public immutable model;

    /// @inheritdoc IAccessPass
    /// @dev Slot 0, for ever: a pass lies at `keccak256(user ‖ keccak256(subject ‖ 0))`, each padded to 32 bytes, and
    /// is valid while that slot holds a number above the block's timestamp.
    mapping(uint256 subject => mapping(address user => uint256 expiry)) public expiryOf;
    mapping(uint256 subject => Offer) private _offers;

    constructor(IERC20 cybr_, IERC721 land_, IERC721 model_) {
        cybr = cybr_;
        land = land_;
        model = model_;
    }

    /// @inheritdoc IAccessPass
    function setOffer(uint256 subject, Offer calldata offer) external {
        _checkOwner(subject);
        _offers[subject] = offer;
        emit OfferChanged(subject, offer.price, offer.period);
    }

    /// @inheritdoc IAccessPass
    function give(uint256 subject, address user, uint64 expiry) external {
        _checkOwner(subject);
        uint256 present = expiryOf[subject][user];
        if (expiry <= present) revert NotLater(expiry, present);
        _extend(subject, user, 0, expiry);
    }

    /// @inheritdoc IAccessPass
    function buy(uint256 subject, address user, uint32 periods, uint256 maxCost) public {
        Offer memory offer = _offers[subject];
        if (offer.period == 0) revert NotForSale(subject);
        if (periods == 0) revert ZeroPeriods();
        uint256 cost = uint256(offer.price) * periods;
        if (cost > maxCost) revert TooDear(cost, maxCost);

        uint256 start = Math.max(block.timestamp, expiryOf[subject][user]);
        _extend(subject, user, cost, SafeCast.toUint64(start + uint256(offer.period) * periods));
        cybr.safeTransferFrom(msg.sender, _ownerOf(subject), cost);
    }

    /// @inheritdoc IAccessPass
    // CYBR calls nobody: nothing comes between the permit and the purchase.
    // slither-disable-next-line reentrancy-benign,reentrancy-events
    function buyWithPermit(uint256 subject, address user, uint32 periods, uint256 maxCost, Permit calldata permit)
        external
    {
        // Anyone can use the signature first, which then fails here though the approval is there.
        try IERC20Permit(address(cybr))
            .permit(msg.sender, address(this), maxCost, permit.deadline, permit.v, permit.r, permit.s) {}
            catch {}
        buy(subject, user, periods, maxCost);
    }

    /// @inheritdoc IAccessPass
    function offerOf(uint256 subject) external view returns (Offer memory) {
        return _offers[subject];
    }

    /// @inheritdoc IGate
    function isUnlocked(uint256 modelId, address user) external view returns (bool) {
        return expiryOf[modelId][user] > block.timestamp;
    }

    /// @inheritdoc IAccessPass
    function mayEnter(uint256 parcelId, address user) external view returns (bool) {
        return expiryOf[parcelSubject(parcelId)][user] > block.timestamp;
    }

    /// @inheritdoc IAccessPass
    function parcelSubject(uint256 parcelId) public pure returns (uint256) {
        return PARCELS | parcelId;
    }

    function _extend(uint256 subject, address user, uint256 cost, uint64 expiry) private {
        expiryOf[subject][user] = expiry;
        emit PassExtended(subject, user, msg.sender, cost, expiry);
    }

    function _checkOwner(uint256 subject) private view {
        if (_ownerOf(subject) != msg.sender) revert NotSubjectOwner(msg.sender, subject);
    }

    /// @dev Reverts if there is no such token.
    function _ownerOf(uint256 subject) private view returns (address) {
        return subject < PARCELS ? model.ownerOf(subject) : land.ownerOf(subject ^ PARCELS);
    }
}
