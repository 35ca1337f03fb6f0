//! How fast a box reads a chain from nothing, beside a loop that asks for the same logs and only
//! decodes them; and how fast it is through with a fork of 64 blocks. Both share the machine with
//! anvil, and both have started before the clock does: the chain does not answer until then. Prints
//! its figures.
//!
//! With `PROOFS=1` in the environment the box proves what it reads, through the truthful node.

use std::time::{Duration, Instant};

use alloy::rpc::types::Log;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use system_tests::{
    anvil::Anvil,
    history::{History, Manner},
    http::Client,
    land,
    node::Node,
    seedbox::{Seedbox, Settings},
    wait::{time_until, wait_until},
};

/// Blocks with land for somebody else in each, and parcels a block.
const BLOCKS: usize = 2_400;
const A_BLOCK: usize = 50;
const ROUNDS: usize = 3;
const FORK: usize = 64;
const CALLS: usize = 8;
/// States that anvil keeps: more than the fork is deep.
const STATES: &str = "150";
const LIMIT: Duration = Duration::from_secs(180);

/// What an endpoint answers to `eth_getLogs`.
#[derive(Deserialize)]
struct Logs {
    result: Vec<Log>,
}

struct Bench {
    anvil: Anvil,
    node: Option<Node>,
    settings: Settings,
    parcels: usize,
}

fn main() -> Result<()> {
    let started = Instant::now();
    let anvil = Anvil::start_with(&["--prune-history", STATES])?;
    let node = match std::env::var_os("PROOFS") {
        Some(_) => Some(Node::before(&anvil.url())?),
        None => None,
    };
    let accounts: Vec<String> = (1..10).map(|at| anvil.account(at).to_owned()).collect();
    let parcels = BLOCKS * A_BLOCK;
    let square = land::shares(parcels, 1, |_| Some(accounts[0].clone()));
    let ids: Vec<u64> = square.into_iter().flat_map(|(_, ids)| ids).collect();
    let mut held = vec![Vec::new(); accounts.len()];
    let mut shares = Vec::new();
    for (block, ids) in ids.chunks(A_BLOCK).enumerate() {
        let account = block % accounts.len();
        held[account].extend(ids);
        shares.push((accounts[account].clone(), ids.to_vec()));
    }
    for some in shares.chunks(100) {
        anvil.mint_all(some, 1)?;
        if let Some(node) = &node {
            node.follow()?;
        }
    }
    eprintln!(
        "{parcels} parcels in {BLOCKS} blocks: {:.1?}",
        started.elapsed()
    );

    let trust = if node.is_some() { "rpc" } else { "unproved" };
    let url = node.as_ref().map_or_else(|| anvil.url(), Node::rpc_url);
    let settings = Settings::new()?
        .set("rpc", url)
        .set("deployment", anvil.deployment().display().to_string())
        .set("chain_trust", trust);
    let held: Vec<_> = held
        .into_iter()
        .enumerate()
        .map(|(at, ids)| (at + 1, ids))
        .collect();
    let bench = Bench {
        anvil,
        node,
        settings,
        parcels,
    };
    let asked = bench.ranges()?;
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(bench.synchronise()?);
        plain.push(bench.ask(&asked)?);
    }
    let (ours, plain) = (median(ours), median(plain));
    println!("chain_trust = {trust}, {parcels} logs, {ROUNDS} rounds in turn, medians");
    println!("| what | figure |\n|---|---|");
    println!("| ranges asked for | {} |", asked.len());
    println!("| logs a second, box | {ours:.0} |");
    println!("| logs a second, plain loop | {plain:.0} |");
    println!("| ratio | {:.2} |", ours / plain);
    bench.fork(&held)
}

impl Bench {
    /// The ranges that a box asks for. It also warms the chain up.
    fn ranges(&self) -> Result<Vec<(u64, u64)>> {
        let (seedbox, _) = self.afresh("debug")?;
        let log = seedbox.log();
        let field = |line: &str, name: &str| -> Option<u64> {
            let rest = line.split_once(&format!(" {name}="))?.1;
            rest.split(' ').next()?.trim().parse().ok()
        };
        let lines = log.lines().filter(|line| line.contains("read logs"));
        let ranges = lines.map(|line| Some((field(line, "from")?, field(line, "to")?)));
        let mut ranges: Vec<_> = ranges
            .collect::<Option<_>>()
            .context("no ranges in the log")?;
        // The newest blocks a box asks for one by one.
        let last = ranges.iter().map(|(_, to)| *to).max();
        let (last, top) = (last.context("no range")?, self.anvil.height()?);
        ranges.extend((last + 1..=top).map(|block| (block, block)));
        Ok(ranges)
    }

    /// A box without a past that has read everything, and how long it took from the chain's first
    /// answer to the map.
    fn afresh(&self, log: &str) -> Result<(Seedbox, Duration)> {
        let settings = self.settings.clone().set("log", log);
        let data = settings.data();
        if data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        self.anvil.freeze()?;
        let seedbox = settings.start();
        self.anvil.resume()?;
        let seedbox = seedbox?;
        let ((), taken) = time_until("the box to have read everything", LIMIT, || {
            let head: Value = seedbox.public().get("/grid/head")?;
            ensure!(head["parcels"] == self.parcels, "{head}");
            Ok(())
        })
        .with_context(|| seedbox.log())?;
        Ok((seedbox, taken))
    }

    /// Logs a second from the chain's first answer to the map of all of them.
    fn synchronise(&self) -> Result<f64> {
        let (_, taken) = self.afresh("info")?;
        Ok(self.parcels as f64 / taken.as_secs_f64())
    }

    /// Logs a second of asking for the same ranges one after the other.
    fn ask(&self, ranges: &[(u64, u64)]) -> Result<f64> {
        let url = self
            .node
            .as_ref()
            .map_or_else(|| self.anvil.url(), Node::rpc_url);
        let client = Client::new(url);
        let contracts = [
            self.anvil.land(),
            self.anvil.model(),
            self.anvil.placement(),
        ];
        let started = Instant::now();
        let mut got = 0;
        for (from, to) in ranges {
            let filter = json!([{
                "address": contracts, "fromBlock": format!("{from:#x}"), "toBlock": format!("{to:#x}"),
            }]);
            let question =
                json!({"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": filter});
            let logs: Logs = client.post("", &question)?.json()?;
            got += logs.result.len();
        }
        ensure!(got >= self.parcels, "{got} logs");
        Ok(got as f64 / started.elapsed().as_secs_f64())
    }

    /// A fork of many blocks, all of them with changes on both branches.
    fn fork(&self, held: &[(usize, Vec<u64>)]) -> Result<()> {
        let mut history = History::new(&self.anvil, held, 1)?;
        for _ in 0..FORK {
            history.block(Manner::Free, CALLS)?;
        }
        let follow = || self.node.as_ref().map_or(Ok(()), Node::follow);
        follow()?;
        let settings = self.settings.clone().set("log", "debug");
        let seedbox = settings.start()?;
        let wait = || {
            let top = self.anvil.height()?;
            let hash = match &self.node {
                Some(node) => node.block_hash(top)?,
                None => self.anvil.block_hash(top)?,
            };
            wait_until("the newest block", LIMIT, || {
                let head: Value = seedbox.public().get("/grid/head")?;
                ensure!(head["block"]["hash"] == hash.as_str(), "{head}");
                Ok(())
            })
            .with_context(|| seedbox.log())
        };
        wait()?;
        for _ in 0..ROUNDS {
            history.fork_with(Manner::Free, FORK, CALLS)?;
            follow()?;
            wait()?;
        }
        let log = seedbox.log();
        for (message, what) in [
            ("undid later blocks", "fork of 64 blocks, undone"),
            (
                "the other branch is shown",
                "the same, from its head to the new map",
            ),
        ] {
            println!("| {what}, ms | {} |", times(&log, message).join(", "));
        }
        println!(
            "| rows undone | {} |",
            fields(&log, "undid later blocks", "rows").join(", ")
        );
        Ok(())
    }
}

fn times(log: &str, message: &str) -> Vec<String> {
    fields(log, message, "milliseconds")
}

fn fields(log: &str, message: &str, name: &str) -> Vec<String> {
    let lines = log.lines().filter(|line| line.contains(message));
    let values = lines.filter_map(|line| {
        let rest = line.split_once(&format!(" {name}="))?.1;
        rest.split(' ').next().map(|text| text.trim().to_owned())
    });
    values.collect()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
