// SPDX-License-Identifier: Apache-2.0
// Runs the deployment script and reads its file as a box does.
pragma solidity ^0.8.37;

import {Test} from "forge-std/Test.sol";

import {Deploy} from "../script/Deploy.s.sol";
import {Cybr} from "../src/Cybr.sol";
import {Land} from "../src/Land.sol";
import {Model} from "../src/Model.sol";
import {Placement} from "../src/Placement.sol";

contract DeployTest is Test {
    string private constant FILE = "cache/test/deployment.json";

    function test_deploysAndWritesDownWhere() public {
        vm.createDir("cache/test", true);
        vm.setEnv("SEEDBOX_DEPLOYMENT_FILE", FILE);
        vm.roll(1234);
        vm.chainId(4321);
        Deploy deploy = new Deploy();
        (Cybr cybr, Land land, Model model, Placement placement) = deploy.run();

        string memory json = vm.readFile(FILE);
        assertEq(vm.parseJsonUint(json, ".chainId"), 4321);
        assertEq(vm.parseJsonUint(json, ".block"), 1234);
        assertEq(vm.parseJsonAddress(json, ".cybr"), address(cybr));
        assertEq(vm.parseJsonAddress(json, ".land"), address(land));
        assertEq(vm.parseJsonAddress(json, ".model"), address(model));
        assertEq(vm.parseJsonAddress(json, ".placement"), address(placement));

        assertEq(cybr.balanceOf(land.owner()), deploy.CYBR_SUPPLY());
        assertEq(cybr.totalSupply(), deploy.CYBR_SUPPLY());
        assertEq(address(placement.land()), address(land));
        assertEq(address(placement.model()), address(model));
        assertEq(model.modelCount(), 0);

        vm.removeFile(FILE);
    }
}
