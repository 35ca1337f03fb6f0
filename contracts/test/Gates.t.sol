// SPDX-License-Identifier: Apache-2.0
// How to ask a gate that a stranger wrote: statically, with little gas, and reading one word. What a box does by
// eth_call is written down here as a program, and hostile gates try it.
pragma solidity ^0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Test} from "forge-std/Test.sol";

import {
    DirtyGate,
    FickleGate,
    GasBombGate,
    ReentrantGate,
    ReturndataBombGate,
    RevertingGate,
    SilentGate
} from "./HostileGates.sol";
import {wholeGrid} from "./WholeGrid.sol";
import {AccessPass} from "../src/AccessPass.sol";
import {Cybr} from "../src/Cybr.sol";
import {Land} from "../src/Land.sol";
import {Model} from "../src/Model.sol";
import {IAccessPass} from "../src/interfaces/IAccessPass.sol";
import {IGate} from "../src/interfaces/IGate.sol";
import {IModel} from "../src/interfaces/IModel.sol";

contract GatesTest is Test {
    uint256 private constant GAS_LIMIT = 100_000;

    address private user = makeAddr("user");
    Model private model = new Model();
    AccessPass private pass =
        new AccessPass(IERC20(new Cybr(address(this), user, 1, 1)), new Land(address(this), wholeGrid(), 0), model);

    function setUp() public {
        model.publish(address(this), IModel.ModelData(hex"01", 0, 1, address(0), "tree", ""));
        pass.setOffer(1, IAccessPass.Offer(0, 1 days));
    }

    function test_standardGateIsUnderstood() public {
        assertFalse(_ask(address(pass)));
        pass.buy(1, user, 1, 0);
        assertTrue(_ask(address(pass)));
    }

    function test_hostileGatesAreANo() public {
        _assertNo(address(new RevertingGate()));
        _assertNo(address(new GasBombGate()));
        _assertNo(address(new ReturndataBombGate()));
        _assertNo(address(new DirtyGate()));
        _assertNo(address(new SilentGate()));
        _assertNo(user); // no contract
    }

    function test_askedGateChangesNothing() public {
        ReentrantGate gate = new ReentrantGate(pass);
        _assertNo(address(gate));
        assertEq(pass.expiryOf(1, user), 0);
        // Were it called as it wishes, it would.
        assertTrue(gate.isUnlocked(1, user));
        assertTrue(pass.isUnlocked(1, user));
    }

    function test_answersHoldForTheirBlockAlone() public {
        FickleGate gate = new FickleGate();
        vm.roll(2);
        assertTrue(_ask(address(gate)));
        vm.roll(3);
        assertFalse(_ask(address(gate)));
    }

    /// A gate that nobody ever calls cannot stop its model from being published, moved or sold.
    function test_contractsNeverCallGates() public {
        address gate = address(new GasBombGate());
        vm.expectCall(gate, "", 0);
        uint256 id = model.publish(address(this), IModel.ModelData(hex"02", 0, 1, gate, "trap", ""));
        model.setGate(id, gate);
        assertTrue(model.mayPlace(id, user));
        model.tokenURI(id);
        model.transferFrom(address(this), user, id);
    }

    function _assertNo(address gate) private view {
        uint256 before = gasleft();
        assertFalse(_ask(gate));
        assertLt(before - gasleft(), GAS_LIMIT + 20_000);
    }

    function _ask(address gate) private view returns (bool) {
        bytes memory question = abi.encodeCall(IGate.isUnlocked, (1, user));
        bool success;
        uint256 length;
        uint256 answer;
        assembly ("memory-safe") {
            success := staticcall(GAS_LIMIT, gate, add(question, 32), mload(question), 0, 32)
            length := returndatasize()
            answer := mload(0)
        }
        return success && length == 32 && answer == 1;
    }
}
