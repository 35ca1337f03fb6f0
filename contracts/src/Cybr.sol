// SPDX-License-Identifier: Apache-2.0
// The currency of the world: what owners stake, pay and are paid in.
pragma solidity ^0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title Cybr
/// @notice ERC-20 with a fixed supply and approval by signature (ERC-2612).
contract Cybr is ERC20, ERC20Permit {
    /// @param holder Receives the whole supply.
    /// @param supply In the smallest unit, of which 10^18 make one CYBR.
    constructor(address holder, uint256 supply) ERC20("Cybr", "CYBR") ERC20Permit("Cybr") {
        _mint(holder, supply);
    }
}
