// SPDX-License-Identifier: Apache-2.0
// Gates that a stranger might write. None of our contracts calls a gate; a box asks them by eth_call, and these are
// for its tests too: gates 1 to 6 must count as a no, within the limits on gas and answer.
pragma solidity ^0.8.37;

import {IAccessPass} from "../src/interfaces/IAccessPass.sol";
import {IGate} from "../src/interfaces/IGate.sol";

/// Refuses to answer, at length.
contract RevertingGate is IGate {
    function isUnlocked(uint256, address) external pure returns (bool) {
        revert(string(new bytes(10_000)));
    }
}

/// Takes all the gas there is.
contract GasBombGate is IGate {
    function isUnlocked(uint256, address) external view returns (bool) {
        for (uint256 i = 0; gasleft() != 0; ++i) {}
        return true;
    }
}

/// Answers with a megabyte that begins like a yes.
contract ReturndataBombGate {
    function isUnlocked(uint256, address) external pure {
        assembly ("memory-safe") {
            mstore(0, 1)
            return(0, 1000000)
        }
    }
}

/// Answers with a word that is neither 0 nor 1.
contract DirtyGate {
    function isUnlocked(uint256, address) external pure returns (uint256) {
        return 2;
    }
}

/// Answers nothing.
contract SilentGate {
    fallback() external {}
}

/// Uses the question to change something: here, to buy itself a pass.
contract ReentrantGate {
    IAccessPass private immutable _PASS;

    constructor(IAccessPass pass) {
        _PASS = pass;
    }

    function isUnlocked(uint256 modelId, address user) external returns (bool) {
        _PASS.buy(modelId, user, 1, type(uint256).max);
        return true;
    }
}

/// Says yes now and no later: an honest gate may do so too, so no answer may be kept for long.
contract FickleGate is IGate {
    function isUnlocked(uint256, address) external view returns (bool) {
        return block.number % 2 == 0;
    }
}
