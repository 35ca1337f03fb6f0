//! Killed at any moment, the box comes back by itself: ready in time, nothing protected lost, no
//! damaged piece served, the quota still true, and nobody has to do anything.
//!
//! `KILLS` says how often, `SEED` repeats a run; `make kill-bar` kills fifty times.

use std::{env, str::FromStr, time::Duration};

use anyhow::{Result, ensure};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use system_tests::{
    aria2::download_and_compare,
    disk::{Disk, Witness},
    models::Published,
    seedbox::{Seedbox, Settings},
    wait::{hold, wait_until},
    world::World,
};

const LIMIT: Duration = Duration::from_secs(120);
const QUOTA: u64 = 60_000_000;
/// Longest time between start and kill, in milliseconds.
const LONGEST_LIFE: u64 = 3000;

struct Scene {
    world: World,
    protected: Vec<Published>,
    wanted: Vec<Published>,
    random: SmallRng,
    _neighbours_box: Seedbox,
}

impl Scene {
    fn new(seed: u64) -> Result<Self> {
        let world = World::start()?;
        let parcel = world.anvil.mint(world.owner(), 1, 1)?;
        let mut protected = Vec::new();
        for index in 0..3 {
            let (model, id) = world.publish_random(&format!("mine {index}"), 4_000_000)?;
            world.anvil.place(world.owner(), parcel, id)?;
            protected.push(model);
        }
        // Several times what fits beside them, so that there is always something to evict.
        let sizes = [11_000_000, 4_500_000, 14_000_000, 9_000_000, 2_700_000];
        let wanted: Vec<Published> = (0..15)
            .map(|index| {
                Ok(world
                    .publish_random(&format!("wanted {index}"), sizes[index % 5])?
                    .0)
            })
            .collect::<Result<_>>()?;
        world.wait_seeding()?;
        let all: Vec<Published> = protected.iter().chain(&wanted).cloned().collect();
        let neighbours_box = world.neighbours_box(&all)?;
        let random = SmallRng::seed_from_u64(seed);
        Ok(Self {
            world,
            protected,
            wanted,
            random,
            _neighbours_box: neighbours_box,
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
        if self.random.random_bool(0.2) {
            let index = self.random.random_range(0..self.wanted.len());
            seedbox.request(&self.wanted[index].info_hash)?;
        }
        if self.random.random_bool(0.2) {
            let (x, y) = (self.random.random(), self.random.random());
            // A parcel that exists already is refused by the chain, which is as well.
            let _ = self.world.anvil.mint(self.world.neighbour(), x, y);
        }
        Ok(())
    }

    /// Lets the box live for a random while under disturbance, then kills it; gives how many
    /// torrents were on their way in.
    fn live_and_die(&mut self, seedbox: Seedbox) -> Result<(Settings, usize)> {
        let span = Duration::from_millis(self.random.random_range(0..LONGEST_LIFE));
        hold("the box lives", span, || self.disturb(&seedbox))?;
        let under_way = seedbox
            .torrents()?
            .iter()
            .filter(|torrent| !torrent.is_secured())
            .count();
        Ok((seedbox.kill()?, under_way))
    }

    /// From the first moment on: it need not read the chain anew to know what is its owner's.
    fn ensure_nothing_lost(&self, seedbox: &Seedbox) -> Result<()> {
        for model in &self.protected {
            let torrent = seedbox.torrent(&model.info_hash)?;
            ensure!(
                torrent.keep == "owned" && torrent.state != "failed",
                "{torrent:?}"
            );
        }
        Ok(())
    }

    /// Downloads everything the box says it has, from it alone.
    fn ensure_all_served_whole(&self, seedbox: &Seedbox) -> Result<usize> {
        let publisher = &self.world.publisher;
        let held = seedbox.torrents()?;
        let is_held = |model: &&Published| held.iter().any(|t| t.info_hash == model.info_hash);
        let mut served = 0;
        for model in self.protected.iter().chain(&self.wanted).filter(is_held) {
            let torrent = publisher.torrent_of(model);
            let peers = [seedbox.peer_address()];
            let original = publisher.content_of(model);
            download_and_compare(&torrent.to_string_lossy(), &peers, &original, LIMIT)?;
            served += 1;
        }
        Ok(served)
    }
}

fn number<T: FromStr>(variable: &str, default: T) -> T {
    env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

#[test]
fn killed_again_and_again_it_loses_nothing_and_needs_nobody() -> Result<()> {
    let (kills, seed) = (number("KILLS", 6), number("SEED", 1));
    let disk = Disk::of(96 << 20)?;
    let mut scene = Scene::new(seed)?;
    let witness = Witness::watch(&disk.path())?;
    let mut settings = scene.settings(&disk)?;
    let mut seedbox = scene.world.owners_box(&settings)?;
    for model in &scene.protected {
        seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;
    }
    let (mut slowest, mut in_downloads, mut evicted) = (Duration::ZERO, 0, 0);
    for kill in 1..=kills {
        let under_way;
        (settings, under_way) = scene.live_and_die(seedbox)?;
        in_downloads += usize::from(under_way > 0);
        // Every third one dies again before it is up.
        if kill % 3 == 0 {
            let life = scene.random.random_range(0..400);
            settings.start_and_kill(Duration::from_millis(life))?;
        }
        seedbox = settings.start()?;
        slowest = slowest.max(seedbox.wait_ready()?);
        seedbox.sign_in()?;
        scene.ensure_nothing_lost(&seedbox)?;
        evicted = seedbox.status()?["seeder"]["evicted"].as_u64().unwrap_or(0);
        eprintln!(
            "kill {kill} of seed {seed}: {under_way} torrents under way, {evicted} evicted so far"
        );
    }

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
    let served = scene.ensure_all_served_whole(&seedbox)?;
    let seen = witness.testimony();
    eprintln!(
        "{kills} kills, {in_downloads} of them in a download; slowest start {slowest:?}; \
         {evicted} evicted; {served} torrents served whole afterwards; \
         at most {} of {QUOTA} bytes on disk in {} samples",
        seen.peak, seen.samples
    );
    ensure!(seen.peak <= QUOTA, "the quota was exceeded: {}", seen.peak);
    ensure!(
        kills < 6 || in_downloads > 0,
        "no kill fell into a download: the test shows nothing"
    );
    seedbox.ensure_sound()
}
