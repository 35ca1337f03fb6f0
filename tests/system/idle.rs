//! What a box costs that has nothing to do: a hundred torrents held and offered to others. It
//! means something only for the binary that is shipped, so it exists only in release builds.
#![cfg(not(debug_assertions))]

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use system_tests::{
    wait::{hold, wait_until},
    world::World,
};

const TORRENTS: usize = 100;
const LIMIT: Duration = Duration::from_secs(600);
const RESIDENT_LIMIT: u64 = 60 << 20;
const IDLE: Duration = Duration::from_secs(30);

#[test]
fn a_hundred_torrents_in_60_mebibytes() -> Result<()> {
    let world = World::start()?;
    let owner = world.owner();
    let parcel = world.anvil.mint(owner, 7, 7)?;
    for index in 0..TORRENTS {
        let (_, id) = world.publish_random(&format!("small {index}"), 40_000)?;
        world.anvil.place(owner, parcel, id)?;
    }
    world.wait_seeding()?;
    let mut seedbox = world.owners_box(&world.settings()?)?;
    wait_until("a hundred torrents", LIMIT, || {
        let secured = seedbox
            .torrents()?
            .iter()
            .filter(|torrent| torrent.is_secured())
            .count();
        ensure!(secured == TORRENTS, "{secured}");
        Ok(())
    })?;
    let (started, before) = (Instant::now(), seedbox.usage()?);
    hold("the box stays small", IDLE, || {
        let resident = seedbox.usage()?.resident;
        ensure!(resident <= RESIDENT_LIMIT, "{resident} bytes are resident");
        Ok(())
    })?;
    let after = seedbox.usage()?;
    let processor = (after.cpu_seconds - before.cpu_seconds) / started.elapsed().as_secs_f64();
    eprintln!(
        "{TORRENTS} torrents: {} MiB resident (peak {} MiB), {:.2} % of one processor",
        after.resident >> 20,
        after.peak_resident >> 20,
        processor * 100.0
    );
    seedbox.ensure_sound()
}
