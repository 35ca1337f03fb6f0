// SPDX-License-Identifier: Apache-2.0
// CYBR is neither lost nor made on its way through the contracts, each of which has what it owes.
pragma solidity ^0.8.37;

import {RandomEconomy} from "./RandomEconomy.sol";
import {ReplayTest} from "./ReplayTest.sol";

contract EconomyTest is ReplayTest {
    RandomEconomy private economy;

    function setUp() public {
        economy = new RandomEconomy();
        targetContract(address(economy));
    }

    function invariant_supplyIsWhatEverybodyHas() public view {
        assertEq(economy.total(), economy.cybr().totalSupply());
        assertLe(economy.cybr().totalSupply(), economy.cybr().cap());
    }

    function invariant_contractsHaveWhatTheyOwe() public view {
        assertEq(economy.cybr().balanceOf(address(economy.bounty())), economy.rewards());
        assertEq(economy.cybr().balanceOf(address(economy.registry())), economy.bonds());
        assertEq(economy.cybr().balanceOf(address(economy.pass())), 0);
    }

    function invariant_eventsGiveEverySlotOfTheRegistry() public view {
        assertReplayed(economy.replay(), address(economy.registry()), economy.written());
    }
}
