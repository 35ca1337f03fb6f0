//! A chain that dies, hangs, comes back and forks: the box serves the last state it knows, says
//! how old that is, deletes nothing meanwhile, and ends right.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{seedbox::Seedbox, wait::wait_until, world::World};

const LIMIT: Duration = Duration::from_secs(60);

/// Placements that the box knows for the owner's wallet.
fn placements(seedbox: &Seedbox) -> Result<usize> {
    let wallets: Value = seedbox.admin().get("/api/v1/wallets")?;
    let parcels = wallets["wallets"][0]["parcels"]
        .as_array()
        .context("no parcels")?;
    Ok(parcels
        .iter()
        .filter_map(|parcel| parcel["placements"].as_array())
        .map(Vec::len)
        .sum())
}

fn wait_placements(seedbox: &Seedbox, expected: usize) -> Result<()> {
    wait_until(&format!("{expected} placements"), LIMIT, || {
        let found = placements(seedbox)?;
        ensure!(found == expected, "there are {found}");
        Ok(())
    })
}

/// Waits until the box says that the chain is silent, and checks that it still says since when.
fn wait_silence_noticed(seedbox: &Seedbox) -> Result<()> {
    wait_until("the box to notice the silence", LIMIT, || {
        let chain = &seedbox.status()?["chain"];
        let health = chain["health"].as_str().unwrap_or_default();
        ensure!(
            matches!(health, "attention" | "failing"),
            "it says: {chain}"
        );
        ensure!(
            chain["as_of"]["observed_at"].as_u64().is_some(),
            "no age: {chain}"
        );
        let sentence = chain["sentence"].as_str().unwrap_or_default();
        ensure!(
            sentence.contains("block"),
            "it does not name the block it serves: {sentence}"
        );
        Ok(())
    })
}

#[test]
fn a_chain_that_dies_comes_back_and_forks() -> Result<()> {
    let mut world = World::start()?;
    let owner = world.owner().to_owned();
    let parcel = world.anvil.mint(&owner, 8, 8)?;
    let (first, first_id) = world.publish_random("first", 200_000)?;
    let (second, second_id) = world.publish_random("second", 200_000)?;
    world.wait_seeding()?;
    world.anvil.place(&owner, parcel, first_id)?;
    let settings = world.settings()?;
    let mut seedbox = world.owners_box(&settings)?;
    seedbox.wait_secured(&first.info_hash, "owned", LIMIT)?;
    seedbox.wait_block(world.anvil.height()?, LIMIT)?;

    world.anvil.stop()?;
    wait_silence_noticed(&seedbox)?;
    ensure!(
        placements(&seedbox)? == 1,
        "the last state is served no longer"
    );
    // Also a box that starts in the silence knows what is its owner's.
    seedbox.terminate()?;
    let mut seedbox = settings.start()?;
    seedbox.sign_in()?;
    seedbox.wait_secured(&first.info_hash, "owned", LIMIT)?;
    ensure!(
        placements(&seedbox)? == 1,
        "the last state did not survive a restart"
    );

    world.anvil.start_again()?;
    world.anvil.place(&owner, parcel, second_id)?;
    wait_placements(&seedbox, 2)?;
    seedbox.wait_secured(&second.info_hash, "owned", LIMIT)?;
    // The fork takes the second placement with it.
    world.anvil.mine(2)?;
    seedbox.wait_block(world.anvil.height()?, LIMIT)?;
    world.anvil.reorganise(3)?;
    world.anvil.mine(1)?;
    wait_placements(&seedbox, 1)?;
    seedbox.wait_secured(&second.info_hash, "community", LIMIT)?;
    let height = world.anvil.height()?;
    seedbox.wait_block(height, LIMIT)?;
    let status = seedbox.status()?;
    ensure!(status["chain"]["reorgs"].as_u64() >= Some(1), "{status}");
    ensure!(status["chain"]["health"] == "well", "{status}");
    world.anvil.place(&owner, parcel, second_id)?;
    seedbox.wait_secured(&second.info_hash, "owned", LIMIT)?;
    seedbox.ensure_sound()
}

#[test]
fn a_chain_that_hangs_does_not_hang_the_box() -> Result<()> {
    let world = World::start()?;
    let owner = world.owner();
    let parcel = world.anvil.mint(owner, 9, 9)?;
    let (model, id) = world.publish_random("held", 200_000)?;
    world.wait_seeding()?;
    world.anvil.place(owner, parcel, id)?;
    let mut seedbox = world.owners_box(&world.settings()?)?;
    seedbox.wait_secured(&model.info_hash, "owned", LIMIT)?;

    world.anvil.freeze()?;
    wait_silence_noticed(&seedbox)?;
    let asked = Instant::now();
    ensure!(
        placements(&seedbox)? == 1,
        "the last state is served no longer"
    );
    ensure!(
        asked.elapsed() < Duration::from_secs(1),
        "the panel took {:?}",
        asked.elapsed()
    );
    world.anvil.resume()?;
    world.anvil.mine(1)?;
    seedbox.wait_block(world.anvil.height()?, LIMIT)?;
    seedbox.ensure_sound()
}

#[test]
fn the_second_endpoint_takes_over() -> Result<()> {
    let world = World::start()?;
    let owner = world.owner();
    // Nobody listens on the discard port.
    let endpoints = format!("http://127.0.0.1:9/secret-key,{}", world.node.rpc_url());
    let settings = world.settings()?.set("rpc", endpoints);
    let mut seedbox = world.owners_box(&settings)?;
    world.anvil.mint(owner, 1, 0)?;
    seedbox.wait_block(world.anvil.height()?, LIMIT)?;
    let endpoints = seedbox.status()?["chain"]["endpoints"].clone();
    ensure!(endpoints[1]["active"] == true, "{endpoints}");
    ensure!(endpoints[0]["error"].is_string(), "{endpoints}");
    for (place, text) in [
        ("the log", seedbox.log()),
        ("the status", seedbox.status()?.to_string()),
    ] {
        ensure!(
            !text.contains("secret-key"),
            "an endpoint's key is in {place}"
        );
    }
    seedbox.ensure_sound()
}

#[test]
fn the_endpoint_of_another_chain_is_not_believed() -> Result<()> {
    let world = World::start()?;
    let deployment = std::fs::read_to_string(world.anvil.deployment())?.replace("31337", "1");
    let settings = world.settings()?;
    let file = settings.data().with_extension("json");
    std::fs::write(&file, deployment)?;
    let settings = settings.set("deployment", file.display().to_string());
    let mut seedbox = world.owners_box(&settings)?;
    world.anvil.mint(world.owner(), 1, 0)?;
    wait_until("the wrong chain to be named", LIMIT, || {
        let chain = &seedbox.status()?["chain"];
        let error = chain["endpoints"][0]["error"].as_str().unwrap_or_default();
        ensure!(error.contains("31337"), "{chain}");
        Ok(())
    })?;
    ensure!(
        seedbox.status()?["chain"]["parcels"] == 0,
        "it was believed"
    );
    seedbox.ensure_sound()
}

#[test]
fn a_quorum_needs_as_many_as_were_asked_for() -> Result<()> {
    let world = World::start()?;
    let again = world.node.rpc_url().replace("127.0.0.1", "localhost");
    let dead = "http://127.0.0.1:9/secret-key";
    let rpc = format!("{},{again},{dead}", world.node.rpc_url());
    let settings = world
        .settings()?
        .set("rpc", rpc)
        .set("chain_trust", "quorum");
    let seedbox = world.owners_box(&settings.clone().set("chain_quorum", "2"))?;
    let trust = wait_until("two endpoints to agree", LIMIT, || {
        let trust = seedbox.status()?["chain"]["trust"].clone();
        ensure!(trust["block"]["agree"] == 2, "{trust}");
        Ok(trust)
    })?;
    ensure!(
        trust["level"] == "quorum" && trust["health"] == "well",
        "{trust}"
    );
    let height = trust["block"]["number"].as_u64().context("no height")?;
    let hash = trust["block"]["hash"].as_str().unwrap_or_default();
    ensure!(
        world.node.block_hash(height)? == format!("0x{hash}"),
        "{trust}"
    );
    drop(seedbox);

    let settings = world
        .settings()?
        .set("rpc", format!("{},{dead}", world.node.rpc_url()));
    let settings = settings
        .set("chain_trust", "quorum")
        .set("chain_quorum", "2");
    let seedbox = world.owners_box(&settings)?;
    wait_until("the missing voice to be named", LIMIT, || {
        let chain = &seedbox.status()?["chain"];
        ensure!(chain["trust"]["block"].is_null(), "believed: {chain}");
        let sentence = chain["sentence"].as_str().unwrap_or_default();
        ensure!(sentence.contains("only 1 answer"), "{chain}");
        ensure!(chain["health"] == "failing", "{chain}");
        ensure!(!chain.to_string().contains("secret-key"), "{chain}");
        Ok(())
    })
}
