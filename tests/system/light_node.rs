//! A box that believes nobody but Ethereum's validators: from a checkpoint to the newest final
//! block of a real chain, through a beacon node that dies and lies.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{
    anvil::Anvil,
    beacon::{Beacon, Manner},
    node::{Lie, Node},
    seedbox::{Seedbox, Settings},
    wait::wait_until,
};

const LIMIT: Duration = Duration::from_secs(60);

fn settings(anvil: &Anvil, node: &Node, beacon: &Beacon) -> Result<Settings> {
    let settings = Settings::new()?;
    let network = settings.data().with_extension("network.json");
    fs::write(&network, beacon.description()?)?;
    Ok(settings
        .set("rpc", node.rpc_url())
        .set("deployment", anvil.deployment().display().to_string())
        .set("chain_trust", "finalized")
        .set("chain_beacon", beacon.url())
        .set("chain_checkpoint", beacon.checkpoint())
        .set("chain_network", network.display().to_string()))
}

fn trust(seedbox: &Seedbox) -> Result<Value> {
    Ok(seedbox.status()?["chain"]["trust"].clone())
}

/// Waits until the block at `height` is vouched for, and checks that it is the chain's.
fn wait_final(seedbox: &Seedbox, node: &Node, height: u64) -> Result<Value> {
    let trust = wait_until(&format!("block {height} to be final"), LIMIT, || {
        let trust = trust(seedbox)?;
        ensure!(trust["block"]["number"] == height, "{trust}");
        ensure!(trust["health"] == "well", "{trust}");
        Ok(trust)
    })?;
    let hash = trust["block"]["hash"].as_str().context("no hash")?;
    ensure!(node.block_hash(height)? == format!("0x{hash}"), "{trust}");
    Ok(trust)
}

/// Waits until the only beacon node is said to be at fault in these words, and checks that nothing
/// newer than `height` is vouched for.
fn wait_refused(seedbox: &Seedbox, words: &str, height: u64) -> Result<()> {
    wait_until(&format!("the box to say {words:?}"), LIMIT, || {
        let trust = trust(seedbox)?;
        ensure!(trust["block"]["number"] == height, "believed: {trust}");
        let error = trust["endpoints"][0]["error"].as_str().unwrap_or_default();
        ensure!(error.contains(words), "it says {error:?}");
        let sentence = trust["sentence"].as_str().unwrap_or_default();
        ensure!(sentence.contains(words), "{sentence}");
        ensure!(matches!(
            trust["health"].as_str(),
            Some("attention" | "failing")
        ));
        Ok(())
    })
}

/// Age of the newest final block in seconds, by the sentence that the owner reads.
fn age(seedbox: &Seedbox) -> Result<u64> {
    let trust = trust(seedbox)?;
    let sentence = trust["sentence"].as_str().context("no sentence")?;
    let (_, rest) = sentence.split_once("it is ").context("no age")?;
    let (age, unit) = rest.split_once(' ').context("no unit")?;
    ensure!(unit.starts_with("s old"), "{sentence}");
    Ok(age.parse()?)
}

#[test]
fn only_what_validators_signed_is_believed() -> Result<()> {
    let anvil = Anvil::start()?;
    let node = Node::before(&anvil.url())?;
    anvil.mine(10)?;
    let mut beacon = Beacon::start(&node)?;
    beacon.finalize(&node, 3)?;
    let settings = settings(&anvil, &node, &beacon)?;
    let seedbox = settings.start()?;
    seedbox.claim()?;

    let trust = wait_final(&seedbox, &node, 3)?;
    ensure!(trust["level"] == "finalized", "{trust}");
    let sentence = trust["sentence"].as_str().unwrap_or_default();
    ensure!(
        sentence.contains("signed by Ethereum's validators"),
        "{sentence}"
    );
    let root = trust["checkpoint"]["root"].as_str().unwrap_or_default();
    ensure!(beacon.checkpoint() == format!("0x{root}"), "{trust}");
    ensure!(
        trust["checkpoint"]["age"].as_u64() > Some(16_000),
        "{trust}"
    );
    beacon.finalize(&node, 5)?;
    wait_final(&seedbox, &node, 5)?;

    // Its death is noticed, the last block stays, its age grows, also over a restart.
    beacon.die();
    wait_refused(&seedbox, "cannot be reached", 5)?;
    let before = age(&seedbox)?;
    wait_until("the age to grow", LIMIT, || {
        let now = age(&seedbox)?;
        ensure!(now >= before + 3, "{now} s, {before} s before");
        Ok(())
    })?;
    seedbox.terminate()?;
    let mut seedbox = settings.start()?;
    seedbox.sign_in()?;
    wait_refused(&seedbox, "cannot be reached", 5)?;
    ensure!(age(&seedbox)? >= before + 3, "it grew younger");
    beacon.rise()?;
    beacon.finalize(&node, 6)?;
    wait_final(&seedbox, &node, 6)?;
    ensure!(!seedbox.log().contains("secret-key"), "a key is in the log");
    ensure!(!seedbox.status()?.to_string().contains("secret-key"));
    seedbox.ensure_sound()
}

#[test]
fn no_lie_is_believed() -> Result<()> {
    let anvil = Anvil::start()?;
    let node = Node::before(&anvil.url())?;
    anvil.mine(20)?;
    let beacon = Beacon::start(&node)?;
    beacon.finalize(&node, 2)?;
    let mut seedbox = settings(&anvil, &node, &beacon)?.start()?;
    seedbox.claim()?;
    wait_final(&seedbox, &node, 2)?;
    // No two that are named by the same words follow each other.
    for (manner, words) in [
        (Manner::WrongSignature, "did not sign"),
        (
            Manner::WrongBlock,
            "the proof of the execution header is wrong",
        ),
        (Manner::WrongChain, "did not sign"),
        (Manner::OldHead, "signed in the last 3 minutes"),
        (Manner::Truncated, "cannot be reached"),
        (Manner::Endless, "more than"),
        (Manner::UnknownFork, "newer version of the box"),
        (Manner::Silent, "did not answer"),
    ] {
        beacon.behave(manner);
        beacon.finalize(&node, 3)?;
        wait_refused(&seedbox, words, 2).with_context(|| format!("{manner:?}"))?;
    }
    beacon.behave(Manner::Honest);
    wait_final(&seedbox, &node, 3)?;
    seedbox.ensure_sound()
}

/// Blocks near the head are vouched for before they are final, and whoever keeps them back is found
/// out by that.
#[test]
fn what_is_signed_has_to_be_told() -> Result<()> {
    let anvil = Anvil::start()?;
    let (first, second) = (Node::before(&anvil.url())?, Node::before(&anvil.url())?);
    let owner = anvil.account(5).to_owned();
    anvil.mine(5)?;
    let beacon = Beacon::start(&first)?;
    beacon.finalize(&first, 3)?;
    let mut seedbox = settings(&anvil, &first, &beacon)?
        .set("rpc", format!("{},{}", first.rpc_url(), second.rpc_url()))
        .start()?;
    seedbox.claim()?;
    let known = anvil.height()?;
    seedbox.wait_block(known, LIMIT)?;

    // From here on the first endpoint keeps every block to itself.
    first.lie(Lie::OldHead(known));
    anvil.mint(&owner, 1, 2)?;
    let height = anvil.height()?;
    beacon.sign(&second, height)?;
    let chain = wait_until("the newest block to be vouched for", LIMIT, || {
        let chain = seedbox.status()?["chain"].take();
        ensure!(chain["corroborated"]["number"] == height, "{chain}");
        ensure!(chain["as_of"]["number"] == height, "{chain}");
        let error = chain["endpoints"][0]["error"].as_str().unwrap_or_default();
        ensure!(error.contains("keeps blocks back"), "{chain}");
        Ok(chain)
    })?;
    ensure!(chain["parcels"] == 1, "{chain}");
    ensure!(chain["endpoints"][1]["active"] == true, "{chain}");
    // It is worth what signatures are worth, and no more.
    let head: Value = seedbox.public().get("/grid/head")?;
    ensure!(
        head["trust"] == "signed" && head["stale"] == false,
        "{head}"
    );
    ensure!(
        trust(&seedbox)?["block"]["number"] == 3,
        "that is what is final"
    );

    // Alone, its silence is seen by the age of what it told.
    first.tell_the_truth();
    let mut alone = settings(&anvil, &first, &beacon)?.start()?;
    alone.claim()?;
    alone.wait_block(height, LIMIT)?;
    first.lie(Lie::OldHead(height));
    anvil.mine(1)?;
    beacon.sign(&second, height + 1)?;
    wait_until("its silence to be noticed", LIMIT, || {
        let head: Value = alone.public().get("/grid/head")?;
        ensure!(
            head["stale"] == true && head["age"].as_u64() > Some(0),
            "{head}"
        );
        let chain = alone.status()?["chain"].take();
        ensure!(chain["health"] == "failing", "{chain}");
        Ok(())
    })?;
    alone.ensure_sound()?;
    seedbox.ensure_sound()
}
