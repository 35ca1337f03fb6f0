// SPDX-License-Identifier: Apache-2.0
// The largest world there can be, for tests that are not about its edges.
pragma solidity ^0.8.37;

import {ILand} from "../src/interfaces/ILand.sol";

function wholeGrid() pure returns (ILand.Bounds memory) {
    return ILand.Bounds(type(int16).min, type(int16).max, type(int16).min, type(int16).max);
}
