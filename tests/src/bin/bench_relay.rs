//! What relaying costs: rooms full of moving people, idle sessions, a crowd that only gets in the way, and
//! one hop beside `iroh-relay`, all in one run on loopback. Prints its figures.

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use system_tests::{
    load::{self, Measured, crowd, pairs, rooms},
    seedbox::Settings,
};

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some(pairs::SERVE) {
        return pairs::serve_iroh();
    }
    let granted = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: granted,
            maximum: granted,
        },
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    println!("| what | figure |\n|---|---|");
    if wants("rooms") {
        let seedbox = settings()?.start()?;
        let figures = runtime.block_on(rooms::measure(&seedbox, 2_000, 20))?;
        let (p50, p99) = (figures.latency(0.5)?, figures.latency(0.99)?);
        println!(
            "| 2,000 people in rooms of 20, 10 poses of 200 bytes a second: poses arrived of those due | {:.1} % |",
            figures.share() * 100.0
        );
        println!("| the same: from hand to hand, p50 and p99 | {p50:.1} ms, {p99:.1} ms |");
        println!(
            "| the same: processors busy with the box, of 2 | {:.2} |",
            figures.processors()
        );
        println!(
            "| the same: memory now, at most | {:.1} MiB, {:.1} MiB |",
            mebibytes(figures.usage.resident),
            mebibytes(figures.usage.peak_resident)
        );
    }
    if wants("idle") {
        let seedbox = settings()?.start()?;
        let before = seedbox.usage()?.resident;
        let after = runtime.block_on(rooms::idle(&seedbox, 10_000))?;
        let each = after.resident.saturating_sub(before) as f64 / 10_000.0 / 1_024.0;
        println!("| 10,000 idle sessions: memory of each | {each:.1} KiB |");
    }
    if wants("crowd") {
        let seedbox = settings()?.set("public_connections", "4096").start()?;
        let (alone, beside) = runtime.block_on(crowd::measure(&seedbox, 5_000))?;
        for (what, alone, beside) in [
            ("a message there and back, p50", alone.p50, beside.p50),
            ("a message there and back, p99", alone.p99, beside.p99),
            ("entering", alone.entering, beside.entering),
        ] {
            println!(
                "| {what}: alone, beside 5,000 half-open or slow connections | {alone:.2} ms, {beside:.2} ms |"
            );
        }
    }
    if wants("pairs") {
        compare(&runtime)?;
    }
    Ok(())
}

/// One hop and two beside `iroh-relay`, at the same rate of the same messages.
fn compare(runtime: &tokio::runtime::Runtime) -> Result<()> {
    let one = settings()?.start()?;
    let ours = runtime.block_on(pairs::one_hop(&one))?;
    drop(one);
    let theirs = runtime.block_on(pairs::iroh())?;
    let room = settings()?.start()?;
    let keys = load::descriptor(&room)?;
    let entry = settings()?
        .set("relay_boxes", load::named(&keys)?)
        .start()?;
    let two = runtime.block_on(pairs::two_hops(&entry, &room))?;
    for (name, measured) in [
        ("one hop, box", &ours),
        ("one hop, iroh-relay", &theirs),
        ("two hops, entry and room box", &two),
    ] {
        println!(
            "| {name}: messages a second, of those due, a processor second, µs each | {:.0}, {:.1} %, {:.0}, {:.1} |",
            measured.received as f64 / measured.seconds,
            measured.share() * 100.0,
            per_cpu_second(measured)?,
            1e6 / per_cpu_second(measured)?,
        );
    }
    println!(
        "| one hop, ratio to iroh-relay | {:.2} |",
        per_cpu_second(&ours)? / per_cpu_second(&theirs)?
    );
    Ok(())
}

fn per_cpu_second(measured: &Measured) -> Result<f64> {
    let cpu = (measured.cpu_seconds > 0.0).then_some(measured.cpu_seconds);
    Ok(measured.received as f64 / cpu.context("the server did nothing")?)
}

/// A box that lets everybody in.
fn settings() -> Result<Settings> {
    Ok(Settings::new()?
        .set("mesh_addresses", "127.0.0.1:0")
        .set("public_connections", "16000")
        .set("public_connections_per_client", "16000")
        .set("relay_sessions", "12000")
        .set("relay_rooms", "1000")
        .set("relay_bandwidth", "2GB")
        .set("log", "warn"))
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}
