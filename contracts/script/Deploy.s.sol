// SPDX-License-Identifier: Apache-2.0
// Puts the contracts on a chain and writes down where, for everything that reads them.
pragma solidity ^0.8.37;

import {Script} from "forge-std/Script.sol";
import {VmSafe} from "forge-std/Vm.sol";

import {Cybr} from "../src/Cybr.sol";
import {Land} from "../src/Land.sol";
import {Model} from "../src/Model.sol";
import {Placement} from "../src/Placement.sol";
import {ILand} from "../src/interfaces/ILand.sol";

/// @title Deployment of all contracts
/// @notice The deploying account owns Land and holds all Cybr. Writes `deployments/<chain id>.json`, or the file
/// that SEEDBOX_DEPLOYMENT_FILE names; a dry run writes nothing.
contract Deploy is Script {
    /// A thousand million, in the smallest unit.
    uint256 public constant CYBR_SUPPLY = 1e9 ether;

    function run() external returns (Cybr cybr, Land land, Model model, Placement placement) {
        // The transactions go into blocks after this one: a reader of events starts here and misses none.
        uint256 startBlock = vm.getBlockNumber();

        vm.startBroadcast();
        (, address deployer,) = vm.readCallers();
        cybr = new Cybr(deployer, CYBR_SUPPLY);
        land = new Land(deployer, ILand.Bounds(type(int16).min, type(int16).max, type(int16).min, type(int16).max), 0);
        model = new Model();
        placement = new Placement(land, model);
        vm.stopBroadcast();

        if (!vm.isContext(VmSafe.ForgeContext.ScriptDryRun)) {
            string memory json = "deployment";
            vm.serializeUint(json, "chainId", block.chainid);
            vm.serializeUint(json, "block", startBlock);
            vm.serializeAddress(json, "cybr", address(cybr));
            vm.serializeAddress(json, "land", address(land));
            vm.serializeAddress(json, "model", address(model));
            vm.writeJson(vm.serializeAddress(json, "placement", address(placement)), _file());
        }
    }

    function _file() private view returns (string memory) {
        string memory standard = string.concat("deployments/", vm.toString(block.chainid), ".json");
        return vm.envOr("SEEDBOX_DEPLOYMENT_FILE", standard);
    }
}
