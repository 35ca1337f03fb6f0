//! A disk of the owner's at the USB port: in, out while it is in use, in again; at last the box is
//! given away, and what it kept on the disk is deleted.

use std::{fs::File, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use system_tests::{
    process::run,
    qemu::{Card, Machine, START_LIMIT},
};

use crate::owner::{LIMIT, Owner};

const MOUNTED: &str = "/media/disk";
const MARKER: &str = ".seedbox-volume.json";

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
    let id = wait_volume(&mut machine, &owner, "ready")?;
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
    // The card has not taken what was meant for the disk.
    let left = machine.wait_shell(&format!("ls -A {MOUNTED}; findmnt {MOUNTED} || true"))?;
    ensure!(left.is_empty(), "{left}");
    println!("pulled out, it is missed, and nothing lies in its place");

    plug(&machine, &disk)?;
    let again = wait_volume(&mut machine, &owner, "ready")?;
    ensure!(again == id, "another volume");
    machine.wait("the alert to be over", LIMIT, |_| {
        let alerts = owner.status()?["alerts"].to_string();
        ensure!(!alerts.contains("volume-missing"), "{alerts}");
        Ok(())
    })?;
    println!("plugged in again, it goes on");

    owner.reset(true)?;
    machine.wait("a new claim code", START_LIMIT, |machine| {
        ensure!(machine.shown_code()? != code, "the old one");
        Ok(())
    })?;
    machine.cut_power()?;
    // What is in its journal belongs to it; repairs end with another status than none.
    let _ = run(Command::new("e2fsck").args(["-f", "-y"]).arg(&disk));
    let left = run(Command::new("debugfs").args(["-R", "ls -l /"]).arg(&disk))?;
    ensure!(left.contains("lost+found"), "no list: {left}");
    ensure!(!left.contains(MARKER), "it is a volume still: {left}");
    println!("made as new, the box has left nothing on the disk");
    Ok(())
}

/// The disk's identity, which its marker has, and its state, as the panel says.
fn volume(owner: &Owner) -> Result<(String, String)> {
    let status = owner.status()?;
    let volumes = status["seeder"]["volumes"].as_array().context("none")?;
    let disk = volumes.iter().find(|volume| volume["path"] == MOUNTED);
    let disk = disk.context("the disk is no volume")?;
    Ok((
        disk["id"].to_string(),
        disk["state"].as_str().unwrap_or_default().to_owned(),
    ))
}

/// Waits until the disk is in a state; gives its identity.
fn wait_volume(machine: &mut Machine, owner: &Owner, state: &str) -> Result<String> {
    machine.wait(&format!("the disk to be {state}"), LIMIT, |_| {
        let (id, is) = volume(owner)?;
        ensure!(is == state, "it is {is}");
        Ok(id)
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
