//! Updates by the real `rauc`, ordered through the owner's API of the real box: `make update-test`.

use std::{fs, path::Path, time::Duration};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use system_tests::{
    http::Answer,
    rauc::{Machine, Signer},
    seedbox::{Seedbox, Settings},
    wait::wait_until,
};

const LIMIT: Duration = Duration::from_secs(60);
const RUNNING: &str = env!("CARGO_PKG_VERSION");

fn content(seed: u8) -> Vec<u8> {
    (0..1_000_000u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ seed)
        .collect()
}

fn settings(machine: &Machine) -> Result<Settings> {
    Ok(Settings::new()?
        .set("updates", "rauc")
        .set(
            "update_folders",
            machine.path("media").display().to_string(),
        )
        .with_environment("PATH", machine.search_path())
        .with_environment(
            "RUNTIME_DIRECTORY",
            machine.path("run").display().to_string(),
        ))
}

fn owned_box(machine: &Machine) -> Result<Seedbox> {
    let seedbox = settings(machine)?.start()?;
    seedbox.claim()?;
    wait_phase(&seedbox, "idle")?;
    Ok(seedbox)
}

fn update(seedbox: &Seedbox) -> Result<Value> {
    Ok(seedbox.status()?["update"].clone())
}

/// Waits until an update is there; the slot is known from then on.
fn wait_phase(seedbox: &Seedbox, phase: &str) -> Result<Value> {
    wait_until(&format!("the update to be {phase}"), LIMIT, || {
        let update = update(seedbox)?;
        ensure!(
            update["phase"] == phase && !update["slot"].is_null(),
            "{update}"
        );
        Ok(update)
    })
}

fn upload(seedbox: &Seedbox, bundle: &Path) -> Result<Answer> {
    send(seedbox, fs::read(bundle)?)
}

fn send(seedbox: &Seedbox, bytes: Vec<u8>) -> Result<Answer> {
    let kind = [("content-type", "application/octet-stream")];
    let path = "/api/v1/update/bundle";
    seedbox.admin().send_raw("POST", path, &kind, Some(bytes))
}

fn order(seedbox: &Seedbox, path: &str, body: &Value) -> Result<Answer> {
    let path = format!("/api/v1/update/{path}");
    seedbox.admin().send("POST", &path, &[], Some(body))
}

fn install(seedbox: &Seedbox, bundle: &Path) -> Result<()> {
    let answer = upload(seedbox, bundle)?;
    ensure!(answer.status == 204, "{}", answer.text());
    let verified = wait_phase(seedbox, "verified")?;
    ensure!(verified["bundle"]["downgrade"] == false, "{verified}");
    let answer = order(seedbox, "install", &json!({}))?;
    ensure!(answer.status == 202, "{}", answer.text());
    wait_phase(seedbox, "installed").map(drop)
}

/// The machine restarts; the box is what it was, in `slot`.
fn reboot(machine: &mut Machine, seedbox: Seedbox, slot: &str) -> Result<Seedbox> {
    let (settings, _) = seedbox.terminate()?;
    machine.boot(slot)?;
    let seedbox = settings.start()?;
    seedbox.sign_in()?;
    Ok(seedbox)
}

fn alerts(seedbox: &Seedbox) -> Result<String> {
    Ok(seedbox.status()?["alerts"].to_string())
}

#[test]
fn what_is_not_signed_for_this_box_is_refused_and_leaves_nothing() -> Result<()> {
    let machine = Machine::start()?;
    let mut seedbox = owned_box(&machine)?;
    let good = fs::read(machine.bundle("0.2.0", &content(1), Signer::Ours)?)?;
    let strange = fs::read(machine.bundle("0.2.0", &content(1), Signer::Stranger)?)?;
    let mut altered = good.clone();
    altered[5000] ^= 1;
    for (what, bytes) in [
        ("a stranger's", strange),
        ("a truncated", good[..good.len() / 2].to_vec()),
        ("an altered", altered),
        ("no", b"nothing".to_vec()),
    ] {
        let answer = send(&seedbox, bytes)?;
        ensure!(answer.status == 422, "{what}: {}", answer.text());
        let update = update(&seedbox)?;
        ensure!(update["phase"] == "idle", "{what}: {update}");
        ensure!(update["last"]["result"] == "failed", "{what}: {update}");
        let left = fs::read_dir(seedbox.settings().data().join("updates"))?.count();
        ensure!(left == 0, "{what}: {left} files are left");
    }
    let answer = order(&seedbox, "install", &json!({}))?;
    ensure!(answer.status == 409, "{}", answer.text());
    ensure!(
        send(&seedbox, good)?.status == 204,
        "a good one is not taken"
    );
    let verified = wait_phase(&seedbox, "verified")?;
    ensure!(verified["last"].is_null(), "old news: {verified}");
    seedbox.ensure_sound()
}

#[test]
fn a_good_one_is_installed_tried_and_confirmed() -> Result<()> {
    let mut machine = Machine::start()?;
    let seedbox = owned_box(&machine)?;
    let before = update(&seedbox)?;
    ensure!(
        before["version"] == RUNNING && before["slot"] == "A",
        "{before}"
    );
    let bundle = machine.bundle("0.2.0", &content(2), Signer::Ours)?;
    install(&seedbox, &bundle)?;
    ensure!(
        machine.slot_holds("B", &content(2))?,
        "slot B is not written"
    );
    ensure!(alerts(&seedbox)?.contains("update-waits"), "nobody is told");

    let later = json!({ "at": 4_000_000_000u64 });
    ensure!(order(&seedbox, "restart", &later)?.status == 409, "in 2096");
    ensure!(!machine.path("run/restart").exists(), "it restarts unasked");
    ensure!(order(&seedbox, "restart", &json!({ "at": null }))?.status == 202);
    ensure!(machine.path("run/restart").exists(), "nobody restarts it");

    let mut seedbox = reboot(&mut machine, seedbox, "B")?;
    let trying = wait_phase(&seedbox, "trying")?;
    ensure!(trying["slot"] == "B", "{trying}");
    fs::write(machine.path("run/confirmed"), "")?;
    let confirmed = wait_phase(&seedbox, "idle")?;
    ensure!(confirmed["last"]["result"] == "confirmed", "{confirmed}");
    ensure!(
        !alerts(&seedbox)?.contains("update-"),
        "{}",
        alerts(&seedbox)?
    );
    seedbox.ensure_sound()
}

#[test]
fn one_that_does_not_work_is_reported_once_the_box_is_back() -> Result<()> {
    let mut machine = Machine::start()?;
    let seedbox = owned_box(&machine)?;
    let bundle = machine.bundle("0.2.0", &content(3), Signer::Ours)?;
    install(&seedbox, &bundle)?;
    let reason = seedbox.settings().data().join("updates/failed");
    fs::write(reason, "the box was not ready within 3 minutes\n")?;
    let mut seedbox = reboot(&mut machine, seedbox, "A")?;
    let back = wait_phase(&seedbox, "idle")?;
    let last = &back["last"];
    ensure!(
        last["result"] == "rolled-back" && last["version"] == "0.2.0",
        "{back}"
    );
    ensure!(
        last["reason"] == "the box was not ready within 3 minutes",
        "{back}"
    );
    wait_until("the alert", LIMIT, || {
        let alerts = alerts(&seedbox)?;
        ensure!(alerts.contains("update-rolled-back"), "{alerts}");
        Ok(())
    })?;
    seedbox.ensure_sound()
}

#[test]
fn an_older_one_wants_the_owners_word_and_a_stick_will_do() -> Result<()> {
    let machine = Machine::start()?;
    let mut seedbox = owned_box(&machine)?;
    let bundle = machine.bundle("0.0.9", &content(4), Signer::Ours)?;
    let stick = machine.path("media/stick");
    fs::create_dir(&stick)?;
    fs::copy(bundle, stick.join("old.raucb"))?;
    let found = wait_until("the stick to be seen", LIMIT, || {
        let update = update(&seedbox)?;
        ensure!(update["found"][0]["path"].is_string(), "{update}");
        Ok(update["found"][0].clone())
    })?;
    let elsewhere = json!({ "path": "/etc/passwd" });
    ensure!(order(&seedbox, "fetch", &elsewhere)?.status == 404);
    let answer = order(&seedbox, "fetch", &json!({ "path": found["path"] }))?;
    ensure!(answer.status == 204, "{}", answer.text());
    // What was taken in is the box's own: the stick may go.
    fs::remove_dir_all(stick)?;
    let verified = wait_phase(&seedbox, "verified")?;
    ensure!(verified["bundle"]["downgrade"] == true, "{verified}");
    let answer = order(&seedbox, "install", &json!({}))?;
    ensure!(answer.status == 409, "{}", answer.text());
    ensure!(!machine.slot_holds("B", &content(4))?, "it was installed");
    let answer = order(&seedbox, "install", &json!({ "allow_downgrade": true }))?;
    ensure!(answer.status == 202, "{}", answer.text());
    wait_phase(&seedbox, "installed")?;
    ensure!(
        machine.slot_holds("B", &content(4))?,
        "slot B is not written"
    );
    seedbox.ensure_sound()
}
