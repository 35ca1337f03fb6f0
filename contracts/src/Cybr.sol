// SPDX-License-Identifier: Apache-2.0
// The currency of the world: what owners stake, pay, are paid in and vote with.
pragma solidity ^0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";

/// @title Cybr
/// @notice ERC-20 whose supply never exceeds a cap, with approval by signature (ERC-2612) and votes (ERC-5805).
contract Cybr is ERC20Capped, ERC20Permit, ERC20Votes, Ownable {
    /// @param owner May mint up to the cap.
    /// @param holder Receives the first supply.
    /// @param supply In the smallest unit, of which 10^18 make one CYBR.
    /// @param cap What the supply never exceeds, in the smallest unit; below 2^208.
    constructor(address owner, address holder, uint256 supply, uint256 cap)
        ERC20("Cybr", "CYBR")
        ERC20Permit("Cybr")
        ERC20Capped(cap)
        Ownable(owner)
    {
        _mint(holder, supply);
    }

    /// @notice Creates more of it, up to the cap. Only the contract's owner may.
    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    /// @notice Votes are counted at points of time and not at blocks, of which some chains make very many.
    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    /// @notice What clock() counts, as ERC-6372 writes it.
    // slither-disable-next-line naming-convention
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @notice How many signatures of this account were used, permits and delegations together.
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Capped, ERC20Votes) {
        super._update(from, to, value);
    }
}
