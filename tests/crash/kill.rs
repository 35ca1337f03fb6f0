//! Killed at any moment, the box comes back by itself: ready in time, nothing protected lost, no
//! damaged piece served, the quota still true, and nobody has to do anything.
//!
//! `KILLS` says how often; a few by default, fifty in `make kill-bar`.

use std::{env, time::Duration};

use anyhow::{Context, Result, ensure};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use system_tests::{
    aria2::{Aria2, same_content},
    disk::{Disk, Witness},
    models::Published,
    seedbox::{Seedbox, Settings},
    wait::{hold, wait_until},
    world::World,
};

const LIMIT: Duration = Duration::from_secs(120);
const QUOTA: u64 = 30_000_000;

struct Scene {
    world: World,
    protected: Vec<Published>,
    wanted: Vec<Published>,
    random: SmallRng,
}

impl Scene {
    fn new(seed: u64) -> Result<Self> {
        let world = World::start()?;
        let parcel = world.anvil.mint(world.owner(), 1, 1)?;
        let mut protected = Vec::new();
        for index in 0..3 {
            let (model, id) = world.publish_random(&format!("mine {index}"), 2_500_000)?;
            world.anvil.place(world.owner(), parcel, id)?;
            protected.push(model);
        }
        // Twice of what fits beside them, so that there is always something to evict.
        let sizes = [5_000_000, 1_500_000, 7_000_000, 3_000_000, 700_000];
        let wanted = (0..14)
            .map(|index| {
                Ok(world
                    .publish_random(&format!("wanted {index}"), sizes[index % 5])?
                    .0)
            })
            .collect::<Result<_>>()?;
        world.wait_seeding()?;
        // Slow enough that a kill often falls into a download.
        world.publisher.limit_upload(Some(4000))?;
        Ok(Self {
            world,
            protected,
            wanted,
            random: SmallRng::seed_from_u64(seed),
        })
    }

    fn settings(&self, disk: &Disk) -> Result<Settings> {
        let volume = disk.path().display().to_string();
        Ok(self
            .world
            .settings()?
            .set("volumes", volume)
            .set("quota", QUOTA.to_string()))
    }

    /// What the world does to a box at any moment: visitors ask, neighbours build.
    fn disturb(&mut self, seedbox: &Seedbox) -> Result<()> {
        if self.random.random_bool(0.5) {
            let index = self.random.random_range(0..self.wanted.len());
            seedbox.request(&self.wanted[index].info_hash)?;
        }
        if self.random.random_bool(0.2) {
            let (x, y) = (self.random.random(), self.random.random());
            // One that exists already is refused by the chain, which is as well.
            let _ = self.world.anvil.mint(self.world.neighbour(), x, y);
        }
        Ok(())
    }

    /// Lets the box live for a random while under disturbance, then kills it.
    fn live_and_die(&mut self, seedbox: Seedbox) -> Result<Settings> {
        let span = Duration::from_millis(self.random.random_range(0..2500));
        hold("the box lives", span, || self.disturb(&seedbox))?;
        seedbox.kill()
    }

    fn ensure_nothing_lost(&self, seedbox: &Seedbox) -> Result<()> {
        // It need not have read the chain anew to know what is its owner's.
        for model in &self.protected {
            let torrent = seedbox.torrent(&model.info_hash)?;
            ensure!(
                torrent.keep == "owned" && torrent.state != "failed",
                "{torrent:?}"
            );
        }
        Ok(())
    }
}

#[test]
fn killed_again_and_again_it_loses_nothing_and_needs_nobody() -> Result<()> {
    let kills: u32 = env::var("KILLS")
        .map_or(Ok(6), |text| text.parse())
        .context("KILLS")?;
    let seed: u64 = env::var("SEED")
        .map_or(Ok(1), |text| text.parse())
        .context("SEED")?;
    let disk = Disk::of(48 << 20)?;
    let mut scene = Scene::new(seed)?;
    let witness = Witness::watch(&disk.path())?;
    let mut settings = scene.settings(&disk)?;
    let mut seedbox = scene.world.owners_box(&settings)?;
    for model in &scene.protected {
        seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;
    }
    let mut slowest = Duration::ZERO;
    for kill in 1..=kills {
        settings = scene.live_and_die(seedbox)?;
        // Every third one dies again before it is up.
        if kill % 3 == 0 {
            settings.start_and_kill(Duration::from_millis(scene.random.random_range(0..400)))?;
        }
        seedbox = settings
            .start()
            .with_context(|| format!("kill {kill} of seed {seed}"))?;
        slowest = slowest.max(seedbox.wait_ready()?);
        seedbox.sign_in()?;
        scene
            .ensure_nothing_lost(&seedbox)
            .with_context(|| format!("kill {kill}, seed {seed}"))?;
    }

    scene.world.publisher.limit_upload(None)?;
    for model in &scene.protected {
        seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;
    }
    wait_until("every download to end", LIMIT, || {
        let torrents = seedbox.torrents()?;
        let open: Vec<_> = torrents
            .iter()
            .filter(|torrent| !torrent.is_secured())
            .collect();
        ensure!(open.is_empty(), "{open:?}");
        Ok(())
    })?;
    ensure_all_served_whole(&scene, &seedbox)?;
    let evicted = seedbox.status()?["seeder"]["evicted"].as_u64().unwrap_or(0);
    let seen = witness.testimony();
    eprintln!(
        "{kills} kills, seed {seed}: slowest start {slowest:?}, {evicted} evicted, \
         at most {} of {QUOTA} bytes on disk",
        seen.peak
    );
    ensure!(seen.peak <= QUOTA, "the quota was exceeded: {}", seen.peak);
    seedbox.ensure_sound()
}

/// Downloads everything the box says it has, from it alone.
fn ensure_all_served_whole(scene: &Scene, seedbox: &Seedbox) -> Result<()> {
    let publisher = &scene.world.publisher;
    let held = seedbox.torrents()?;
    let held = scene.protected.iter().chain(&scene.wanted).filter(|model| {
        held.iter()
            .any(|torrent| torrent.info_hash == model.info_hash)
    });
    for model in held {
        let torrent = publisher.torrent_of(model);
        let mut aria2 = Aria2::start(&torrent.to_string_lossy(), &[seedbox.peer_address()])?;
        let folder = aria2.wait(LIMIT)?;
        same_content(&folder.join(&model.name), &publisher.content_of(model))?;
        ensure!(
            !aria2.got_a_bad_piece(),
            "{}: a damaged piece was served",
            model.name
        );
    }
    Ok(())
}
