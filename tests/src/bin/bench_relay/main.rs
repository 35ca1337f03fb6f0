//! What relaying costs: two thousand people in rooms, ten thousand idle, pairs beside `iroh-relay`, the path
//! through two boxes, and strangers who hold sockets. On loopback, in one run; prints its figures. Names of
//! parts as arguments run those alone.

mod crowd;
mod iroh;
mod strangers;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use system_tests::{
    process::{allow_many_files, usage_of},
    seedbox::{Seedbox, Settings},
    wait::wait_until,
};

use self::{
    crowd::{Crowd, Heard, Says, Way},
    iroh::IrohRelay,
    strangers::Strangers,
};

const LIMIT: Duration = Duration::from_secs(30);
/// How long each part is measured, after it has run for a while.
const SPAN: Duration = Duration::from_secs(10);
const WARM: Duration = Duration::from_secs(2);
const MEBIBYTE: f64 = 1_048_576.0;

/// A part of the bench and its name.
type Part = (&'static str, fn() -> Result<()>);

fn main() -> Result<()> {
    allow_many_files()?;
    let parts: Vec<String> = std::env::args().skip(1).collect();
    if parts.first().is_some_and(|part| part == iroh::SERVER) {
        return iroh::serve();
    }
    println!("| what | figure |\n|---|---|");
    let all: [Part; 5] = [
        ("rooms", rooms),
        ("idle", idle),
        ("pairs", pairs),
        ("legs", legs),
        ("strangers", with_strangers),
    ];
    for (name, part) in all {
        if parts.is_empty() || parts.iter().any(|wanted| wanted == name) {
            part().with_context(|| format!("the part `{name}`"))?;
        }
    }
    Ok(())
}

/// A box that takes as many as come, from this machine too.
fn large() -> Result<Settings> {
    Ok(Settings::new()?
        .set("mesh_addresses", "127.0.0.1:0")
        .set("public_connections", "16000")
        .set("public_connections_per_client", "16000")
        .set("relay_sessions", "12000")
        .set("relay_rooms", "2000")
        .set("relay_bandwidth", "2GB"))
}

/// Straight to a box.
fn direct(seedbox: &Seedbox) -> Result<Way> {
    Ok(Way {
        entry: seedbox.public_address()?,
        path: vec![(&seedbox.relay_descriptor()?).into()],
    })
}

fn latency(what: &str, heard: &Heard) {
    println!(
        "| {what}: heard after, ms: median, p99, p99.9 | {:.2}, {:.2}, {:.2} |",
        heard.within(0.5),
        heard.within(0.99),
        heard.within(0.999)
    );
}

/// Rooms of 20, each member ten poses a second.
fn rooms() -> Result<()> {
    const PEOPLE: usize = 2_000;
    const ROOM: usize = 20;
    let seedbox = large()?.start()?;
    let way = direct(&seedbox)?;
    let mut crowd = Crowd::new()?;
    for number in 0..PEOPLE {
        // Those of a room speak one after the other, as strangers do.
        crowd.enter(&way, Some(number % (PEOPLE / ROOM)))?;
    }
    crowd.run(Says::Poses, WARM)?;
    let before = seedbox.usage()?;
    let heard = crowd.run(Says::Poses, SPAN)?;
    let after = seedbox.usage()?;
    let seconds = SPAN.as_secs_f64();
    let what = format!("{PEOPLE} people in rooms of {ROOM}, 10 poses of 200 bytes a second");
    println!(
        "| {what}: poses said and heard a second | {:.0}, {:.0} |",
        heard.said as f64 / seconds,
        heard.heard as f64 / seconds
    );
    latency("the same", &heard);
    let cpu = after.cpu_seconds - before.cpu_seconds;
    println!(
        "| the same: processor, cores; µs a pose heard | {:.2}, {:.2} |",
        cpu / seconds,
        cpu * 1e6 / heard.heard as f64
    );
    println!(
        "| the same: memory, MiB, now and at its peak | {:.1}, {:.1} |",
        after.resident as f64 / MEBIBYTE,
        after.peak_resident as f64 / MEBIBYTE
    );
    // Nine of ten at the least: who says something twice within a tick is heard once.
    let most = heard.said * (u64::try_from(ROOM)? - 1);
    ensure!(
        heard.heard * 10 > most * 9,
        "{} of {most} were heard",
        heard.heard
    );
    Ok(())
}

/// Sessions that only show that they live.
fn idle() -> Result<()> {
    const PEOPLE: usize = 10_000;
    let seedbox = large()?.start()?;
    let way = direct(&seedbox)?;
    let before = seedbox.usage()?;
    let mut crowd = Crowd::new()?;
    for _ in 0..PEOPLE {
        crowd.enter(&way, None)?;
    }
    crowd.run(Says::Nothing, SPAN)?;
    let after = seedbox.usage()?;
    let each = after.resident.saturating_sub(before.resident) as f64 / 1_024.0;
    println!(
        "| {} idle sessions: memory each, KiB | {:.1} |",
        crowd.len(),
        each / crowd.len() as f64
    );
    Ok(())
}

/// Pairs, each ten messages of 200 bytes a second, one hop, ours and `iroh-relay`.
fn pairs() -> Result<()> {
    const PAIRS: usize = 500;
    let rounds = 2;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let seedbox = large()?.start()?;
    let way = direct(&seedbox)?;
    let relay = IrohRelay::start()?;
    for _ in 0..rounds {
        let mut crowd = Crowd::new()?;
        for number in 0..2 * PAIRS {
            crowd.enter(&way, Some(number / 2))?;
        }
        crowd.run(Says::Messages, WARM)?;
        let before = seedbox.usage()?.cpu_seconds;
        let heard = crowd.run(Says::Messages, SPAN)?;
        let cost = seedbox.usage()?.cpu_seconds - before;
        ensure!(
            heard.heard * 100 > heard.said * 99,
            "{} of {}",
            heard.heard,
            heard.said
        );
        latency(
            &format!("{PAIRS} pairs, one hop, 10 messages a second each"),
            &heard,
        );
        ours.push(heard.heard as f64 / cost);
        drop(crowd);

        let mut times = Vec::new();
        let mut note = |times: &mut Vec<f64>| -> Result<()> {
            times.push(usage_of(relay.id())?.cpu_seconds);
            Ok(())
        };
        let times = std::cell::RefCell::new(&mut times);
        let note = std::cell::RefCell::new(&mut note);
        let at = || (note.borrow_mut())(*times.borrow_mut());
        let (messages, took) = relay.talk(PAIRS, SPAN, at, at)?;
        let times = times.into_inner();
        let cost = times[1] - times[0];
        println!(
            "| iroh-relay, the same pairs: messages a second | {:.0} |",
            messages as f64 / took.as_secs_f64()
        );
        theirs.push(messages as f64 / cost);
    }
    let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
    println!("| messages a processor second, box, each round | {ours:.0?} |");
    println!("| messages a processor second, iroh-relay, each round | {theirs:.0?} |");
    println!("| ratio | {:.2} |", mean(&ours) / mean(&theirs));
    Ok(())
}

/// Pairs whose two have entries of their own; the room is on a third box.
fn legs() -> Result<()> {
    const PAIRS: usize = 100;
    let room = large()?.start()?;
    let keys = room.relay_descriptor()?;
    let address = keys.addresses.first().context("no address")?;
    let named = format!("{}@{address}", hex::encode(keys.node.0));
    let mut entries = Vec::new();
    for _ in 0..2 {
        let seedbox = large()?.set("relay_boxes", &named).start()?;
        wait_until("the boxes to know each other", LIMIT, || {
            seedbox.knows_boxes(2)
        })?;
        entries.push(seedbox);
    }
    let mut crowd = Crowd::new()?;
    for number in 0..2 * PAIRS {
        let mut way = direct(&entries[number % 2])?;
        way.path.push((&keys).into());
        crowd.enter(&way, Some(number / 2))?;
    }
    for (what, says) in [("poses", Says::Poses), ("messages", Says::Messages)] {
        crowd.run(says, WARM)?;
        let cost = || -> Result<[f64; 3]> {
            let [one, other] = [&entries[0], &entries[1]].map(Seedbox::usage);
            Ok([
                one?.cpu_seconds,
                other?.cpu_seconds,
                room.usage()?.cpu_seconds,
            ])
        };
        let before = cost()?;
        let heard = crowd.run(says, SPAN)?;
        let after = cost()?;
        let what = format!("{PAIRS} pairs, entry, room's box, entry, 10 {what} a second each");
        latency(&what, &heard);
        let entry = after[0] + after[1] - before[0] - before[1];
        let each = |seconds: f64| seconds * 1e6 / heard.heard as f64;
        println!(
            "| the same: processor, µs a message: both entries together, room's box | {:.1}, {:.1} |",
            each(entry),
            each(after[2] - before[2])
        );
    }
    Ok(())
}

/// Forty people talk on a box as it is delivered, without strangers and with them.
fn with_strangers() -> Result<()> {
    const STRANGERS: u32 = 5_000;
    let seedbox = Settings::new()?
        .set("mesh_addresses", "127.0.0.1:0")
        .start()?;
    let way = direct(&seedbox)?;
    let mut crowd = Crowd::new()?;
    for number in 0..40 {
        crowd.enter(&way, Some(number / 20))?;
    }
    let quiet = watch(&mut crowd, &way)?;
    let strangers = Strangers::come(STRANGERS, way.entry);
    wait_until("the strangers to have come", LIMIT, || {
        ensure!(strangers.rounds() > 6);
        Ok(())
    })?;
    let loud = watch(&mut crowd, &way)?;
    strangers.leave()?;
    for (what, before, during) in [
        ("heard after, ms, median", quiet.0, loud.0),
        ("heard after, ms, p99", quiet.1, loud.1),
        (
            "a new one is in the room after, ms, median of 20",
            quiet.2,
            loud.2,
        ),
    ] {
        println!(
            "| 40 people without and with {STRANGERS} strangers: {what} | {before:.2}, {during:.2}, ratio {:.2} |",
            during / before
        );
    }
    Ok(())
}

/// Median and p99 of poses, median of entering, in milliseconds.
fn watch(crowd: &mut Crowd, way: &Way) -> Result<(f64, f64, f64)> {
    let heard = crowd.run(Says::Poses, SPAN)?;
    let mut times = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        Crowd::new()?.enter(way, Some(1_000))?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        crowd.run(Says::Nothing, Duration::from_millis(20))?;
    }
    times.sort_by(f64::total_cmp);
    Ok((
        heard.within(0.5),
        heard.within(0.99),
        times[times.len() / 2],
    ))
}
