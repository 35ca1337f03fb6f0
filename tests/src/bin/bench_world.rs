//! A whole world under a history by chance, forks included: whether what the box adds up from
//! events is what the chain has, at block after block; what a check costs; how much memory a world
//! takes. Prints its figures, and fails where a root differs.
//!
//! `PARCELS`, `CALLS` and `SEED` in the environment change its size and course.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{
    anvil::Anvil,
    history::{History, Manner},
    land,
    node::Node,
    seedbox::{Seedbox, Settings},
    wait::wait_until,
    witness::Witness,
};

const STRANGERS: u64 = 8_000;
/// Owners who get their parcels in one block.
const SHARES: usize = 100;
/// Calls in a block at most.
const A_BLOCK: usize = 40;
/// States that anvil keeps: more than the deepest fork, or it would keep each on disk for ever.
const STATES: &str = "150";
const LIMIT: Duration = Duration::from_secs(300);

fn main() -> Result<()> {
    let parcels: usize = setting("PARCELS", 90_000)?;
    let calls: usize = setting("CALLS", 10_000)?;
    let seed: u64 = setting("SEED", 1)?;
    let anvil = Anvil::start_with(&["--prune-history", STATES])?;
    let node = Node::before(&anvil.url())?;

    // Half of the land is held by those who act.
    let accounts: Vec<String> = (1..10).map(|at| anvil.account(at).to_owned()).collect();
    let holder = |parcel: u64| {
        let drawn = land::chance(parcel) / STRANGERS;
        drawn.is_multiple_of(2).then_some((drawn / 2 % 9) as usize)
    };
    let shares = land::shares(parcels, STRANGERS, |parcel| {
        holder(parcel).map(|at| accounts[at].clone())
    });
    let started = Instant::now();
    // Nobody gets more than fits a transaction.
    let shares: Vec<(String, Vec<u64>)> = shares
        .into_iter()
        .flat_map(|(owner, ids)| {
            let some: Vec<_> = ids
                .chunks(400)
                .map(|ids| (owner.clone(), ids.to_vec()))
                .collect();
            some
        })
        .collect();
    for some in shares.chunks(SHARES) {
        anvil.mint_all(some, SHARES)?;
        node.follow()?;
    }
    let held: Vec<(usize, Vec<u64>)> = (0..9)
        .map(|at| {
            let of = shares.iter().filter(|(owner, _)| *owner == accounts[at]);
            (at + 1, of.flat_map(|(_, ids)| ids.clone()).collect())
        })
        .collect();
    eprintln!("{parcels} parcels minted in {:.1?}", started.elapsed());

    let empty = memory_of_nothing()?;
    let settings = Settings::new()?
        .set("rpc", node.rpc_url())
        .set("deployment", anvil.deployment().display().to_string())
        .set("chain_poll", "50ms")
        .set("log", "debug");
    let seedbox = settings.start()?;
    seedbox.claim()?;
    wait_for(&seedbox, parcels)?;
    // Started anew, so that the memory is what the world takes and not what reading it did.
    let (settings, _) = seedbox.terminate()?;
    let seedbox = settings.start()?;
    seedbox.sign_in()?;
    wait_for(&seedbox, parcels)?;
    let mut history = History::new(&anvil, &held, seed)?;
    let mut witness = Witness::default();
    witness.compare(&seedbox, &node, &anvil, &history)?;
    witness.rehash(&node, &anvil)?;
    let loaded = seedbox.usage()?.resident;

    let started = Instant::now();
    let mut blocks = 0u64;
    let mut round = 0usize;
    let mut told = 0;
    while history.calls() < calls {
        round += 1;
        let manner = if history.calls() < calls / 3 {
            Manner::Sparing
        } else {
            Manner::Free
        };
        if round.is_multiple_of(3) {
            blocks += history.fork(manner, 4)?;
        } else {
            history.block(manner, 1 + (round * 7919) % A_BLOCK)?;
            blocks += 1;
        }
        witness.compare(&seedbox, &node, &anvil, &history)?;
        if history.calls() * 10 / calls > told {
            told = history.calls() * 10 / calls;
            witness.rehash(&node, &anvil)?;
            eprintln!(
                "{} calls, {} forks, {} blocks checked, {:.0?}",
                history.calls(),
                history.forks(),
                witness.blocks,
                started.elapsed()
            );
        }
    }
    let after = seedbox.usage()?;
    report(parcels, &history, &witness, blocks);
    let log = seedbox.log();
    print_times(&log, "computed the storage roots", "root check");
    print_times(&log, "undid later blocks", "undoing a fork");
    let a_hundred_thousand =
        |bytes: u64| bytes.saturating_sub(empty) as f64 / 1e6 * 100_000.0 / parcels as f64;
    println!(
        "| memory of 100,000 parcels, MB | {:.1} |",
        a_hundred_thousand(loaded)
    );
    println!(
        "| the same after the history, MB | {:.1} |",
        a_hundred_thousand(after.resident)
    );
    println!(
        "| the box's peak, MB | {:.1} |",
        after.peak_resident as f64 / 1e6
    );
    Ok(())
}

fn setting<T: std::str::FromStr>(name: &str, otherwise: T) -> Result<T> {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .ok()
            .with_context(|| format!("{name} is no number")),
        Err(_) => Ok(otherwise),
    }
}

fn memory_of_nothing() -> Result<u64> {
    Ok(Settings::new()?.start()?.usage()?.resident)
}

fn wait_for(seedbox: &Seedbox, parcels: usize) -> Result<()> {
    wait_until("the box to have proved the world", LIMIT, || {
        let head: Value = seedbox.public().get("/grid/head")?;
        ensure!(
            head["parcels"] == parcels && head["trust"] == "rpc",
            "{head}"
        );
        Ok(())
    })
    .with_context(|| seedbox.log())
}

fn report(parcels: usize, history: &History<'_>, witness: &Witness, blocks: u64) {
    println!("{parcels} parcels, a history by chance\n| what | figure |\n|---|---|");
    println!("| calls in blocks | {} |", history.calls());
    for (what, times) in history.tally() {
        println!("| {what} drawn | {times} |");
    }
    println!("| forks | {} |", history.forks());
    println!("| blocks made, those of forks included | {blocks} |");
    println!(
        "| blocks checked, three roots each, all equal | {} |",
        witness.blocks
    );
    println!(
        "| roots compared with anvil's storageHash, all equal | {} |",
        witness.plain
    );
    println!(
        "| roots compared with anvil's words without zeros, all equal | {} |",
        witness.rehashed
    );
}

/// The middle and the longest of the times that the box logs with a message.
fn print_times(log: &str, message: &str, what: &str) {
    let mut times: Vec<f64> = log
        .lines()
        .filter(|line| line.contains(message))
        .filter_map(|line| {
            line.split_once("milliseconds=")?
                .1
                .split(' ')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    if let (Some(middle), Some(longest)) = (times.get(times.len() / 2), times.last()) {
        println!("| {what}, median of {}, ms | {middle} |", times.len());
        println!("| {what}, longest, ms | {longest} |");
    }
}
