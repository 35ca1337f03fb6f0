//! Data that rots on disk is never given to others: it is noticed, fetched again, and then whole.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use system_tests::{
    aria2::{Aria2, Seeder, download_and_compare, same_content},
    damage::{Trace, damage_a_tenth},
    models::Published,
    seedbox::{Seedbox, Settings},
    wait::wait_until,
    world::World,
};

const LIMIT: Duration = Duration::from_secs(90);
const SIZE: u64 = 12_000_000;

struct Scene {
    seeder: Option<Seeder>,
    world: World,
    settings: Settings,
    model: Published,
    file: PathBuf,
}

/// A box that holds a model of its owner's.
fn scene() -> Result<(Scene, Seedbox)> {
    let mut world = World::start()?;
    let parcel = world.anvil.mint(world.owner(), 4, 4)?;
    let (model, id) = world.publish_random("it will rot", SIZE)?;
    world.anvil.place(world.owner(), parcel, id)?;
    world.wait_seeding()?;
    let settings = world.settings()?;
    let mut seedbox = world.owners_box(&settings)?;
    seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;
    let file = settings
        .volume()
        .join("torrents")
        .join(&model.info_hash)
        .join("0");
    // Transmission never again gives a byte to an address that was complete once.
    world.publisher.stop();
    let torrent = world.publisher.torrent_of(&model);
    let seeder = Seeder::start(&torrent, &world.publisher.content(), &world.tracker)?;
    wait_until("the other seeder", LIMIT, || {
        let peers = world.tracker.peers(&model.info_hash);
        let us = seedbox.peer_address().port();
        let there = peers
            .iter()
            .any(|(peer, left)| peer.port() != us && *left == 0);
        ensure!(there, "{peers:?}");
        Ok(())
    })?;
    Ok((
        Scene {
            seeder: Some(seeder),
            world,
            settings,
            model,
            file,
        },
        seedbox,
    ))
}

impl Scene {
    fn damage(&self, trace: Trace) -> Result<u64> {
        damage_a_tenth(
            &self.file,
            &self.world.publisher.torrent_of(&self.model),
            trace,
        )
    }

    fn download(&self, seedbox: &Seedbox) -> Result<()> {
        let publisher = &self.world.publisher;
        let torrent = publisher.torrent_of(&self.model);
        let original = publisher.content_of(&self.model);
        let peers = [seedbox.peer_address()];
        download_and_compare(&torrent.to_string_lossy(), &peers, &original, LIMIT)
            .with_context(|| seedbox.log())
    }

    fn wait_repaired(&self, seedbox: &mut Seedbox, damaged: u64) -> Result<()> {
        wait_until("the content to be whole again", LIMIT, || {
            same_content(&self.file, &self.world.publisher.content_of(&self.model))
        })?;
        seedbox.wait_secured(&self.model.info_hash, "owned", LIMIT)?;
        let told = seedbox.status()?["seeder"]["repaired_pieces"].as_u64();
        ensure!(
            told == Some(damaged),
            "{damaged} pieces were damaged, the box tells of {told:?}"
        );
        seedbox.ensure_sound()
    }
}

#[test]
fn damage_done_while_the_box_was_off_is_not_served_and_is_repaired() -> Result<()> {
    let (scene, seedbox) = scene()?;
    let (settings, _) = seedbox.terminate()?;
    let damaged = scene.damage(Trace::None)?;
    let mut seedbox = settings.start()?;
    seedbox.sign_in()?;
    scene.download(&seedbox)?;
    scene.wait_repaired(&mut seedbox, damaged)
}

#[test]
fn damage_done_while_the_box_serves_is_not_served_and_is_repaired() -> Result<()> {
    let (scene, mut seedbox) = scene()?;
    // Every piece has been read and found good once.
    scene.download(&seedbox)?;
    let damaged = scene.damage(Trace::Visible)?;
    scene.download(&seedbox)?;
    scene.wait_repaired(&mut seedbox, damaged)
}

#[test]
fn with_nobody_to_repair_from_the_damage_is_still_not_served() -> Result<()> {
    let (mut scene, seedbox) = scene()?;
    seedbox.terminate()?;
    scene.damage(Trace::None)?;
    scene.seeder = None;
    let mut seedbox = scene.settings.start()?;
    seedbox.sign_in()?;
    let torrent = scene.world.publisher.torrent_of(&scene.model);
    let mut aria2 = Aria2::start(&torrent.to_string_lossy(), &[seedbox.peer_address()])?;
    wait_until("the damage to be noticed", LIMIT, || {
        let torrent = seedbox.torrent(&scene.model.info_hash)?;
        ensure!(torrent.have < torrent.size, "{torrent:?}");
        Ok(())
    })?;
    ensure!(
        aria2.wait(Duration::from_secs(5)).is_err(),
        "aria2 completed without a whole source"
    );
    ensure!(!aria2.got_a_bad_piece(), "the box gave out a damaged piece");
    seedbox.ensure_sound()
}
