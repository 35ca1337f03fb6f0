//! The real `rauc` with two slots that are files, a boot loader that is a script, and a message bus
//! of its own: everything of an updated machine but the machine. Wants root, for loop mounts.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{
    process::{Process, run},
    wait::wait_until,
};

const LIMIT: Duration = Duration::from_secs(20);
const COMPATIBLE: &str = "seedbox-test";
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>custom</type><listen>unix:path=FOLDER/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"#;
const BOOT_LOADER: &str = r#"#!/bin/sh
cd "${0%/*}" || exit 1
case "$1" in
  get-primary) cat primary ;;
  set-primary) echo "$2" > primary ;;
  get-state) cat "state.$2" ;;
  set-state) echo "$3" > "state.$2" ;;
esac
"#;

/// A machine with two slots.
pub struct Machine {
    bus: Option<Process>,
    service: Option<Process>,
    folder: TempDir,
}

/// Who signs a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// Whom the machine trusts.
    Ours,
    /// Somebody else.
    Stranger,
}

impl Machine {
    /// Makes one and starts it from slot `A`.
    ///
    /// # Errors
    /// A program is missing, or this is not root.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("rauc-").tempdir()?;
        let machine = Self {
            bus: None,
            service: None,
            folder,
        };
        for name in ["slot.A", "slot.B"] {
            fs::File::create(machine.path(name))?.set_len(2 << 20)?;
        }
        for folder in ["mount", "run", "bin", "media"] {
            fs::create_dir(machine.path(folder))?;
        }
        for (name, text) in [("primary", "A"), ("state.A", "good"), ("state.B", "good")] {
            fs::write(machine.path(name), text)?;
        }
        let here = machine.folder.path().display().to_string();
        machine.script("boot-loader", BOOT_LOADER)?;
        let front = format!(
            "#!/bin/sh\nDBUS_SYSTEM_BUS_ADDRESS=unix:path={here}/bus exec /usr/bin/rauc --conf {here}/system.conf \"$@\"\n"
        );
        machine.script("bin/rauc", &front)?;
        fs::write(machine.path("bus.conf"), BUS.replace("FOLDER", &here))?;
        for signer in [Signer::Ours, Signer::Stranger] {
            machine.make_key(signer)?;
        }
        fs::write(machine.path("system.conf"), system_conf(&here))?;
        let mut machine = machine;
        let mut bus = Command::new("dbus-daemon");
        bus.arg(format!("--config-file={here}/bus.conf"))
            .arg("--nofork");
        machine.bus = Some(Process::start(&bus, &machine.path("bus.log"))?);
        wait_until("the bus", LIMIT, || {
            ensure!(machine.path("bus").exists(), "no socket");
            Ok(())
        })?;
        machine.boot("A")?;
        Ok(machine)
    }

    fn script(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.path(name), text)?;
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    fn make_key(&self, signer: Signer) -> Result<()> {
        let (key, certificate) = self.key(signer);
        let mut openssl = Command::new("openssl");
        openssl
            .args("req -x509 -newkey rsa:2048 -nodes -days 3650 -subj".split(' '))
            .arg(format!("/CN={signer:?}"))
            .arg("-keyout")
            .arg(key)
            .arg("-out")
            .arg(certificate);
        run(&mut openssl).map(drop)
    }

    fn key(&self, signer: Signer) -> (PathBuf, PathBuf) {
        let path = |end: &str| self.path(&format!("{signer:?}.{end}"));
        (path("key"), path("pem"))
    }

    /// Something in the machine's folder: `slot.B`, `run/restart`, `media`.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `PATH` for a program that is to find this machine's `rauc`.
    pub fn search_path(&self) -> String {
        let rest = std::env::var("PATH").unwrap_or_default();
        format!("{}:{rest}", self.path("bin").display())
    }

    /// Starts the machine, from `slot`: what runs in it is new, and it is another run of it.
    ///
    /// # Errors
    /// `rauc` does not start.
    pub fn boot(&mut self, slot: &str) -> Result<()> {
        self.service = None;
        fs::remove_dir_all(self.path("run"))?;
        fs::create_dir(self.path("run"))?;
        let rauc = self.path("bin/rauc");
        let mut service = Command::new(&rauc);
        service
            .arg(format!("--override-boot-slot={slot}"))
            .arg("service");
        let mut service = Process::start(&service, &self.path("service.log"))?;
        wait_until("rauc", LIMIT, || {
            service.ensure_running()?;
            if let Some(bus) = &mut self.bus {
                bus.ensure_running()?;
            }
            run(Command::new(&rauc).arg("status")).map(drop)
        })?;
        self.service = Some(service);
        Ok(())
    }

    /// A bundle with `version`, whose system is `content`.
    ///
    /// # Errors
    /// `rauc` or mksquashfs is missing.
    pub fn bundle(&self, version: &str, content: &[u8], signer: Signer) -> Result<PathBuf> {
        let inside = tempfile::tempdir()?;
        fs::write(inside.path().join("rootfs.img"), content)?;
        let manifest = format!(
            "[update]\ncompatible={COMPATIBLE}\nversion={version}\ndescription=What is new in {version}\n\
             [bundle]\nformat=plain\n[image.rootfs]\nfilename=rootfs.img\n"
        );
        fs::write(inside.path().join("manifest.raucm"), manifest)?;
        let bundle = self.path(&format!("{version}-{signer:?}.raucb"));
        let (key, certificate) = self.key(signer);
        let mut rauc = Command::new("rauc");
        rauc.arg("--cert").arg(certificate).arg("--key").arg(key);
        rauc.arg("bundle").arg(inside.path()).arg(&bundle);
        run(&mut rauc).context("cannot make a bundle")?;
        Ok(bundle)
    }

    /// Whether a slot begins with `content`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn slot_holds(&self, slot: &str, content: &[u8]) -> Result<bool> {
        let slot = self.path(&format!("slot.{slot}"));
        Ok(fs::read(Path::new(&slot))?.starts_with(content))
    }
}

fn system_conf(here: &str) -> String {
    let slot = |number: u8, name: &str| {
        format!("[slot.rootfs.{number}]\ndevice={here}/slot.{name}\ntype=raw\nbootname={name}\n")
    };
    format!(
        "[system]\ncompatible={COMPATIBLE}\nbootloader=custom\nmountprefix={here}/mount\n\
         statusfile={here}/status\n[keyring]\npath={here}/Ours.pem\n\
         [handlers]\nbootloader-custom-backend={here}/boot-loader\n{}{}",
        slot(0, "A"),
        slot(1, "B")
    )
}
