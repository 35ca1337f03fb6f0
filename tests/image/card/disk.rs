//! A disk of the owner's at the USB port: in, out while it is in use, in again.

use std::{fs::File, path::Path, process::Command};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use system_tests::{
    process::run,
    qemu::{Card, Machine},
};

use crate::owner::{LIMIT, Owner};

const MOUNTED: &str = "/media/disk";

#[test]
fn a_disk_comes_goes_and_comes_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let disk = folder.path().join("disk");
    File::create(&disk)?.set_len(256 << 20)?;
    run(Command::new("mkfs.ext4")
        .args(["-q", "-L", "SEEDBOX-DISK"])
        .arg(&disk))?;
    let card = Card::flash()?;
    let mut machine = card.start(&[])?;
    machine.wait_panel()?;
    let code = machine.claim_code()?;
    let owner = Owner::claim(&machine, &code)?;
    ensure!(volume(&owner).is_err(), "there is a disk already");

    plug(&machine, &disk)?;
    // The box starts anew with it.
    wait_volume(&mut machine, &owner, "ready")?;
    let alerts = owner.status()?["alerts"].to_string();
    ensure!(!alerts.contains("volume-missing"), "{alerts}");
    println!("plugged in, the disk is a volume");

    unplug(&mut machine)?;
    wait_volume(&mut machine, &owner, "missing")?;
    machine.wait("the owner to be told", LIMIT, |_| {
        let alerts = owner.status()?["alerts"].to_string();
        ensure!(alerts.contains("volume-missing"), "{alerts}");
        Ok(())
    })?;
    marked(&disk)?;
    // The card has not taken what was meant for the disk.
    let left = machine.wait_shell(&format!("ls -A {MOUNTED}; findmnt {MOUNTED} || true"))?;
    ensure!(left.is_empty(), "{left}");
    println!("pulled out, it is missed, and nothing lies in its place");

    plug(&machine, &disk)?;
    wait_volume(&mut machine, &owner, "ready")?;
    machine.wait("the alert to be over", LIMIT, |_| {
        let alerts = owner.status()?["alerts"].to_string();
        ensure!(!alerts.contains("volume-missing"), "{alerts}");
        Ok(())
    })?;
    println!("plugged in again, it goes on");
    Ok(())
}

/// What the panel says of the disk.
fn volume(owner: &Owner) -> Result<String> {
    let status = owner.status()?;
    let volumes = status["seeder"]["volumes"].as_array().context("none")?;
    let disk = volumes.iter().find(|volume| volume["path"] == MOUNTED);
    let state = disk.context("the disk is no volume")?["state"].as_str();
    Ok(state.context("no state")?.to_owned())
}

fn wait_volume(machine: &mut Machine, owner: &Owner, state: &str) -> Result<()> {
    machine.wait(&format!("the disk to be {state}"), LIMIT, |_| {
        let is = volume(owner)?;
        ensure!(is == state, "it is {is}");
        Ok(())
    })
}

fn plug(machine: &Machine, disk: &Path) -> Result<()> {
    let file = json!({"driver": "file", "filename": disk.display().to_string()});
    let drive = json!({"driver": "raw", "node-name": "stick", "file": file});
    machine.qmp("blockdev-add", &drive)?;
    machine.plug(&json!({"driver": "usb-storage", "drive": "stick", "id": "stick"}))
}

fn unplug(machine: &mut Machine) -> Result<()> {
    machine.qmp("device_del", &json!({"id": "stick"}))?;
    machine.wait("the disk to be out", LIMIT, |machine| {
        let drive = json!({"node-name": "stick"});
        machine.qmp("blockdev-del", &drive).map(drop)
    })
}

/// Whether the box has written its marker on a disk.
fn marked(disk: &Path) -> Result<()> {
    let said = run(Command::new("debugfs").args(["-R", "ls -p /"]).arg(disk))?;
    if !said.contains(".seedbox-volume.json") {
        bail!("there is {said}");
    }
    Ok(())
}
