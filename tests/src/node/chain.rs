//! anvil's blocks, each with the state that Ethereum would have after it, and so with another
//! state root and hash: anvil 1.7.1 keeps words that are zero in its storage tries.

use std::{collections::HashMap, sync::Arc};

use alloy::{
    consensus::Header,
    primitives::{Address, B256, U64, U256},
    rpc::types::Header as RpcHeader,
};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    state::{Difference, State},
    upstream::Upstream,
};

/// Blocks that are taken in at once.
const CHUNK: u64 = 500;
/// Times that the chain may fork while its blocks are taken in.
const MAX_FORKS: u32 = 20;

/// All blocks from the first on; a block's number is its place.
pub(super) struct Chain {
    upstream: Upstream,
    blocks: Vec<Block>,
    /// Heights by anvil's hashes.
    heights: HashMap<B256, usize>,
}

/// A block as it should be.
#[derive(Clone)]
pub(super) struct Block {
    pub(super) header: Header,
    pub(super) hash: B256,
    /// Its hash where it comes from.
    pub(super) anvils_hash: B256,
    /// The answer that anvil gives for it, without the transactions' contents.
    pub(super) answer: Value,
    pub(super) state: Arc<State>,
}

#[derive(Deserialize)]
struct Traced {
    result: Difference,
}

impl Chain {
    /// The chain of an anvil that still remembers its first block's state.
    ///
    /// # Errors
    /// It does not answer.
    pub(super) fn new(upstream: Upstream) -> Result<Self> {
        let mut chain = Self {
            upstream,
            blocks: Vec::new(),
            heights: HashMap::new(),
        };
        let accounts: Vec<Address> = chain.upstream.ask("eth_accounts", &json!([]))?;
        let params: Vec<Value> = accounts.iter().map(|a| json!([a, "0x0"])).collect();
        let balances: Vec<U256> = chain.upstream.ask_each("eth_getBalance", &params)?;
        let mut genesis = State::default();
        genesis.apply(vec![Difference::endowment(
            accounts.into_iter().zip(balances),
        )]);
        let first = chain.at("0x0")?.context("there is no first block")?;
        chain.add(first, Arc::new(genesis))?;
        chain.follow()?;
        Ok(chain)
    }

    /// Where the blocks come from.
    pub(super) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// All blocks, the first first.
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Height of the block that anvil knows by this hash.
    pub(super) fn height_of(&self, anvils_hash: &B256) -> Option<usize> {
        self.heights.get(anvils_hash).copied()
    }

    /// Goes back to where anvil's chain forked off, and takes in what is new.
    ///
    /// # Errors
    /// anvil does not answer, or cannot trace a block.
    pub(super) fn follow(&mut self) -> Result<()> {
        let mut forks = 0;
        while forks < MAX_FORKS {
            let head = self.at("latest")?.context("the chain has no head")?;
            if self.newest()?.anvils_hash == hash(&head)? {
                return Ok(());
            }
            let top = number(&head)?;
            self.undo(top)?;
            let next = self.blocks.len() as u64;
            let params: Vec<Value> = (next..=top.min(next + CHUNK - 1))
                .map(|number| json!([U64::from(number), false]))
                .collect();
            let answers: Vec<Option<Value>> =
                self.upstream.ask_each("eth_getBlockByNumber", &params)?;
            for answer in answers.into_iter().flatten() {
                if parent(&answer)? != self.newest()?.anvils_hash {
                    break;
                }
                let state = self.state_after(&answer)?;
                self.add(answer, state)?;
            }
            forks += u32::from(self.blocks.len() as u64 == next);
        }
        bail!("the chain forks faster than it can be followed")
    }

    /// Takes back blocks beyond `head` and those that anvil no longer has.
    fn undo(&mut self, head: u64) -> Result<()> {
        while self.blocks.len() > 1 {
            let newest = self.newest()?;
            let height = newest.header.number;
            if height <= head {
                let there = self.at(&format!("{height:#x}"))?;
                if there.as_ref().map(hash).transpose()? == Some(newest.anvils_hash) {
                    break;
                }
            }
            let undone = newest.anvils_hash;
            self.heights.remove(&undone);
            self.blocks.pop();
        }
        Ok(())
    }

    fn add(&mut self, answer: Value, state: Arc<State>) -> Result<()> {
        let rpc: RpcHeader = serde_json::from_value(answer.clone())?;
        ensure!(
            rpc.inner.hash_slow() == rpc.hash && rpc.inner.number == self.blocks.len() as u64,
            "block {} has a header of an unknown kind",
            rpc.inner.number
        );
        let header = Header {
            parent_hash: self.blocks.last().map_or(B256::ZERO, |block| block.hash),
            state_root: state.root(),
            ..rpc.inner
        };
        self.heights.insert(rpc.hash, self.blocks.len());
        self.blocks.push(Block {
            hash: header.hash_slow(),
            header,
            anvils_hash: rpc.hash,
            answer,
            state,
        });
        Ok(())
    }

    /// The newest block's state with the changes of the block after it.
    fn state_after(&self, block: &Value) -> Result<Arc<State>> {
        let before = &self.newest()?.state;
        let transactions = block["transactions"].as_array().map_or(0, Vec::len);
        if transactions == 0 {
            return Ok(before.clone());
        }
        let tracer = json!({"tracer": "prestateTracer", "tracerConfig": {"diffMode": true}});
        let traced: Vec<Traced> = self
            .upstream
            .ask("debug_traceBlockByHash", &json!([block["hash"], tracer]))?;
        ensure!(traced.len() == transactions, "traces are missing");
        let mut state = State::clone(before);
        state.apply(traced.into_iter().map(|traced| traced.result).collect());
        Ok(Arc::new(state))
    }

    fn newest(&self) -> Result<&Block> {
        self.blocks.last().context("there is no first block")
    }

    fn at(&self, block: &str) -> Result<Option<Value>> {
        self.upstream
            .ask("eth_getBlockByNumber", &json!([block, false]))
    }
}

fn hash(block: &Value) -> Result<B256> {
    Ok(serde_json::from_value(block["hash"].clone())?)
}

fn parent(block: &Value) -> Result<B256> {
    Ok(serde_json::from_value(block["parentHash"].clone())?)
}

fn number(block: &Value) -> Result<u64> {
    let number: U64 = serde_json::from_value(block["number"].clone())?;
    Ok(number.to())
}
