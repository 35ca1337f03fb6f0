// SPDX-License-Identifier: Apache-2.0
// What a model's gate answers. Imports nothing, so that other languages can read the file alone.
pragma solidity ^0.8.37;

/// @title Who may have a model's content
/// @notice Anyone may write a gate, so whoever asks one asks a stranger: by eth_call, or by a static call with a limit
/// on gas and on what is read of the answer. No answer, or anything but the word 1, means no.
interface IGate {
    /// @notice Whether a user may have the content of a model at this moment.
    function isUnlocked(uint256 modelId, address user) external view returns (bool);
}
