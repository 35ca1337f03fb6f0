// SPDX-License-Identifier: Apache-2.0
// Ties the two other tokens together: which models stand on which land. What a box seeds for its owner follows from it.
pragma solidity ^0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {IPlacement} from "./interfaces/IPlacement.sol";

/// @title Placement
contract Placement is IPlacement {
    /// Two storage slots: the ids share one, the pose has one. Land's ids fit 32 bits, Model's count up from 1.
    struct Entry {
        uint32 parcelId;
        uint224 modelId;
        Pose pose;
    }

    /// Where parcels are tokens.
    IERC721 public immutable land;
    /// Where models are tokens.
    IERC721 public immutable model;

    /// @inheritdoc IPlacement
    uint256 public placementCount;
    mapping(uint256 placementId => Entry) private _entries;

    constructor(IERC721 land_, IERC721 model_) {
        land = land_;
        model = model_;
    }

    /// @inheritdoc IPlacement
    function place(uint256 parcelId, uint256 modelId, Pose calldata pose) external returns (uint256 placementId) {
        _checkHolder(parcelId);
        model.ownerOf(modelId); // reverts if there is no such model
        _checkPose(pose);

        placementId = ++placementCount;
        // Only existing tokens get here, and their ids fit.
        // forge-lint: disable-next-line(unsafe-typecast)
        _entries[placementId] = Entry(uint32(parcelId), uint224(modelId), pose);
        emit Placed(placementId, parcelId, modelId, pose);
    }

    /// @inheritdoc IPlacement
    function move(uint256 placementId, Pose calldata pose) external {
        _checkHolder(_entry(placementId).parcelId);
        _checkPose(pose);

        _entries[placementId].pose = pose;
        emit Moved(placementId, pose);
    }

    /// @inheritdoc IPlacement
    function remove(uint256 placementId) external {
        _checkHolder(_entry(placementId).parcelId);

        delete _entries[placementId];
        emit Removed(placementId);
    }

    /// @inheritdoc IPlacement
    function placement(uint256 placementId)
        external
        view
        returns (uint256 parcelId, uint256 modelId, Pose memory pose)
    {
        Entry storage entry = _entry(placementId);
        return (entry.parcelId, entry.modelId, entry.pose);
    }

    function _entry(uint256 placementId) private view returns (Entry storage entry) {
        entry = _entries[placementId];
        if (entry.modelId == 0) revert NoSuchPlacement(placementId);
    }

    function _checkHolder(uint256 parcelId) private view {
        address owner = land.ownerOf(parcelId); // reverts if there is no such parcel
        bool holds =
            msg.sender == owner || msg.sender == land.getApproved(parcelId) || land.isApprovedForAll(owner, msg.sender);
        if (!holds) revert NotParcelHolder(msg.sender, parcelId);
    }

    function _checkPose(Pose calldata pose) private pure {
        bool rotates = pose.qx != 0 || pose.qy != 0 || pose.qz != 0 || pose.qw != 0;
        if (!rotates || pose.scale == 0) revert InvalidPose();
    }
}
