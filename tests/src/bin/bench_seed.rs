//! The box beside transmission-daemon, both seeding 1 GiB over loopback to the same client, in
//! turn: how fast, at what cost in processor time and in memory.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::Result;
use system_tests::{
    aria2::Aria2, process::Usage, seedbox::Seedbox, transmission::Transmission, world::World,
};

const SIZE: u64 = 1 << 30;
const ROUNDS: u8 = 3;
const LIMIT: Duration = Duration::from_secs(600);

/// One download's figures.
struct Run {
    megabytes_a_second: f64,
    cpu_seconds: f64,
}

fn main() -> Result<()> {
    let world = World::start()?;
    let (model, _) = world.publish_random("one gibibyte", SIZE)?;
    world.publisher.wait_verified(LIMIT)?;
    let torrent = world.publisher.torrent_of(&model).display().to_string();

    let settings = world
        .settings()?
        .set("quota", "3GB")
        .set("model_limit", "2GB");
    let mut seedbox = settings.start()?;
    seedbox.claim()?;
    seedbox.accept(&model.magnet())?;
    seedbox.wait_secured(&model.info_hash, "accepted", LIMIT)?;
    // Started anew, so that the peak says what seeding costs and not what fetching did.
    let (settings, _) = seedbox.terminate()?;
    let mut seedbox = settings.start()?;
    seedbox.sign_in()?;
    seedbox.wait_secured(&model.info_hash, "accepted", LIMIT)?;
    let transmission = Transmission::start()?;
    transmission.add(&torrent, &world.publisher.content())?;
    transmission.wait_complete(LIMIT)?;

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let visitor = Ipv4Addr::new(127, 0, 1, 1 + round);
        let one = download(&torrent, seedbox.peer_address(), visitor, || {
            seedbox.usage()
        })?;
        let other = download(&torrent, transmission.address(), visitor, || {
            transmission.usage()
        })?;
        // The first round warms the page cache.
        if round > 0 {
            ours.push(one);
            theirs.push(other);
        }
    }
    report(&seedbox, &transmission, &ours, &theirs)
}

fn download(
    torrent: &str,
    from: SocketAddr,
    visitor: Ipv4Addr,
    usage: impl Fn() -> Result<Usage>,
) -> Result<Run> {
    let before = usage()?;
    let started = Instant::now();
    let mut client = Aria2::start_from(torrent, &[from], visitor.into())?;
    client.wait(LIMIT)?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Run {
        megabytes_a_second: SIZE as f64 / 1e6 / seconds,
        cpu_seconds: usage()?.cpu_seconds - before.cpu_seconds,
    })
}

fn median(runs: &[Run], figure: impl Fn(&Run) -> f64) -> f64 {
    let mut all: Vec<f64> = runs.iter().map(figure).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn report(
    seedbox: &Seedbox,
    transmission: &Transmission,
    ours: &[Run],
    theirs: &[Run],
) -> Result<()> {
    let speed = |runs: &[Run]| median(runs, |run| run.megabytes_a_second);
    let cpu = |runs: &[Run]| median(runs, |run| run.cpu_seconds);
    let peak = |usage: Usage| usage.peak_resident as f64 / 1_048_576.0;
    println!(
        "1 GiB to aria2c over loopback, {} rounds in turn, medians",
        ours.len()
    );
    println!("| | the box | transmission | ratio |");
    println!("|---|---|---|---|");
    for (name, a, b) in [
        ("MB/s", speed(ours), speed(theirs)),
        ("CPU-s/GiB", cpu(ours), cpu(theirs)),
        (
            "peak RSS, MiB",
            peak(seedbox.usage()?),
            peak(transmission.usage()?),
        ),
    ] {
        println!("| {name} | {a:.1} | {b:.1} | {:.2} |", a / b);
    }
    Ok(())
}
