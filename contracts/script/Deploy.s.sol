// SPDX-License-Identifier: Apache-2.0
// Puts the contracts on a chain and writes down where, for everything that reads them.
pragma solidity ^0.8.37;

import {Script} from "forge-std/Script.sol";
import {VmSafe} from "forge-std/Vm.sol";

import {AccessPass} from "../src/AccessPass.sol";
import {Bounty} from "../src/Bounty.sol";
import {BoxRegistry} from "../src/BoxRegistry.sol";
import {Cybr} from "../src/Cybr.sol";
import {CybrGovernor} from "../src/CybrGovernor.sol";
import {Land} from "../src/Land.sol";
import {Model} from "../src/Model.sol";
import {Placement} from "../src/Placement.sol";
import {ILand} from "../src/interfaces/ILand.sol";

/// @title Deployment of all contracts
/// @notice Parameters come from environment variables: those of `_parameters`. On a local devnet each has a default;
/// elsewhere each must be set, since most of them can never be changed. Writes `deployments/<chain id>.json`, or the
/// file that SEEDBOX_DEPLOYMENT_FILE names; a dry run writes nothing.
contract Deploy is Script {
    struct Parameters {
        address owner;
        ILand.Bounds bounds;
        bytes32 grantRoot;
        uint256 supply;
        uint256 cap;
        uint256 bond;
        uint64 bondDelay;
        uint48 votingDelay;
        uint32 votingPeriod;
        uint256 proposalThreshold;
        uint256 quorumPercent;
        uint256 timelockDelay;
    }

    struct Deployment {
        Cybr cybr;
        Land land;
        Model model;
        Placement placement;
        AccessPass accessPass;
        BoxRegistry boxRegistry;
        CybrGovernor governor;
        Bounty bounty;
    }

    /// The chain that anvil makes.
    uint256 public constant DEVNET = 31337;

    function run() external returns (Deployment memory deployed) {
        // The transactions go into blocks after this one: a reader of events starts here and misses none.
        uint256 startBlock = vm.getBlockNumber();

        vm.startBroadcast();
        (, address deployer,) = vm.readCallers();
        deployed = _deploy(_parameters(deployer));
        vm.stopBroadcast();

        if (!vm.isContext(VmSafe.ForgeContext.ScriptDryRun)) _write(deployed, startBlock);
    }

    function _deploy(Parameters memory p) private returns (Deployment memory deployed) {
        Cybr cybr = new Cybr(p.owner, p.owner, p.supply, p.cap);
        Land land = new Land(p.owner, p.bounds, p.grantRoot);
        Model model = new Model();
        CybrGovernor governor = new CybrGovernor(
            cybr, p.votingDelay, p.votingPeriod, p.proposalThreshold, p.quorumPercent, p.timelockDelay
        );
        return Deployment({
            cybr: cybr,
            land: land,
            model: model,
            placement: new Placement(land, model),
            accessPass: new AccessPass(cybr, land, model),
            boxRegistry: new BoxRegistry(cybr, p.bond, p.bondDelay),
            governor: governor,
            bounty: new Bounty(cybr, governor.timelock())
        });
    }

    // Casts that lose bits would show: what was deployed answers these values again.
    // forge-lint: disable-start(unsafe-typecast)
    function _parameters(address deployer) private view returns (Parameters memory p) {
        p.owner = block.chainid == DEVNET ? vm.envOr("SEEDBOX_OWNER", deployer) : vm.envAddress("SEEDBOX_OWNER");
        p.bounds = ILand.Bounds({
            minX: _edge("SEEDBOX_MIN_X", -150),
            maxX: _edge("SEEDBOX_MAX_X", 150),
            minY: _edge("SEEDBOX_MIN_Y", -150),
            maxY: _edge("SEEDBOX_MAX_Y", 150)
        });
        p.grantRoot = bytes32(_number("SEEDBOX_GRANT_ROOT", 0));
        p.supply = _number("SEEDBOX_CYBR_SUPPLY", 1e9 ether);
        p.cap = _number("SEEDBOX_CYBR_CAP", 2e9 ether);
        p.bond = _number("SEEDBOX_BOND", 100 ether);
        p.bondDelay = uint64(_number("SEEDBOX_BOND_DELAY", 7 days));
        p.votingDelay = uint48(_number("SEEDBOX_VOTING_DELAY", 1 days));
        p.votingPeriod = uint32(_number("SEEDBOX_VOTING_PERIOD", 7 days));
        p.proposalThreshold = _number("SEEDBOX_PROPOSAL_THRESHOLD", 1e5 ether);
        p.quorumPercent = _number("SEEDBOX_QUORUM_PERCENT", 4);
        p.timelockDelay = _number("SEEDBOX_TIMELOCK_DELAY", 2 days);
    }

    function _edge(string memory name, int16 onDevnet) private view returns (int16 edge) {
        int256 value = block.chainid == DEVNET ? vm.envOr(name, int256(onDevnet)) : vm.envInt(name);
        edge = int16(value);
        require(edge == value, string.concat(name, " does not fit 16 bits"));
    }
    // forge-lint: disable-end(unsafe-typecast)

    function _number(string memory name, uint256 onDevnet) private view returns (uint256) {
        return block.chainid == DEVNET ? vm.envOr(name, onDevnet) : vm.envUint(name);
    }

    function _write(Deployment memory deployed, uint256 startBlock) private {
        string memory json = "deployment";
        vm.serializeUint(json, "chainId", block.chainid);
        vm.serializeUint(json, "block", startBlock);
        vm.serializeAddress(json, "cybr", address(deployed.cybr));
        vm.serializeAddress(json, "land", address(deployed.land));
        vm.serializeAddress(json, "model", address(deployed.model));
        vm.serializeAddress(json, "placement", address(deployed.placement));
        vm.serializeAddress(json, "accessPass", address(deployed.accessPass));
        vm.serializeAddress(json, "boxRegistry", address(deployed.boxRegistry));
        vm.serializeAddress(json, "governor", address(deployed.governor));
        vm.serializeAddress(json, "timelock", deployed.governor.timelock());
        vm.writeJson(vm.serializeAddress(json, "bounty", address(deployed.bounty)), _file());
    }

    function _file() private view returns (string memory) {
        string memory standard = string.concat("deployments/", vm.toString(block.chainid), ".json");
        return vm.envOr("SEEDBOX_DEPLOYMENT_FILE", standard);
    }
}
