// SPDX-License-Identifier: Apache-2.0
// What Placement offers. Imports nothing, so that other languages can read the file alone.
pragma solidity ^0.8.37;

/// @title Models standing on parcels
/// @notice Whoever holds a parcel says what stands on it: its owner, the account approved for it, or an operator of
/// its owner, in ERC-721's sense. A placement stays when its parcel changes hands, and is then the new owner's.
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

    /// @notice A model now stands on a parcel.
    event Placed(uint256 indexed placementId, uint256 indexed parcelId, uint256 indexed modelId, Pose pose);
    /// @notice A placement has another pose.
    event Moved(uint256 indexed placementId, Pose pose);
    /// @notice A placement is no more. Its id is not used again.
    event Removed(uint256 indexed placementId);

    /// @notice The caller neither owns the parcel nor was approved for it.
    error NotParcelHolder(address caller, uint256 parcelId);
    /// @notice There is no such placement, or no longer.
    error NoSuchPlacement(uint256 placementId);
    /// @notice The rotation is the zero quaternion, or the scale is zero.
    error InvalidPose();

    /// @notice Places a model on a parcel. Only the parcel's holder may; the model may be anyone's.
    /// @return placementId The new placement's id; ids count up from 1.
    function place(uint256 parcelId, uint256 modelId, Pose calldata pose) external returns (uint256 placementId);

    /// @notice Changes a placement's pose. Only its parcel's holder may.
    function move(uint256 placementId, Pose calldata pose) external;

    /// @notice Takes a placement away. Only its parcel's holder may.
    function remove(uint256 placementId) external;

    /// @notice How many placements were ever made. Their ids are 1 to this number.
    function placementCount() external view returns (uint256);

    /// @notice A placement as it stands now. Reverts if there is none.
    function placement(uint256 placementId) external view returns (uint256 parcelId, uint256 modelId, Pose memory pose);
}
