//! The owner at the panel of an emulated box, by the panel's real port.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use system_tests::{
    http::{Answer, Client},
    qemu::{Machine, STICK, patient},
    seedbox::PASSWORD,
};

/// For whatever the machine has to do but start.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);
/// For an answer that needs no work.
const ANSWER: Duration = Duration::from_secs(20);
/// For writing a slot, and for the start after it.
pub(crate) const UPDATE: Duration = Duration::from_secs(900);

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Owner {
    panel: Client,
}

impl Owner {
    /// Claims a new box.
    pub(crate) fn claim(machine: &Machine, code: &str) -> Result<Self> {
        let panel = machine.panel();
        panel.within(patient(ANSWER)).post(
            "/api/v1/claim",
            &json!({"code": code, "password": PASSWORD}),
        )?;
        Self::sign_in(machine)
    }

    /// Signs in to a box that was claimed.
    pub(crate) fn sign_in(machine: &Machine) -> Result<Self> {
        let panel = machine.panel();
        let asked = panel.within(patient(ANSWER));
        asked.post("/api/v1/session", &json!({"password": PASSWORD}))?;
        Ok(Self { panel })
    }

    /// Links a wallet.
    pub(crate) fn link(&self, wallet: &str) -> Result<()> {
        let body = json!({"address": wallet});
        self.panel.post("/api/v1/wallets", &body).map(drop)
    }

    /// The linked wallets, in small letters.
    pub(crate) fn wallets(&self) -> Result<String> {
        let wallets: Value = self.panel.get("/api/v1/wallets")?;
        Ok(wallets.to_string().to_lowercase())
    }

    /// Takes a torrent in.
    pub(crate) fn accept(&self, magnet: &str) -> Result<()> {
        let body = json!({"magnet": magnet});
        self.panel.post("/api/v1/torrents", &body).map(drop)
    }

    /// What the box holds.
    pub(crate) fn torrents(&self) -> Result<Vec<system_tests::seedbox::Torrent>> {
        let value: Value = self.panel.get("/api/v1/torrents")?;
        Ok(serde_json::from_value(value["torrents"].clone())?)
    }

    /// Says how much the card's volume may hold, bytes.
    pub(crate) fn set_quota(&self, quota: u64) -> Result<()> {
        let volume = &self.status()?["seeder"]["volumes"][0];
        let id = volume["id"].as_str().context("no volume")?;
        let path = format!("/api/v1/volumes/{id}");
        let body = json!({ "quota": quota });
        let answer = self.panel.send("PATCH", &path, &[], Some(&body))?;
        answer.expect_success().map(drop)
    }

    /// How much it may hold, bytes.
    pub(crate) fn quota(&self) -> Result<u64> {
        let volume = &self.status()?["seeder"]["volumes"][0];
        volume["quota"].as_u64().context("no volume")
    }

    /// The status, whole. A question to a machine that starts anew meanwhile is never answered.
    pub(crate) fn status(&self) -> Result<Value> {
        self.panel.within(patient(ANSWER)).get("/api/v1/status")
    }

    /// What it says of updates.
    pub(crate) fn update(&self) -> Result<Value> {
        Ok(self.status()?["update"].clone())
    }

    /// Waits until an update is in `phase`, in `slot`.
    pub(crate) fn wait_update(
        &self,
        machine: &mut Machine,
        phase: &str,
        slot: &str,
    ) -> Result<Value> {
        machine.wait(&format!("an update {phase} in {slot}"), UPDATE, |_| {
            let update = self.update()?;
            let there = update["phase"] == phase && update["slot"] == slot;
            ensure!(there, "{update}");
            Ok(update)
        })
    }

    /// Waits until the box has found a bundle on a stick.
    pub(crate) fn wait_found(&self, machine: &mut Machine, path: &str) -> Result<()> {
        machine.wait("the stick to be seen", LIMIT, |_| {
            let found = self.update()?["found"].to_string();
            ensure!(found.contains(path), "{found}");
            Ok(())
        })
    }

    /// Gives the box a bundle.
    pub(crate) fn upload(&self, bundle: Vec<u8>) -> Result<Answer> {
        let kind = [("content-type", "application/octet-stream")];
        let path = "/api/v1/update/bundle";
        self.panel.send_raw("POST", path, &kind, Some(bundle))
    }

    /// Orders something of the updater.
    pub(crate) fn order(&self, path: &str, body: &Value) -> Result<Answer> {
        let path = format!("/api/v1/update/{path}");
        self.panel.post(&path, body)
    }

    /// Has a bundle taken from a stick, installed, and the machine restarted into it.
    pub(crate) fn install(&self, machine: &mut Machine, name: &str, slot: &str) -> Result<()> {
        let path = stick(machine, name)?;
        self.wait_found(machine, &path)?;
        self.order("fetch", &json!({ "path": path }))?;
        self.wait_update(machine, "verified", slot)?;
        self.order("install", &json!({}))?;
        self.wait_update(machine, "installed", slot)?;
        self.order("restart", &json!({"at": null}))
            .context("the restart")
            .map(drop)
    }

    /// Makes the box as new; models on disks of their own go only with `external_volumes`.
    pub(crate) fn reset(&self, external_volumes: bool) -> Result<()> {
        let body = json!({"external_volumes": external_volumes});
        self.panel.post("/api/v1/factory-reset", &body).map(drop)
    }
}

/// Mounts what `Card::put_stick` laid on the boot partition where a stick would be, and gives the path
/// of one of its files.
pub(crate) fn stick(machine: &mut Machine, name: &str) -> Result<String> {
    machine.wait_shell(&format!(
        "findmnt /media/disk || mount -o loop,ro,umask=022 /boot/firmware/{STICK} /media/disk"
    ))?;
    Ok(format!("/media/disk/{name}"))
}
