//! A disk that is not in its place: the box never writes into the empty folder it left, says what
//! is wrong, and goes on when the disk is back.

use std::{fs, path::Path, time::Duration};

use anyhow::{Result, ensure};
use system_tests::{
    aria2::download_and_compare,
    disk::Disk,
    seedbox::Seedbox,
    wait::{hold, wait_until},
    world::World,
};

const LIMIT: Duration = Duration::from_secs(90);

fn ensure_empty(folder: &Path) -> Result<()> {
    let found: Vec<_> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    ensure!(
        found.is_empty(),
        "the box wrote {found:?} where the disk should be"
    );
    Ok(())
}

fn wait_volume(seedbox: &Seedbox, state: &str) -> Result<()> {
    wait_until(&format!("the volume to be {state}"), LIMIT, || {
        let volumes = seedbox.volumes()?;
        ensure!(
            volumes.iter().all(|volume| volume.state == state),
            "{volumes:?}"
        );
        Ok(())
    })
}

#[test]
fn a_disk_that_comes_loose_and_returns() -> Result<()> {
    let world = World::start()?;
    let owner = world.owner();
    let parcel = world.anvil.mint(owner, 2, 1)?;
    let (before, before_id) = world.publish_random("before", 3_000_000)?;
    let (during, during_id) = world.publish_random("during", 2_000_000)?;
    world.wait_seeding()?;
    world.anvil.place(owner, parcel, before_id)?;
    let mut disk = Disk::of(64 << 20)?;
    let settings = world
        .settings()?
        .set("volumes", disk.path().display().to_string())
        .set("quota", "20MB");
    let mut seedbox = world.owners_box(&settings)?;
    seedbox.wait_secured(&before.info_hash, "owned", LIMIT)?;
    ensure!(
        disk.path().join(".seedbox-volume.json").exists(),
        "the volume has no marker"
    );

    let alert = format!("volume-missing:{}", seedbox.volumes()?[0].id);
    disk.unmount()?;
    wait_volume(&seedbox, "missing")?;
    wait_until("the owner to be told", LIMIT, || {
        let alerts = seedbox.alerts()?;
        ensure!(alerts.first() == Some(&alert), "{alerts:?}");
        Ok(())
    })?;
    world.anvil.place(owner, parcel, during_id)?;
    wait_until("the model without a place to be refused", LIMIT, || {
        let refusals = seedbox.refusals()?;
        let ours = refusals
            .iter()
            .find(|refusal| refusal.info_hash == during.info_hash);
        ensure!(
            ours.is_some_and(|refusal| refusal.code == "no-volume"),
            "{refusals:?}"
        );
        Ok(())
    })?;
    hold(
        "the mount point stays empty",
        Duration::from_secs(3),
        || ensure_empty(&disk.path()),
    )?;

    // The same with a box that starts while the disk is away.
    seedbox.terminate()?;
    let mut seedbox = settings.start()?;
    seedbox.sign_in()?;
    wait_volume(&seedbox, "missing")?;
    hold(
        "the mount point stays empty",
        Duration::from_secs(3),
        || ensure_empty(&disk.path()),
    )?;

    disk.mount()?;
    wait_volume(&seedbox, "ready")?;
    wait_until("the owner to be told of it", LIMIT, || {
        let alerts = seedbox.alerts()?;
        ensure!(!alerts.contains(&alert), "{alerts:?}");
        Ok(())
    })?;
    for model in [&before, &during] {
        seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;
        let original = world.publisher.content_of(model);
        download_and_compare(&model.magnet(), &[seedbox.peer_address()], &original, LIMIT)?;
    }
    seedbox.ensure_sound()
}

#[test]
fn a_strange_disk_is_not_taken_for_ours() -> Result<()> {
    let world = World::start()?;
    let mut disk = Disk::of(64 << 20)?;
    let settings = world
        .settings()?
        .set("volumes", disk.path().display().to_string())
        .set("quota", "20MB");
    let seedbox = world.owners_box(&settings)?;
    wait_volume(&seedbox, "ready")?;
    seedbox.terminate()?;

    disk.unmount()?;
    let theirs = disk.path().join("holiday.jpg");
    fs::write(&theirs, "somebody's only copy")?;
    let mut seedbox = settings.start()?;
    seedbox.sign_in()?;
    wait_volume(&seedbox, "missing")?;
    hold(
        "the other disk is left alone",
        Duration::from_secs(3),
        || {
            let found = fs::read_dir(disk.path())?.count();
            ensure!(
                found == 1 && theirs.exists(),
                "there are {found} things on it"
            );
            Ok(())
        },
    )?;
    seedbox.ensure_sound()?;
    fs::remove_file(theirs)?;
    disk.mount()
}
