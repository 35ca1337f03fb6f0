//! Shows the box at its main job on one machine, with real programs around it: a chain, an
//! independent publisher, a second box, a visitor's client. `--once` ends after the tour.
//!
//! The demo runs itself a second time with a temporary folder of its own, so that Ctrl-C leaves
//! neither processes nor files behind, wherever it strikes.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use system_tests::{
    aria2::download_and_compare,
    models::{Published, name_of, real_models},
    seedbox::{CLAIM_CODE, PASSWORD, Seedbox},
    wait::wait_until,
    world::World,
};

const LIMIT: Duration = Duration::from_secs(120);
const QUOTA: u64 = 16_000_000;
const INSIDE: &str = "DEMO_INSIDE";

fn main() -> ExitCode {
    let result = if env::var_os(INSIDE).is_some() {
        tour()
    } else {
        outside()
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the tour in a child with its own temporary folder, and cleans up after it.
fn outside() -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let folder = tempfile::Builder::new().prefix("seedbox-demo-").tempdir()?;
    let mut tour = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env(INSIDE, "1")
        .env("TMPDIR", folder.path())
        .spawn()?;
    loop {
        if let Some(status) = tour.try_wait()? {
            if stop.load(Ordering::Relaxed) {
                println!("\nStopped; nothing is left running.");
                return Ok(());
            }
            ensure!(status.success(), "the tour failed");
            return Ok(());
        }
        if stop.load(Ordering::Relaxed) {
            // The kernel kills what the tour has started as soon as the tour is gone.
            let _ = tour.kill();
        }
        thread::sleep(Duration::from_millis(50));
    }
}

struct Stage {
    world: World,
    mine: Vec<Published>,
    community: Vec<Published>,
    neighbour_box: Seedbox,
}

fn tour() -> Result<()> {
    say("Starting a chain, a tracker and a publisher, and minting land…");
    let started = Instant::now();
    let mut stage = set_up()?;
    let settings = stage
        .world
        .settings()?
        .set("quota", QUOTA.to_string())
        .set("peers", stage.neighbour_box.peer_address().to_string());
    let mut seedbox = settings.start()?;
    println!();
    say(&format!("The panel is at   {}", seedbox.panel()));
    say(&format!("The claim code is {CLAIM_CODE}"));
    seedbox.claim()?;
    say(&format!(
        "The demo has claimed the box for you; sign in with the password: {PASSWORD}"
    ));
    open_browser(&seedbox.panel());
    println!();

    secure(&stage, &mut seedbox, started)?;
    furnish_the_neighbour(&mut stage)?;
    fill_and_evict(&stage, &seedbox)?;
    println!();
    say("That was the tour.");
    if env::args().any(|argument| argument == "--once") {
        let (_, drain) = seedbox.terminate()?;
        say(&format!(
            "The box stopped cleanly in {:.1} s.",
            drain.as_secs_f64()
        ));
        return Ok(());
    }
    say("The box goes on; watch it in the panel. Ctrl-C ends everything.");
    loop {
        figures(&seedbox)?;
        thread::sleep(Duration::from_secs(5));
    }
}

/// Real models, large ones first; the very largest would fill the quota by themselves.
fn files() -> Result<Vec<PathBuf>> {
    let files: Vec<PathBuf> = real_models()?.into_iter().rev().skip(5).collect();
    ensure!(files.len() >= 25, "too few models; run `make setup`");
    Ok(files)
}

fn publish(world: &World, file: &Path) -> Result<(Published, u64)> {
    world.publish(file, &format!("{}.glb", name_of(file)))
}

/// A world with five models on the owner's land and a second box.
fn set_up() -> Result<Stage> {
    let world = World::start()?;
    let mut mine = Vec::new();
    let parcel = world.anvil.mint(world.owner(), 12, -7)?;
    for file in &files()?[..5] {
        let (model, id) = publish(&world, file)?;
        world.anvil.place(world.owner(), parcel, id)?;
        mine.push(model);
    }
    world.wait_seeding()?;
    let neighbour_box = world.settings()?.set("quota", "200MB").start()?;
    neighbour_box.claim()?;
    Ok(Stage {
        world,
        mine,
        community: Vec::new(),
        neighbour_box,
    })
}

/// The wallet's land → placements → models → magnets → verified files → given to a real client.
fn secure(stage: &Stage, seedbox: &mut Seedbox, started: Instant) -> Result<()> {
    say(&format!("Linking the wallet {}", stage.world.owner()));
    seedbox.link_wallet(stage.world.owner())?;
    let mut first = None;
    wait_until("the owner's models", LIMIT, || {
        let torrents = seedbox.torrents()?;
        let safe = torrents
            .iter()
            .filter(|t| t.keep == "owned" && t.is_secured())
            .count();
        if safe > 0 && first.is_none() {
            first = Some(started.elapsed());
            say(&format!(
                "The first model is fetched, verified and seeded, {:.1} s after the demo began",
                started.elapsed().as_secs_f64()
            ));
        }
        ensure!(safe == stage.mine.len(), "{safe} of {}", stage.mine.len());
        Ok(())
    })?;
    figures(seedbox)?;
    let first = first.context("no model was ever seeded")?;
    ensure!(
        first < Duration::from_secs(30),
        "the first model took {first:?}"
    );
    let model = &stage.mine[0];
    say(&format!(
        "A visitor downloads \"{}\" from the box alone, with aria2…",
        model.name
    ));
    let original = stage.world.publisher.content_of(model);
    download_and_compare(&model.magnet(), &[seedbox.peer_address()], &original, LIMIT)?;
    say("… and has it, byte for byte.");
    Ok(())
}

/// A second box is given other people's models.
fn furnish_the_neighbour(stage: &mut Stage) -> Result<()> {
    say("A second box, a neighbour's, takes in other people's models…");
    for file in &files()?[5..25] {
        stage.community.push(publish(&stage.world, file)?.0);
    }
    stage.world.wait_seeding()?;
    for model in &stage.community {
        stage.neighbour_box.accept(&model.magnet())?;
    }
    for model in &stage.community {
        stage
            .neighbour_box
            .wait_secured(&model.info_hash, "accepted", LIMIT)?;
    }
    Ok(())
}

/// Visitors ask for more than fits: community data comes and goes, the owner's stays.
fn fill_and_evict(stage: &Stage, seedbox: &Seedbox) -> Result<()> {
    let wanted: u64 = stage.community.iter().map(|model| model.size).sum();
    say(&format!(
        "Visitors ask for {} models of other people, {:.1} MB; the quota is {:.1} MB…",
        stage.community.len(),
        megabytes(wanted),
        megabytes(QUOTA)
    ));
    let mut shown = Instant::now();
    for (n, model) in stage.community.iter().enumerate() {
        seedbox.request(&model.info_hash)?.expect_success()?;
        // One after the other, as visitors come.
        wait_until("the request to be served", LIMIT, || {
            let torrent = seedbox.torrent(&model.info_hash)?;
            ensure!(torrent.is_secured(), "{torrent:?}");
            Ok(())
        })?;
        if shown.elapsed() > Duration::from_secs(3) || n + 1 == stage.community.len() {
            figures(seedbox)?;
            shown = Instant::now();
        }
    }
    let evicted = evicted(seedbox)?;
    ensure!(evicted > 0, "nothing had to be evicted");
    for model in &stage.mine {
        let torrent = seedbox.torrent(&model.info_hash)?;
        ensure!(
            torrent.keep == "owned" && torrent.is_secured(),
            "{torrent:?}"
        );
    }
    say(&format!(
        "{evicted} community models made way for others; all {} of yours are still here.",
        stage.mine.len()
    ));
    Ok(())
}

fn evicted(seedbox: &Seedbox) -> Result<u64> {
    Ok(seedbox.status()?["seeder"]["evicted"].as_u64().unwrap_or(0))
}

fn figures(seedbox: &Seedbox) -> Result<()> {
    let status = seedbox.status()?;
    let volumes = seedbox.volumes()?;
    let volume = volumes.first().context("no volume")?;
    let torrents = seedbox.torrents()?;
    let given: u64 = torrents.iter().map(|torrent| torrent.uploaded).sum();
    let used = volume.protected + volume.community;
    say(&format!(
        "  block {} · yours {:.1} MB · community {:.1} MB · {:.0} % of {:.1} MB · given {:.1} MB · evicted {} · {}",
        status["chain"]["as_of"]["number"],
        megabytes(volume.protected),
        megabytes(volume.community),
        100.0 * megabytes(used) / megabytes(volume.quota),
        megabytes(volume.quota),
        megabytes(given),
        evicted(seedbox)?,
        status["sentence"].as_str().unwrap_or_default(),
    ));
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn say(text: &str) {
    println!("{text}");
}

/// Opens the panel where there is a screen; the address is printed anyway.
fn open_browser(address: &str) {
    if env::var_os("DISPLAY").is_some() || env::var_os("WAYLAND_DISPLAY").is_some() {
        let _ = Command::new("xdg-open").arg(address).spawn();
    }
}
