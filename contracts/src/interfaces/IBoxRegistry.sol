// SPDX-License-Identifier: Apache-2.0
// What BoxRegistry offers. Imports nothing, so that other languages can read the file alone.
pragma solidity ^0.8.37;

/// @title Boxes that offer themselves to strangers, each with a bond
/// @notice A box is named by the account that pays its bond and by its node key. Anyone can pay for anyone's key, so
/// an entry counts only where the box itself says, signed by its node key, that this account is its operator.
///
/// Never put a home's IP address on chain. An endpoint is a host name, and whatever spells an IP address is refused;
/// that a name does not lead to a home nobody can check here.
interface IBoxRegistry {
    /// @notice A box was added and its bond paid.
    /// @param nodeKey The public key by which other boxes know it.
    /// @param endpoint Host name under which strangers reach it; empty if they cannot.
    event BoxRegistered(address indexed operator, bytes32 indexed nodeKey, string endpoint);
    /// @notice A box is reached under another name, or no longer.
    event EndpointChanged(address indexed operator, bytes32 indexed nodeKey, string endpoint);
    /// @notice A box serves no longer.
    /// @param withdrawableAt The time, in seconds since 1970, from which its bond can be taken back.
    event BoxRetired(address indexed operator, bytes32 indexed nodeKey, uint64 withdrawableAt);
    /// @notice A box's bond was paid back and its entry removed.
    event BoxRemoved(address indexed operator, bytes32 indexed nodeKey);

    /// @notice The node key is zero.
    error ZeroNodeKey();
    /// @notice Not a host name: at least two labels of lower-case letters, digits and hyphens, the last of which
    /// begins with a letter; 253 bytes at most.
    error InvalidEndpoint(string endpoint);
    /// @notice The caller has an entry for this key already.
    error AlreadyRegistered(address operator, bytes32 nodeKey);
    /// @notice The caller has no entry for this key, or has retired it.
    error NotServing(address operator, bytes32 nodeKey);
    /// @notice The caller has no entry for this key that is retired.
    error NotRetired(address operator, bytes32 nodeKey);
    /// @notice The bond cannot be taken back yet.
    error StillBonded(uint64 withdrawableAt);

    /// @notice Adds a box of the caller's and takes its bond, for which the caller has approved this contract.
    function register(bytes32 nodeKey, string calldata endpoint) external;

    /// @notice Changes the name under which a box of the caller's is reached.
    function setEndpoint(bytes32 nodeKey, string calldata endpoint) external;

    /// @notice Ends the service of a box of the caller's. Its bond can be taken back after a delay.
    function retire(bytes32 nodeKey) external;

    /// @notice Pays back the bond of a retired box of the caller's and removes its entry.
    function withdraw(bytes32 nodeKey) external;

    /// @notice Whether a box is registered and not retired.
    function isServing(address operator, bytes32 nodeKey) external view returns (bool);

    /// @notice A box's entry; all zero if there is none. The endpoint itself is in the events.
    /// @return endpointHash Keccak-256 of the endpoint.
    /// @return withdrawableAt From when the bond can be taken back, in seconds since 1970; zero while it serves.
    function box(address operator, bytes32 nodeKey) external view returns (bytes32 endpointHash, uint64 withdrawableAt);
}
