// SPDX-License-Identifier: Apache-2.0
// Runs the deployment script and reads its file as a box does.
pragma solidity ^0.8.37;

import {Test} from "forge-std/Test.sol";

import {Deploy} from "../script/Deploy.s.sol";
import {ILand} from "../src/interfaces/ILand.sol";

contract DeployTest is Test {
    string private constant FILE = "cache/test/deployment.json";

    /// In one test, because all tests have the same environment.
    function test_deploysWithDefaultsOnADevnetAloneAndWritesDownWhere() public {
        vm.createDir("cache/test", true);
        vm.setEnv("SEEDBOX_DEPLOYMENT_FILE", FILE);
        Deploy deploy = new Deploy();

        vm.roll(1234);
        vm.chainId(deploy.DEVNET());
        Deploy.Deployment memory local = deploy.run();
        _assertWritten(local, 1234);
        assertEq(abi.encode(local.land.bounds()), abi.encode(ILand.Bounds(-150, 150, -150, 150)));
        assertEq(local.cybr.balanceOf(local.land.owner()), 1e9 ether);
        _assertConnected(local);

        vm.chainId(4321);
        vm.expectRevert();
        deploy.run();
        vm.stopBroadcast();

        _setParameters();
        Deploy.Deployment memory named = deploy.run();
        _assertWritten(named, 1234);
        _assertConnected(named);
        assertEq(named.land.owner(), address(0x5eed));
        assertEq(named.cybr.owner(), address(0x5eed));
        assertEq(abi.encode(named.land.bounds()), abi.encode(ILand.Bounds(-9, 8, -7, 6)));
        assertEq(named.land.grantRoot(), bytes32(uint256(0xabc)));
        assertEq(named.cybr.balanceOf(address(0x5eed)), 1000);
        assertEq(named.cybr.cap(), 2000);
        assertEq(named.boxRegistry.bond(), 10);
        assertEq(named.boxRegistry.withdrawalDelay(), 11);
        assertEq(named.governor.votingDelay(), 12);
        assertEq(named.governor.votingPeriod(), 13);
        assertEq(named.governor.proposalThreshold(), 14);
        assertEq(named.governor.quorumNumerator(), 15);

        vm.setEnv("SEEDBOX_MIN_X", "-40000");
        vm.expectRevert("SEEDBOX_MIN_X does not fit 16 bits");
        deploy.run();
        vm.removeFile(FILE);
    }

    function _setParameters() private {
        vm.setEnv("SEEDBOX_OWNER", vm.toString(address(0x5eed)));
        vm.setEnv("SEEDBOX_MIN_X", "-9");
        vm.setEnv("SEEDBOX_MAX_X", "8");
        vm.setEnv("SEEDBOX_MIN_Y", "-7");
        vm.setEnv("SEEDBOX_MAX_Y", "6");
        vm.setEnv("SEEDBOX_GRANT_ROOT", vm.toString(bytes32(uint256(0xabc))));
        vm.setEnv("SEEDBOX_CYBR_SUPPLY", "1000");
        vm.setEnv("SEEDBOX_CYBR_CAP", "2000");
        vm.setEnv("SEEDBOX_BOND", "10");
        vm.setEnv("SEEDBOX_BOND_DELAY", "11");
        vm.setEnv("SEEDBOX_VOTING_DELAY", "12");
        vm.setEnv("SEEDBOX_VOTING_PERIOD", "13");
        vm.setEnv("SEEDBOX_PROPOSAL_THRESHOLD", "14");
        vm.setEnv("SEEDBOX_QUORUM_PERCENT", "15");
        vm.setEnv("SEEDBOX_TIMELOCK_DELAY", "16");
    }

    function _assertWritten(Deploy.Deployment memory deployed, uint256 startBlock) private view {
        string memory json = vm.readFile(FILE);
        assertEq(vm.parseJsonUint(json, ".chainId"), block.chainid);
        assertEq(vm.parseJsonUint(json, ".block"), startBlock);
        assertEq(vm.parseJsonAddress(json, ".cybr"), address(deployed.cybr));
        assertEq(vm.parseJsonAddress(json, ".land"), address(deployed.land));
        assertEq(vm.parseJsonAddress(json, ".model"), address(deployed.model));
        assertEq(vm.parseJsonAddress(json, ".placement"), address(deployed.placement));
        assertEq(vm.parseJsonAddress(json, ".accessPass"), address(deployed.accessPass));
        assertEq(vm.parseJsonAddress(json, ".boxRegistry"), address(deployed.boxRegistry));
        assertEq(vm.parseJsonAddress(json, ".governor"), address(deployed.governor));
        assertEq(vm.parseJsonAddress(json, ".timelock"), deployed.governor.timelock());
        assertEq(vm.parseJsonAddress(json, ".bounty"), address(deployed.bounty));
    }

    function _assertConnected(Deploy.Deployment memory deployed) private view {
        assertEq(address(deployed.placement.land()), address(deployed.land));
        assertEq(address(deployed.placement.model()), address(deployed.model));
        assertEq(address(deployed.accessPass.cybr()), address(deployed.cybr));
        assertEq(address(deployed.accessPass.land()), address(deployed.land));
        assertEq(address(deployed.accessPass.model()), address(deployed.model));
        assertEq(address(deployed.boxRegistry.cybr()), address(deployed.cybr));
        assertEq(address(deployed.governor.token()), address(deployed.cybr));
        assertEq(address(deployed.bounty.cybr()), address(deployed.cybr));
        assertEq(deployed.bounty.arbiter(), deployed.governor.timelock());
    }
}
