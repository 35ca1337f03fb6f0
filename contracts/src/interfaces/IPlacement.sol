// SPDX-License-Identifier: Apache-2.0
// What Placement offers. Imports nothing, so that other languages can read the file alone.
pragma solidity ^0.8.37;

/// @title Models standing on parcels
/// @notice Whoever holds a parcel says what stands on it: its owner, the account approved for it, an operator of its
/// owner in ERC-721's sense, or the parcel's own operator. A model whose flags ask for consent is placed with the
/// consent of its owner. A placement stands until it is removed or its parcel changes hands: it belongs to the tenure
/// (ILand) that it was made in.
interface IPlacement {
    /// @notice Where a model stands on its parcel, how it is turned, and how large it is.
    /// @param x Millimetres from the parcel's south-west corner, to the east.
    /// @param y Millimetres from the ground, up.
    /// @param z Millimetres from the parcel's south-west corner, to the north.
    /// @param qx Rotation quaternion's i part times 32,767.
    /// @param qy Rotation quaternion's j part times 32,767.
    /// @param qz Rotation quaternion's k part times 32,767.
    /// @param qw Rotation quaternion's real part times 32,767.
    /// @param scale Size factor times 1,000.
    struct Pose {
        int32 x;
        int32 y;
        int32 z;
        int16 qx;
        int16 qy;
        int16 qz;
        int16 qw;
        uint32 scale;
    }

    /// @notice A model now stands on a parcel, in the parcel's present tenure.
    event Placed(uint256 indexed placementId, uint256 indexed parcelId, uint256 indexed modelId, Pose pose);
    /// @notice A placement has another pose.
    event Moved(uint256 indexed placementId, Pose pose);
    /// @notice A placement is no more. Its id is not used again.
    event Removed(uint256 indexed placementId);

    /// @notice The caller neither owns the parcel nor was let place on it.
    error NotParcelHolder(address caller, uint256 parcelId);
    /// @notice The model's owner lets neither the caller nor the parcel's owner place it.
    error NoConsent(address caller, uint256 modelId);
    /// @notice There is no such placement, or no longer.
    error NoSuchPlacement(uint256 placementId);
    /// @notice The parcel has changed hands since: the placement can only be removed.
    error PlacementEnded(uint256 placementId);
    /// @notice The rotation is the zero quaternion, or the scale is zero.
    error InvalidPose();

    /// @notice Places a model on a parcel. Only the parcel's holder may, and only a model that the caller or the
    /// parcel's owner may place (IModel.mayPlace). Consent taken back later leaves the placement as it is.
    /// @return placementId The new placement's id; ids count up from 1.
    function place(uint256 parcelId, uint256 modelId, Pose calldata pose) external returns (uint256 placementId);

    /// @notice Changes the pose of a placement that stands. Only its parcel's holder may.
    function move(uint256 placementId, Pose calldata pose) external;

    /// @notice Takes a placement away, whether it stands or was left by an earlier owner. Only its parcel's holder
    /// may.
    function remove(uint256 placementId) external;

    /// @notice How many placements were ever made. Their ids are 1 to this number.
    function placementCount() external view returns (uint256);

    /// @notice A placement, whether it stands or was left by an earlier owner. Reverts if there is none.
    function placement(uint256 placementId) external view returns (uint256 parcelId, uint256 modelId, Pose memory pose);

    /// @notice Whether there is such a placement and its parcel did not change hands since it was made.
    function stands(uint256 placementId) external view returns (bool);
}
