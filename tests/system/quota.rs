//! The quota is true: on a small real disk, with five times as much wanted as fits, the bytes
//! that the file system counts never exceed it, and hardly any of it is left empty. Every "no"
//! says why. What stands on the owner's land is never evicted.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use system_tests::{
    disk::{Disk, Witness},
    models::Published,
    seedbox::Seedbox,
    wait::wait_until,
    world::World,
};

const MEGABYTE: u64 = 1_000_000;
const QUOTA: u64 = 200 * MEGABYTE;
const DEMAND: u64 = 1000 * MEGABYTE;
/// Models of 3 MB that are wanted when all the others were answered.
const SMALL: usize = 12;
const LIMIT: Duration = Duration::from_secs(240);

/// One gigabyte in models from 3 to 48 MB.
fn demand(world: &World) -> Result<Vec<Published>> {
    let sizes = [45, 16, 30, 3, 48, 24, 9, 40, 20, 38, 12, 5];
    let mut models: Vec<Published> = Vec::new();
    let mut sum = 0;
    while sum < DEMAND {
        let size = sizes[models.len() % sizes.len()] * MEGABYTE + models.len() as u64 * 1001;
        models.push(
            world
                .publish_random(&format!("wanted {}", models.len()), size)?
                .0,
        );
        sum += size;
    }
    Ok(models)
}

/// Asks for a model as a visitor does, who waits if there are too many of them.
fn request(seedbox: &Seedbox, model: &Published) -> Result<u16> {
    wait_until("the box to hear a visitor", LIMIT, || {
        let answer = seedbox.request(&model.info_hash)?;
        ensure!(answer.status != 429, "{}", answer.text());
        Ok(answer.status)
    })
}

/// Waits until every request was answered by a torrent, an eviction or a refusal.
fn wait_answered(seedbox: &mut Seedbox, asked: usize) -> Result<()> {
    wait_until("every request to be answered", LIMIT, || {
        let torrents = seedbox.torrents()?;
        let busy = torrents
            .iter()
            .filter(|torrent| !torrent.is_secured())
            .count();
        ensure!(busy == 0, "{busy} torrents are on their way");
        let refused = seedbox.refusals()?.len() as u64;
        let evicted = seedbox.status()?["seeder"]["evicted"].as_u64().unwrap_or(0);
        let answered = torrents.len() as u64 + evicted + refused;
        ensure!(
            answered >= asked as u64,
            "{answered} of {asked} ({evicted} evicted, {refused} refused)"
        );
        Ok(())
    })
}

#[test]
fn one_gigabyte_wanted_on_a_200_megabyte_volume() -> Result<()> {
    let world = World::start()?;
    let owner = world.owner();
    let disk = Disk::of(256 << 20)?;
    let parcel = world.anvil.mint(owner, 5, 5)?;
    let mut mine = Vec::new();
    for index in 0..3 {
        let (model, id) = world.publish_random(&format!("mine {index}"), 12 * MEGABYTE)?;
        world.anvil.place(owner, parcel, id)?;
        mine.push(model);
    }
    let (too_large, _) = world.publish_random("too large", 60 * MEGABYTE)?;
    let wanted = demand(&world)?;
    let small = (0..SMALL)
        .map(|index| {
            Ok(world
                .publish_random(&format!("small {index}"), 3 * MEGABYTE)?
                .0)
        })
        .collect::<Result<Vec<_>>>()?;
    world.wait_seeding()?;
    let volume = disk.path().join("volume");
    fs::create_dir(&volume)?;
    let witness = Witness::watch(&volume)?;
    let settings = world
        .settings()?
        .set("volumes", volume.display().to_string())
        .set("quota", QUOTA.to_string())
        .set("reserve", "1MB");
    let mut seedbox = world.owners_box(&settings)?;
    for model in &mine {
        seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;
    }

    let started = Instant::now();
    request(&seedbox, &too_large)?;
    for model in &wanted {
        request(&seedbox, model)?;
    }
    wait_answered(&mut seedbox, mine.len() + wanted.len() + 1)?;
    // Demand goes on, for small things now: what is still empty gets filled.
    for model in &small {
        request(&seedbox, model)?;
    }
    wait_answered(&mut seedbox, mine.len() + wanted.len() + small.len() + 1)?;

    let seen = witness.testimony();
    let evicted = seedbox.status()?["seeder"]["evicted"].as_u64().unwrap_or(0);
    let refusals = seedbox.refusals()?;
    eprintln!(
        "quota {QUOTA}: on disk at most {} ({:.1} %), at the end {} ({:.1} %), in {} samples on {:?}; \
         {} models of {} MB wanted in {:?}, {evicted} evicted, {} refused",
        seen.peak,
        percent(seen.peak),
        seen.last,
        percent(seen.last),
        seen.samples,
        disk.kind(),
        wanted.len(),
        DEMAND / MEGABYTE,
        started.elapsed(),
        refusals.len(),
    );
    ensure!(
        seen.peak <= QUOTA,
        "the quota was exceeded: {} > {QUOTA}",
        seen.peak
    );
    ensure!(
        seen.last * 100 >= QUOTA * 95,
        "only {:.1} % filled",
        percent(seen.last)
    );
    ensure!(evicted > 0, "nothing had to go, so the test shows nothing");
    for refusal in &refusals {
        ensure!(
            !refusal.detail.is_empty() && !refusal.code.is_empty(),
            "{refusal:?}"
        );
        ensure!(!refusal.protected, "{refusal:?}");
    }
    let reason = refusals
        .iter()
        .find(|refusal| refusal.info_hash == too_large.info_hash);
    ensure!(
        reason.is_some_and(|r| r.code == "too-large-for-cache"),
        "{refusals:?}"
    );
    for model in &mine {
        let torrent = seedbox.torrent(&model.info_hash)?;
        ensure!(
            torrent.is_secured() && torrent.keep == "owned",
            "{torrent:?}"
        );
    }
    seedbox.ensure_sound()
}

#[allow(clippy::cast_precision_loss)]
fn percent(bytes: u64) -> f64 {
    100.0 * bytes as f64 / QUOTA as f64
}

#[test]
fn owned_data_beyond_the_quota_is_refused_with_an_alert_and_fetched_once_there_is_room()
-> Result<()> {
    let world = World::start()?;
    let owner = world.owner();
    let parcel = world.anvil.mint(owner, 6, 6)?;
    let (fits, fits_id) = world.publish_random("fits", 6 * MEGABYTE)?;
    let (beyond, beyond_id) = world.publish_random("beyond", 7 * MEGABYTE)?;
    world.wait_seeding()?;
    world.anvil.place(owner, parcel, fits_id)?;
    let settings = world.settings()?.set("quota", "10MB");
    let mut seedbox = world.owners_box(&settings)?;
    seedbox.wait_secured(&fits.info_hash, "owned", LIMIT)?;
    world.anvil.place(owner, parcel, beyond_id)?;
    wait_until("the alert", Duration::from_secs(60), || {
        let refusals = seedbox.refusals()?;
        let alert = refusals
            .iter()
            .find(|refusal| refusal.info_hash == beyond.info_hash);
        ensure!(
            alert.is_some_and(|r| r.protected && r.code == "quota-full"),
            "{refusals:?}"
        );
        ensure!(
            seedbox.status()?["seeder"]["health"] == "attention",
            "nobody is told"
        );
        Ok(())
    })?;
    ensure!(
        seedbox.torrent(&fits.info_hash)?.is_secured(),
        "something owned made way"
    );

    let (_, _) = seedbox.terminate()?;
    let mut seedbox = settings.set("quota", "20MB").start()?;
    seedbox.sign_in()?;
    seedbox.wait_secured(&beyond.info_hash, "owned", LIMIT)?;
    seedbox.ensure_sound()
}
