//! A factory reset: the box is as new and belongs to whoever types its new claim code; disks of
//! their own stay as they are unless the owner asked; and being killed in the middle of it changes
//! nothing.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use system_tests::{
    models::Published,
    seedbox::{DRAIN_LIMIT, PASSWORD, Seedbox, Settings},
    wait::wait_until,
    world::World,
};

const LIMIT: Duration = Duration::from_secs(90);

fn claim_with(seedbox: &Seedbox, code: &str) -> Result<u16> {
    let claim = json!({"code": code, "password": PASSWORD});
    let answer = seedbox
        .admin()
        .send("POST", "/api/v1/claim", &[], Some(&claim))?;
    Ok(answer.status)
}

/// A box with a claim code of its own making, an owner, a wallet and a model on each volume.
fn owned_box(world: &World, settings: &Settings) -> Result<(Seedbox, String, Published)> {
    let seedbox = settings.start()?;
    let code = settings.console("claim-code")?;
    ensure!(claim_with(&seedbox, &code)? == 201, "the code is not taken");
    seedbox.link_wallet(world.owner())?;
    let parcel = world.anvil.mint(world.owner(), 1, 2)?;
    let (model, id) = world.publish_random("mine", 2_000_000)?;
    world.wait_seeding()?;
    world.anvil.place(world.owner(), parcel, id)?;
    let mut seedbox = seedbox;
    seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;
    Ok((seedbox, code, model))
}

fn reset(seedbox: Seedbox, external_volumes: bool) -> Result<Settings> {
    let order = json!({ "external_volumes": external_volumes });
    let answer = seedbox
        .admin()
        .send("POST", "/api/v1/factory-reset", &[], Some(&order))?;
    ensure!(answer.status == 202, "{}", answer.text());
    seedbox.wait_end(DRAIN_LIMIT)
}

fn ensure_as_new(settings: &Settings, old_code: &str) -> Result<Seedbox> {
    let seedbox = settings.start()?;
    let code = settings.console("claim-code")?;
    ensure!(code != old_code, "the claim code is the old one");
    ensure!(claim_with(&seedbox, old_code)? == 403, "the old code works");
    ensure!(claim_with(&seedbox, &code)? == 201, "the new code does not");
    let status = seedbox.status()?;
    ensure!(status["wallets"] == 0, "{status}");
    ensure!(seedbox.torrents()?.is_empty(), "{:?}", seedbox.torrents()?);
    Ok(seedbox)
}

fn torrents_on(volume: &Path) -> usize {
    fs::read_dir(volume.join("torrents")).map_or(0, Iterator::count)
}

fn settings(world: &World) -> Result<Settings> {
    Ok(world.settings()?.without("claim_code"))
}

#[test]
fn the_box_is_as_new() -> Result<()> {
    let world = World::start()?;
    let settings = settings(&world)?;
    let (seedbox, code, _) = owned_box(&world, &settings)?;
    ensure!(
        torrents_on(&settings.volume()) == 1,
        "the model is elsewhere"
    );
    let settings = reset(seedbox, false)?;
    let mut seedbox = ensure_as_new(&settings, &code)?;
    let volumes = seedbox.volumes()?;
    ensure!(volumes.iter().all(|v| v.state == "ready"), "{volumes:?}");
    ensure!(torrents_on(&settings.volume()) == 0, "models are left");
    seedbox.ensure_sound()
}

#[test]
fn a_disk_of_its_own_stays_unless_the_owner_asks() -> Result<()> {
    let world = World::start()?;
    let disk = tempfile::tempdir_in("/dev/shm").context("no second file system")?;
    let volume = disk.path().join("models");
    let settings = settings(&world)?.set("volumes", volume.display().to_string());
    let (seedbox, code, _) = owned_box(&world, &settings)?;
    ensure!(torrents_on(&volume) == 1, "the model is elsewhere");
    let settings = reset(seedbox, false)?;
    let seedbox = ensure_as_new(&settings, &code)?;
    ensure!(torrents_on(&volume) == 1, "the model on the disk is gone");
    let volumes = seedbox.volumes()?;
    ensure!(volumes[0].state == "missing", "{volumes:?}");

    let code = settings.console("claim-code").unwrap_or_default();
    let settings = reset(seedbox, true)?;
    let seedbox = ensure_as_new(&settings, &code)?;
    ensure!(torrents_on(&volume) == 0, "the model on the disk is left");
    ensure!(seedbox.volumes()?[0].state == "ready", "it is not taken");
    Ok(())
}

/// Enough torrents that deleting them takes a while; killed ever later until one start gets
/// through.
#[test]
fn killed_in_the_middle_of_it_the_next_start_finishes() -> Result<()> {
    let world = World::start()?;
    let settings = settings(&world)?;
    let (seedbox, code, _) = owned_box(&world, &settings)?;
    let (settings, _) = seedbox.terminate()?;
    let torrents = settings.volume().join("torrents");
    for index in 0..3000 {
        let folder = torrents.join(format!("{index:040x}"));
        fs::create_dir(&folder)?;
        fs::write(folder.join("0"), vec![1; 4096])?;
    }
    fs::write(settings.data().join("factory-reset"), "{}")?;
    let mut interrupted = 0;
    let mut life = Duration::from_millis(20);
    let started = Instant::now();
    while settings.data().join("factory-reset").exists() {
        ensure!(started.elapsed() < LIMIT, "the reset never ends");
        let before = torrents_on(&settings.volume());
        settings.start_and_kill(life)?;
        let after = torrents_on(&settings.volume());
        interrupted += usize::from(after > 0 && after < before);
        life += Duration::from_millis(10);
    }
    ensure!(
        interrupted > 0,
        "no kill fell into the reset: this shows nothing"
    );
    let mut seedbox = ensure_as_new(&settings, &code)?;
    wait_until("the volume", LIMIT, || {
        let volumes = seedbox.volumes()?;
        ensure!(volumes[0].state == "ready", "{volumes:?}");
        Ok(())
    })?;
    seedbox.ensure_sound()
}
