//! A disk of the owner's at the USB port: in, out while it is in use, in again. The emulated machine
//! has one port, and behind a hub its network gets nothing; so network and disk take turns there, and
//! what the panel says meanwhile is written down in the machine.

use std::{fs::File, path::Path, process::Command, time::Duration};

use anyhow::{Result, bail, ensure};
use serde_json::json;
use system_tests::{
    process::run,
    qemu::{Card, Machine, patient},
    seedbox::PASSWORD,
};

use crate::owner::{LIMIT, Owner};

/// Longer than the box takes to look at its volumes, and the system to notice a disk.
const WHILE: Duration = Duration::from_secs(45);
const WATCH: &str = "/run/volumes";

#[test]
fn a_disk_comes_goes_and_comes_again() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let disk = folder.path().join("disk");
    File::create(&disk)?.set_len(256 << 20)?;
    run(Command::new("mkfs.ext4")
        .args(["-q", "-L", "SEEDBOX-DISK"])
        .arg(&disk))?;
    let card = Card::flash()?;
    let stick = format!(
        "driver=raw,node-name=stick,file.driver=file,file.filename={}",
        disk.display()
    );
    let mut machine = card.start(&["-blockdev", &stick])?;
    machine.wait_panel()?;
    let code = machine.claim_code()?;
    Owner::claim(&machine, &code)?;
    watch(&mut machine)?;

    unplug(&machine, "nic")?;
    plug_disk(&machine)?;
    machine.wait("the box to mark the disk as its own", LIMIT, |_| {
        marked(&disk)
    })?;
    // Time for the box to start anew with it, and to be seen.
    machine.hold(patient(WHILE))?;
    unplug(&machine, "stick")?;
    machine.hold(patient(WHILE))?;
    plug_disk(&machine)?;
    machine.hold(patient(WHILE))?;
    unplug(&machine, "stick")?;
    machine.plug(&json!({"driver": "usb-net", "netdev": "net", "id": "nic"}))?;

    let said = machine.wait_shell(&format!("cat {WATCH}"))?;
    let mut states: Vec<&str> = said
        .lines()
        .filter_map(|line| ["ready", "missing"].into_iter().find(|s| line.contains(s)))
        .collect();
    states.dedup();
    println!("what the panel said of the disk: {states:?}");
    ensure!(
        states.starts_with(&["ready", "missing", "ready"]),
        "{states:?} in\n{said}"
    );
    let owner = Owner::sign_in(&machine)?;
    machine.wait("the owner to be told", LIMIT, |_| {
        let alerts = owner.status()?["alerts"].to_string();
        ensure!(alerts.contains("volume-missing"), "{alerts}");
        Ok(())
    })?;
    // The card has not taken what was meant for the disk.
    let left = machine.shell("ls -A /media/disk; findmnt /media/disk || true")?;
    ensure!(left.is_empty(), "{left}");
    Ok(())
}

/// Writes down in the machine what the panel says of the disk, every other second.
fn watch(machine: &mut Machine) -> Result<()> {
    let script = format!(
        r#"ask="busybox wget -q -O -"
cookie=$(busybox wget -q -S -O /dev/null --header "Content-Type: application/json" --post-data '{{"password":"{PASSWORD}"}}' http://127.0.0.1/api/v1/session 2>&1 | sed -n "s/.*[Ss]et-[Cc]ookie: \([^;]*\).*/\1/p")
while sleep 2; do $ask --header "Cookie: $cookie" http://127.0.0.1/api/v1/status | tr "{{" "\n" | grep /media/disk >> {WATCH}; done
"#
    );
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), script)?;
    machine.wait_shell("true")?;
    machine.upload(file.path(), "/run/watch")?;
    machine
        .shell("systemd-run --quiet --unit=watch sh /run/watch")
        .map(drop)
}

fn plug_disk(machine: &Machine) -> Result<()> {
    machine.plug(&json!({"driver": "usb-storage", "drive": "stick", "id": "stick"}))
}

fn unplug(machine: &Machine, id: &str) -> Result<()> {
    machine.qmp("device_del", &json!({"id": id})).map(drop)
}

/// Whether the box has written its marker on a disk.
fn marked(disk: &Path) -> Result<()> {
    let said = run(Command::new("debugfs").args(["-R", "ls -p /"]).arg(disk))?;
    if !said.contains(".seedbox-volume.json") {
        bail!("there is {said}");
    }
    Ok(())
}
