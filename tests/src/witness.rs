//! Holds what a box says is proved against the node and against the chain behind it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    anvil::Anvil,
    history::{CONTRACTS, History},
    node::Node,
    seedbox::Seedbox,
    wait::wait_until,
};

const LIMIT: Duration = Duration::from_secs(120);

/// What was compared so far, and was always equal.
#[derive(Debug, Default)]
pub struct Witness {
    /// Blocks at which the box had proved the state of all contracts.
    pub blocks: usize,
    /// Storage roots that were the chain's own `storageHash` too.
    pub plain: usize,
    /// Storage roots that the chain's own words have, without those that are zero.
    pub rehashed: usize,
}

impl Witness {
    /// Waits until the box has proved the newest block, and compares the storage roots: those of
    /// the node with the chain's own where they are Ethereum's, and the box's own word for that of
    /// the land with the node's.
    ///
    /// # Errors
    /// They differ, or the box did not come so far.
    pub fn compare(
        &mut self,
        seedbox: &Seedbox,
        node: &Node,
        anvil: &Anvil,
        history: &History<'_>,
    ) -> Result<()> {
        node.follow()?;
        let height = anvil.height()?;
        let hash = node.block_hash(height)?;
        wait_until("the newest block to be proved", LIMIT, || {
            let chain = &seedbox.status()?["chain"];
            let proved = &chain["proved"];
            let known = proved["hash"].as_str() == hash.strip_prefix("0x");
            ensure!(known && proved["number"] == height, "{chain}");
            Ok(())
        })
        .with_context(|| seedbox.log())?;
        self.blocks += 1;
        let contracts = [anvil.land(), anvil.model(), anvil.placement()];
        for (contract, spoiled) in contracts.into_iter().zip(history.spoiled()) {
            if !spoiled {
                let (ours, plain) = (node.storage_hash(contract)?, anvil.storage_hash(contract)?);
                ensure!(
                    ours == plain,
                    "block {height}: {contract} has {plain}, not {ours}"
                );
                self.plain += 1;
            }
        }
        // The map follows what was proved.
        let proof = wait_until("the newest block to be on the map", LIMIT, || {
            let head: Value = seedbox.public().get("/grid/head")?;
            ensure!(head["block"]["hash"] == hash.as_str(), "{head}");
            let epoch = head["epoch"].as_str().context("no epoch")?;
            seedbox
                .public()
                .get::<Value>(&format!("/grid/{epoch}/0/0/proof"))
        })?;
        let root = node.storage_hash(anvil.land())?;
        ensure!(proof["storageHash"] == root.as_str(), "not {root}: {proof}");
        Ok(())
    }

    /// Compares the roots with those of all words that the chain says to have, zeros left out.
    ///
    /// # Errors
    /// They differ.
    pub fn rehash(&mut self, node: &Node, anvil: &Anvil) -> Result<()> {
        let contracts: [&str; CONTRACTS] = [anvil.land(), anvil.model(), anvil.placement()];
        for (contract, words) in contracts.into_iter().zip(anvil.rehashed(&contracts)?) {
            let ours = node.storage_hash(contract)?;
            ensure!(ours == words, "{contract}'s words have {words}, not {ours}");
            self.rehashed += 1;
        }
        Ok(())
    }
}
