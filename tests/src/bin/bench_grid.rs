//! What serving the land grid costs: regions a second beside batched `eth_call`, the world's size
//! and time, a thousand listeners, memory. On loopback, in one run; prints its figures.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{
    anvil::Anvil,
    http::Client,
    land::{self, token_id},
    process::{Usage, allow_many_files, run},
    seedbox::{Seedbox, Settings},
    wait::wait_until,
};

const PARCELS: usize = 81_000;
const OWNERS: u64 = 8_000;
/// Owners who get their parcels in one block.
const SHARES: usize = 200;
const LISTENERS: usize = 1_000;
const SECONDS: u64 = 8;
const LIMIT: Duration = Duration::from_secs(120);

/// What asking for one region again and again gave.
struct Rate {
    a_second: f64,
    a_cpu_second: f64,
}

fn main() -> Result<()> {
    allow_many_files()?;
    let anvil = Anvil::start()?;
    let (seller, buyer) = (anvil.account(5).to_owned(), anvil.account(6).to_owned());
    let shares = land::shares(PARCELS, OWNERS, |parcel| {
        (parcel == token_id(0, 0)).then(|| seller.clone())
    });
    anvil.mint_all(&shares, SHARES)?;

    let empty = Settings::new()?.start()?;
    let without = megabytes(empty.usage()?.resident);
    drop(empty);
    let settings = Settings::new()?
        .set("rpc", anvil.url())
        // Anvil's state roots are not Ethereum's.
        .set("chain_trust", "unproved")
        .set("deployment", anvil.deployment().display().to_string())
        .set("public_connections_per_client", "4000");
    // Started anew, so that the memory is what serving costs and not what reading did.
    let seedbox = settings.start()?;
    head_of(&seedbox, PARCELS)?;
    let (settings, _) = seedbox.terminate()?;
    let seedbox = settings.start()?;
    let head = head_of(&seedbox, PARCELS)?;
    let epoch = head["epoch"].as_str().context("no epoch")?.to_owned();
    let loaded = megabytes(seedbox.usage()?.resident);

    println!("{PARCELS} parcels of {OWNERS} owners, loopback");
    println!("| what | figure |\n|---|---|");
    world(&seedbox, &epoch)?;
    let region = format!("{}/grid/{epoch}/chunks/0/0", seedbox.public().base());
    let ours = served(&region, || seedbox.usage())?;
    let theirs = asked(&anvil)?;
    println!("| regions a second, box | {:.0} |", ours.a_second);
    println!(
        "| regions a second, batched eth_call | {:.1} |",
        theirs.a_second
    );
    println!(
        "| regions a processor second, box | {:.0} |",
        ours.a_cpu_second
    );
    println!(
        "| regions a processor second, batched eth_call | {:.1} |",
        theirs.a_cpu_second
    );
    println!("| ratio | {:.0} |", ours.a_cpu_second / theirs.a_cpu_second);
    let before = seedbox.usage()?;
    let mut listeners = listen(&seedbox, &epoch)?;
    let change = || anvil.transfer_parcel(&seller, &buyer, token_id(0, 0));
    let (first, last) = pushed(&mut listeners, change)?;
    println!(
        "| first of {LISTENERS} listeners told after, ms | {} |",
        first.as_millis()
    );
    println!(
        "| last of {LISTENERS} listeners told after, ms | {} |",
        last.as_millis()
    );
    let after = seedbox.usage()?;
    let listening = after.resident.saturating_sub(before.resident) as f64;
    println!(
        "| memory a listener, KiB | {:.1} |",
        listening / 1024.0 / LISTENERS as f64
    );
    println!(
        "| memory with all listeners, MB | {:.1} |",
        megabytes(after.resident)
    );
    println!(
        "| memory at its peak, MB | {:.1} |",
        megabytes(after.peak_resident)
    );
    let a_parcel = (loaded - without) * 100_000.0 / PARCELS as f64;
    println!("| memory of 100,000 parcels, MB | {a_parcel:.1} |");
    Ok(())
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn head_of(seedbox: &Seedbox, parcels: usize) -> Result<Value> {
    wait_until("the box to have read the world", LIMIT, || {
        let head: Value = seedbox.public().get("/grid/head")?;
        ensure!(head["parcels"] == parcels, "{}", head["parcels"]);
        Ok(head)
    })
    .with_context(|| seedbox.log())
}

/// The whole world: how large, how fast.
fn world(seedbox: &Seedbox, epoch: &str) -> Result<()> {
    let path = format!("/grid/{epoch}/world");
    for coding in ["gzip", "zstd"] {
        let mut fastest = Duration::MAX;
        let mut size = 0;
        let mut first = None;
        for _ in 0..20 {
            let asked = Instant::now();
            let headers = [("accept-encoding", coding)];
            let answer = seedbox.public().send("GET", &path, &headers, None)?;
            size = answer.expect_success()?.body.len();
            first.get_or_insert(asked.elapsed());
            fastest = fastest.min(asked.elapsed());
        }
        let first = first.unwrap_or_default().as_millis();
        println!("| world, {coding}, bytes | {size} |");
        println!("| world, {coding}, first time, ms | {first} |");
        println!(
            "| world, {coding}, again, ms | {:.1} |",
            fastest.as_secs_f64() * 1e3
        );
    }
    Ok(())
}

/// How many regions the box serves, and at what cost.
fn served(url: &str, usage: impl Fn() -> Result<Usage>) -> Result<Rate> {
    let load = |seconds: u64| -> Result<f64> {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", "-c32", &format!("-d{seconds}s")]).arg(url);
        let report = run(&mut wrk)?;
        ensure!(!report.contains("Non-2xx"), "{report}");
        let line = report
            .lines()
            .find_map(|line| line.trim().strip_prefix("Requests/sec:"));
        Ok(line.context("wrk says nothing")?.trim().parse()?)
    };
    load(2)?;
    let before = usage()?.cpu_seconds;
    let a_second = load(SECONDS)?;
    let cost = usage()?.cpu_seconds - before;
    let all = a_second * SECONDS as f64;
    Ok(Rate {
        a_second,
        a_cpu_second: all / cost,
    })
}

/// How many regions a chain node serves, one `eth_call` a parcel, all in one request.
fn asked(anvil: &Anvil) -> Result<Rate> {
    let region: Vec<u64> = (0..256i16)
        .map(|cell| token_id(cell >> 4, cell & 15))
        .collect();
    let question = anvil.owners_question(&region)?;
    let client = Client::new(anvil.url());
    let ask = || -> Result<()> {
        let answers: Vec<Value> = client.post("", &question)?.json()?;
        let owned = answers
            .iter()
            .filter(|answer| answer.get("result").is_some());
        ensure!(owned.count() == 256, "not all were answered");
        Ok(())
    };
    ask()?;
    let (before, started) = (anvil.usage()?.cpu_seconds, Instant::now());
    let mut regions = 0.0;
    while started.elapsed() < Duration::from_secs(SECONDS) {
        ask()?;
        regions += 1.0;
    }
    Ok(Rate {
        a_second: regions / started.elapsed().as_secs_f64(),
        a_cpu_second: regions / (anvil.usage()?.cpu_seconds - before),
    })
}

/// Opens all the streams and waits until each stands.
fn listen(seedbox: &Seedbox, epoch: &str) -> Result<Vec<TcpStream>> {
    let base = seedbox.public().base();
    let address = base.trim_start_matches("http://");
    let request = format!("GET /grid/deltas?from={epoch} HTTP/1.1\r\nhost: box\r\n\r\n");
    let mut streams = Vec::new();
    for _ in 0..LISTENERS {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(request.as_bytes())?;
        streams.push(stream);
    }
    for stream in &mut streams {
        read_until(stream, "retry: ")?;
    }
    Ok(streams)
}

/// When the first and the last listener had the change, counted from its block.
fn pushed(
    listeners: &mut [TcpStream],
    change: impl Fn() -> Result<()>,
) -> Result<(Duration, Duration)> {
    change()?;
    let block = Instant::now();
    let mut first = None;
    for stream in listeners {
        read_until(stream, "event: delta")?;
        first.get_or_insert(block.elapsed());
    }
    Ok((first.unwrap_or_default(), block.elapsed()))
}

fn read_until(stream: &mut TcpStream, wanted: &str) -> Result<()> {
    let mut text = String::new();
    let mut block = [0; 4096];
    while !text.contains(wanted) {
        let read = stream
            .read(&mut block)
            .context("a listener heard nothing")?;
        ensure!(read > 0, "a listener was let go: {text}");
        text.push_str(&String::from_utf8_lossy(&block[..read]));
    }
    Ok(())
}
