// SPDX-License-Identifier: Apache-2.0
// Ties the two other tokens together: which models stand on which land. What a box seeds for its owner follows from it.
pragma solidity ^0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

import {ILand} from "./interfaces/ILand.sol";
import {IModel} from "./interfaces/IModel.sol";
import {IPlacement} from "./interfaces/IPlacement.sol";

/// @title Placement
contract Placement is IPlacement {
    /// Two storage slots: the first three share one, the pose has one. Land's ids fit 32 bits, Model's count up
    /// from 1.
    struct Entry {
        uint32 parcelId;
        uint96 tenure;
        uint128 modelId;
        Pose pose;
    }

    /// Where parcels are tokens.
    ILand public immutable land;
    /// Where models are tokens.
    IModel public immutable model;

    /// @inheritdoc IPlacement
    uint256 public placementCount;
    mapping(uint256 placementId => Entry) private _entries;

    constructor(ILand land_, IModel model_) {
        land = land_;
        model = model_;
    }

    /// @inheritdoc IPlacement
    function place(uint256 parcelId, uint256 modelId, Pose calldata pose) external returns (uint256 placementId) {
        _checkHolder(parcelId);
        _checkConsent(parcelId, modelId);
        _checkPose(pose);

        placementId = ++placementCount;
        // Only existing tokens get here, and their ids fit.
        // forge-lint: disable-next-line(unsafe-typecast)
        _entries[placementId] = Entry(uint32(parcelId), land.tenure(parcelId), uint128(modelId), pose);
        emit Placed(placementId, parcelId, modelId, pose);
    }

    /// @inheritdoc IPlacement
    function move(uint256 placementId, Pose calldata pose) external {
        _checkHolder(_entry(placementId).parcelId);
        if (!stands(placementId)) revert PlacementEnded(placementId);
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

    /// @inheritdoc IPlacement
    function stands(uint256 placementId) public view returns (bool) {
        Entry storage entry = _entries[placementId];
        return entry.modelId != 0 && entry.tenure == land.tenure(entry.parcelId);
    }

    function _entry(uint256 placementId) private view returns (Entry storage entry) {
        entry = _entries[placementId];
        if (entry.modelId == 0) revert NoSuchPlacement(placementId);
    }

    function _checkHolder(uint256 parcelId) private view {
        if (!land.mayPlaceOn(parcelId, msg.sender)) revert NotParcelHolder(msg.sender, parcelId);
    }

    /// @dev The owner's consent is also the consent of whoever places on its behalf.
    function _checkConsent(uint256 parcelId, uint256 modelId) private view {
        if (model.mayPlace(modelId, msg.sender)) return;
        if (!model.mayPlace(modelId, IERC721(address(land)).ownerOf(parcelId))) revert NoConsent(msg.sender, modelId);
    }

    function _checkPose(Pose calldata pose) private pure {
        bool rotates = pose.qx != 0 || pose.qy != 0 || pose.qz != 0 || pose.qw != 0;
        if (!rotates || pose.scale == 0) revert InvalidPose();
    }
}
