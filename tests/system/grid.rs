//! The land grid as clients see it: its epochs over restarts and forks, and a page from disk in a
//! real browser that follows it.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{
    anvil::Anvil,
    node::Node,
    process::{Process, run},
    repository,
    seedbox::{Seedbox, Settings},
    wait::{hold, wait_until},
};

const LIMIT: Duration = Duration::from_secs(30);
const BROWSER: &str = "/usr/bin/chromium";
/// Where the Land contract keeps its tokens' owners.
const OWNERS_SLOT: &str = "2";

fn settings(anvil: &Anvil, node: &Node) -> Result<Settings> {
    Ok(Settings::new()?
        .set("rpc", node.rpc_url())
        .set("deployment", anvil.deployment().display().to_string()))
}

fn head(seedbox: &Seedbox) -> Result<Value> {
    seedbox.public().get("/grid/head")
}

/// How the block at `height` is written as an epoch.
fn epoch_of(node: &Node, height: u64) -> Result<String> {
    Ok(format!("{height}-{}", &node.block_hash(height)?[2..18]))
}

fn wait_epoch(seedbox: &Seedbox, epoch: &str) -> Result<()> {
    wait_until(&format!("epoch {epoch}"), LIMIT, || {
        let head = head(seedbox)?;
        ensure!(head["epoch"] == epoch, "it is {}", head["epoch"]);
        Ok(())
    })
}

#[test]
fn a_state_has_one_name_over_restarts_boxes_and_forks() -> Result<()> {
    let anvil = Anvil::start()?;
    let node = Node::before(&anvil.url())?;
    let (owner, neighbour) = (anvil.account(5).to_owned(), anvil.account(6).to_owned());
    let parcel = anvil.mint(&owner, -2, 7)?;
    anvil.mint(&owner, 40, 0)?;
    let minted = epoch_of(&node, anvil.height()?)?;
    let settings = settings(&anvil, &node)?;
    let seedbox = settings.start()?;
    wait_epoch(&seedbox, &minted)?;
    // Blocks in which nothing happens change nothing.
    anvil.mine(3)?;
    let height = anvil.height()?;
    wait_until("the empty blocks", LIMIT, || {
        let head = head(&seedbox)?;
        ensure!(head["block"]["number"] == height, "{head}");
        ensure!(head["epoch"] == minted.as_str(), "{head}");
        Ok(())
    })?;
    anvil.transfer_parcel(&owner, &neighbour, parcel)?;
    let sold = epoch_of(&node, anvil.height()?)?;
    wait_epoch(&seedbox, &sold)?;
    let path = "/grid/parcels/-2/7.json";
    let found: Value = seedbox.public().get(path)?;
    ensure!(found["owner"] == neighbour.to_lowercase(), "{found}");
    let world = |seedbox: &Seedbox, epoch: &str| -> Result<Vec<u8>> {
        let answer = seedbox
            .public()
            .send("GET", &format!("/grid/{epoch}/world"), &[], None)?;
        Ok(answer.expect_success()?.body)
    };
    let before = world(&seedbox, &minted)?;
    let after = world(&seedbox, &sold)?;

    // Another box, and the same one after a restart, say the same.
    let other = self::settings(&anvil, &node)?.start()?;
    wait_epoch(&other, &sold)?;
    ensure!(world(&other, &sold)? == after);
    let (settings, _) = seedbox.terminate()?;
    let seedbox = settings.start()?;
    ensure!(head(&seedbox)?["epoch"] == sold.as_str());
    ensure!(world(&seedbox, &sold)? == after);

    // A fork takes the sale back, and with it the name.
    wait_until("the block before the fork", LIMIT, || {
        ensure!(head(&seedbox)?["age"].as_u64().is_some_and(|age| age < 5));
        Ok(())
    })?;
    anvil.reorganise(1)?;
    wait_epoch(&seedbox, &minted)?;
    ensure!(world(&seedbox, &minted)? == before);
    let found: Value = seedbox.public().get(path)?;
    ensure!(found["owner"] == owner.to_lowercase(), "{found}");
    Ok(())
}

/// The page's reader, bundled as users get it.
fn bundle() -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["run", "--silent", "world"])
        .current_dir(repository().join("web-admin"));
    run(&mut npm).map(drop)
}

#[test]
fn a_page_from_disk_follows_the_map() -> Result<()> {
    ensure!(
        Path::new(BROWSER).exists(),
        "{BROWSER} is missing: run `make setup`"
    );
    bundle()?;
    let anvil = Anvil::start()?;
    let node = Node::before(&anvil.url())?;
    let (owner, neighbour) = (anvil.account(5).to_owned(), anvil.account(6).to_owned());
    let parcel = anvil.mint(&owner, -2, 7)?;
    let minted = epoch_of(&node, anvil.height()?)?;
    let mut seedbox = settings(&anvil, &node)?.start()?;
    wait_epoch(&seedbox, &minted)?;

    let folder = tempfile::tempdir()?;
    let mut script = Command::new("node");
    script
        .arg(repository().join("web-admin/world/browser.mjs"))
        .args([BROWSER, seedbox.public().base(), "-2", "7", anvil.land()])
        .arg(OWNERS_SLOT);
    let mut browser = Process::start(&script, &folder.path().join("log"))?;
    let mut told = |line: String| -> Result<()> {
        wait_until(&format!("the page to say \"{line}\""), LIMIT, || {
            let log = browser.log();
            ensure!(!log.contains("error"), "{log}");
            browser.ensure_running()?;
            ensure!(log.lines().any(|said| said == line), "{log}");
            Ok(())
        })
    };
    told("origin null".into())?;
    told(format!("world {minted} 1"))?;
    let recorded = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
    told(format!("recorded proof holds for {recorded}"))?;

    anvil.transfer_parcel(&owner, &neighbour, parcel)?;
    let block = Instant::now();
    told(format!("changed -2,7 {}", neighbour.to_lowercase()))?;
    println!(
        "the page saw the sale {:?} after its block",
        block.elapsed()
    );
    anvil.mint(&owner, 3, 3)?;
    told(format!("changed 3,3 {}", owner.to_lowercase()))?;
    anvil.reorganise(1)?;
    told("changed 3,3 nobody".into())?;

    // What the box proves must hold in the browser; until it proves anything it says so.
    let log = wait_until("the page to have asked for a proof", LIMIT, || {
        let log = browser.log();
        ensure!(log.contains("proved"), "{log}");
        Ok(log)
    })?;
    let line = log
        .lines()
        .find(|line| line.contains("proved"))
        .context("it was there")?;
    ensure!(line.starts_with("proved 0x"), "{line}");
    hold("nothing goes wrong", Duration::from_secs(1), || {
        browser.ensure_running()
    })?;
    seedbox.ensure_sound()
}
