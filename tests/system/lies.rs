//! Endpoints that lie: the box finds them out, says so, goes on with an honest one, and never
//! serves a word of what they made up.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use system_tests::{
    anvil::Anvil,
    node::{Lie, Node},
    seedbox::{Seedbox, Settings},
    wait::{hold, wait_until},
};

const LIMIT: Duration = Duration::from_secs(60);

/// A chain with two nodes before it, of which the box asks the first first; and what is true.
struct Scene {
    liar: Node,
    honest: Node,
    anvil: Anvil,
    /// Parcels minted, by the block from which on there are so many.
    minted: BTreeMap<u64, u64>,
}

impl Scene {
    /// The owner has one parcel.
    fn new() -> Result<Self> {
        let anvil = Anvil::start()?;
        let mut scene = Self {
            liar: Node::before(&anvil.url())?,
            honest: Node::before(&anvil.url())?,
            anvil,
            minted: BTreeMap::from([(0, 0)]),
        };
        scene.mint()?;
        Ok(scene)
    }

    fn owner(&self) -> &str {
        self.anvil.account(5)
    }

    /// Somebody to whom no parcel belongs, ever.
    fn thief(&self) -> &str {
        self.anvil.account(6)
    }

    /// Mints one more parcel for the owner, in a block of its own.
    fn mint(&mut self) -> Result<()> {
        let count = self.minted.len();
        self.anvil.mint(self.owner(), i16::try_from(count)?, 0)?;
        self.minted.insert(self.anvil.height()?, count as u64);
        Ok(())
    }

    /// A box with the wallets of both.
    fn seedbox(&self, nodes: &[&Node]) -> Result<Seedbox> {
        let urls: Vec<String> = nodes.iter().map(|node| node.rpc_url()).collect();
        let seedbox = Settings::new()?
            .set("rpc", urls.join(","))
            .set("deployment", self.anvil.deployment().display().to_string())
            .start()?;
        seedbox.claim()?;
        seedbox.link_wallet(self.owner())?;
        seedbox.link_wallet(self.thief())?;
        Ok(seedbox)
    }

    /// What the box says of the chain.
    ///
    /// # Errors
    /// It serves something that is not so.
    fn served(&self, seedbox: &Seedbox) -> Result<Value> {
        let chain = seedbox.status()?["chain"].take();
        let parcels = chain["parcels"].as_u64().context("no parcels")?;
        let height = chain["as_of"]["number"].as_u64().unwrap_or(0);
        let truth = self.minted.range(..=height).next_back();
        ensure!(
            truth.is_some_and(|(_, minted)| *minted == parcels),
            "{truth:?} is the truth, but: {chain}"
        );
        let wallets: Value = seedbox.admin().get("/api/v1/wallets")?;
        for wallet in wallets["wallets"].as_array().context("no wallets")? {
            let name = wallet["address"].as_str().unwrap_or_default();
            let owned = wallet["parcels"].as_array().context("no parcels")?;
            let is_owner = name.eq_ignore_ascii_case(self.owner());
            let most = if is_owner { self.minted.len() - 1 } else { 0 };
            ensure!(owned.len() <= most, "there are but {most}: {wallets}");
        }
        Ok(chain)
    }

    /// Waits for a word of the box about the chain. Whatever it serves meanwhile must be true.
    fn wait(
        &self,
        seedbox: &Seedbox,
        what: &str,
        probe: impl Fn(&Value) -> Result<()>,
    ) -> Result<Value> {
        wait_until(what, LIMIT, || match self.served(seedbox) {
            Ok(chain) => Ok(probe(&chain).map(|()| Ok(chain))?),
            Err(lie) => Ok(Err(lie)),
        })?
    }

    /// Waits until the box serves the newest block through this of its endpoints.
    fn wait_followed(&self, seedbox: &Seedbox, endpoint: usize) -> Result<Value> {
        let height = self.anvil.height()?;
        self.wait(seedbox, "the box to follow", |chain| {
            let through = &chain["endpoints"][endpoint];
            ensure!(
                chain["as_of"]["number"].as_u64() >= Some(height) && through["active"] == true,
                "{chain}"
            );
            Ok(())
        })
    }

    /// The first endpoint has this fault and the second tells everything.
    fn wait_found_out(&self, seedbox: &Seedbox, fault: &str) -> Result<()> {
        let chain = self.wait_followed(seedbox, 1)?;
        let error = chain["endpoints"][0]["error"].as_str().unwrap_or_default();
        ensure!(error.contains(fault), "no word of {fault:?} in {chain}");
        Ok(())
    }

    /// The first endpoint begins to lie to a box that knew it as honest, while the chain goes on;
    /// then it repents.
    fn found_out(&mut self, seedbox: &Seedbox, lie: Lie, fault: &str) -> Result<()> {
        self.wait_followed(seedbox, 0)?;
        let context = format!("{lie:?} after the truth");
        self.liar.lie(lie);
        self.mint()?;
        self.wait_found_out(seedbox, fault).context(context)?;
        self.liar.tell_the_truth();
        self.wait_followed(seedbox, 0).map(drop)
    }

    /// The first endpoint lies to a box that knows nothing yet.
    fn found_out_at_first_sight(&self, lie: Lie, fault: &str) -> Result<Seedbox> {
        let context = format!("{lie:?} at first sight");
        self.liar.lie(lie);
        let seedbox = self.seedbox(&[&self.liar, &self.honest])?;
        self.wait_found_out(&seedbox, fault).context(context)?;
        self.liar.tell_the_truth();
        Ok(seedbox)
    }

    fn next_block(&self) -> Result<u64> {
        Ok(self.anvil.height()? + 1)
    }

    fn flip_owner(&self) -> Result<Lie> {
        let deployment = std::fs::read(self.anvil.deployment())?;
        let deployment: Value = serde_json::from_slice(&deployment)?;
        Ok(Lie::FlipOwner {
            contract: deployment["land"].as_str().context("no land")?.to_owned(),
            owner: self.thief().to_owned(),
        })
    }
}

#[test]
fn events_that_are_left_out_or_changed() -> Result<()> {
    let mut scene = Scene::new()?;
    let fault = "do not add up";
    let height = scene.anvil.height()?;
    scene.found_out_at_first_sight(Lie::OmitLogsOf(height), fault)?;
    let flip_owner = scene.flip_owner()?;
    let mut seedbox = scene.found_out_at_first_sight(flip_owner.clone(), fault)?;
    let next = Lie::OmitLogsOf(scene.next_block()?);
    scene.found_out(&seedbox, next, fault)?;
    scene.found_out(&seedbox, Lie::OmitEveryLog(1), fault)?;
    scene.found_out(&seedbox, flip_owner, fault)?;
    seedbox.ensure_sound()
}

#[test]
fn proofs_that_prove_nothing() -> Result<()> {
    let mut scene = Scene::new()?;
    let fault = "could not prove";
    scene.found_out_at_first_sight(Lie::NoProofs, "gives no proofs")?;
    scene.found_out_at_first_sight(Lie::WrongProofNode, fault)?;
    let mut seedbox = scene.found_out_at_first_sight(Lie::ForgedBlock(1), fault)?;
    scene.found_out(&seedbox, Lie::WrongStorageRoot, fault)?;
    scene.found_out(&seedbox, Lie::WrongProofNode, fault)?;
    let next = Lie::ForgedBlock(scene.next_block()?);
    scene.found_out(&seedbox, next, fault)?;
    // Also blocks that the box has read and proved.
    let read = Lie::ForgedBlock(scene.next_block()? - 2);
    scene.found_out(&seedbox, read, fault)?;
    scene.found_out(&seedbox, Lie::NoProofs, "gives no proofs")?;
    seedbox.ensure_sound()
}

#[test]
fn answers_that_are_of_no_use() -> Result<()> {
    let mut scene = Scene::new()?;
    scene.found_out_at_first_sight(Lie::WrongChainId(1), "follows chain 1")?;
    scene.found_out_at_first_sight(Lie::Truncated, "makes no sense")?;
    let mut seedbox = scene.found_out_at_first_sight(Lie::Huge, "more than")?;
    scene.found_out(&seedbox, Lie::Truncated, "makes no sense")?;
    scene.found_out(&seedbox, Lie::Huge, "more than")?;
    let old = Lie::OldHead(scene.next_block()? - 2);
    scene.found_out(&seedbox, old, "behind block")?;
    seedbox.ensure_sound()
}

#[test]
fn an_endpoint_that_never_answers() -> Result<()> {
    let mut scene = Scene::new()?;
    let mut seedbox = scene.seedbox(&[&scene.liar, &scene.honest])?;
    scene.found_out(&seedbox, Lie::Hang, "did not answer")?;
    seedbox.ensure_sound()
}

/// Without anybody honest, the last proved state stays, with its age.
#[test]
fn a_liar_alone() -> Result<()> {
    let mut scene = Scene::new()?;
    let mut seedbox = scene.seedbox(&[&scene.liar])?;
    for (lie, fault) in [
        (Lie::OmitEveryLog(1), "do not add up"),
        (scene.flip_owner()?, "do not add up"),
        (Lie::WrongStorageRoot, "could not prove"),
        (Lie::ForgedBlock(scene.next_block()?), "could not prove"),
        (Lie::NoProofs, "gives no proofs"),
        (Lie::Truncated, "makes no sense"),
    ] {
        let known = scene.wait_followed(&seedbox, 0)?["as_of"].take();
        scene.liar.lie(lie.clone());
        scene.mint()?;
        let named = format!("{lie:?} to be noticed");
        let chain = scene.wait(&seedbox, &named, |chain| {
            let error = chain["endpoints"][0]["error"].as_str().unwrap_or_default();
            ensure!(error.contains(fault), "no word of {fault:?} in {chain}");
            Ok(())
        })?;
        ensure!(chain["health"] != "well", "{chain}");
        let kept = |chain: &Value| {
            ensure!(chain["as_of"]["number"] == known["number"], "{chain}");
            ensure!(chain["as_of"]["observed_at"].is_u64(), "no age: {chain}");
            Ok(())
        };
        hold("the last proved state", Duration::from_secs(1), || {
            kept(&scene.served(&seedbox)?)
        })?;
        scene.liar.tell_the_truth();
        let chain = scene.wait_followed(&seedbox, 0)?;
        ensure!(chain["health"] == "well", "{chain}");
    }
    seedbox.ensure_sound()
}
