//! What many people do at once: blocks full of transactions, sent together and mined on demand.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use alloy::{primitives::Address, rpc::types::Log, sol_types::SolCall};
use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Anvil, call, hexadecimal, number, request};
use crate::{contracts::ILand, wait::wait_until};

/// Gas for any one call: the dearest is to publish a model with a kilobyte of sources.
const GAS: u64 = 1_500_000;
/// What a block may hold.
const BLOCK_GAS: u64 = 2_000_000_000;
/// Requests in one batch.
const BATCH: usize = 200;
const LIMIT: Duration = Duration::from_secs(60);

/// One call of a contract, by an account that the chain holds the key of.
#[derive(Debug, Clone)]
pub struct Order {
    from: String,
    to: String,
    data: String,
    gas: u64,
}

impl Order {
    /// A call of the contract at `to`.
    pub fn new(from: &str, to: &str, call: &impl SolCall) -> Self {
        Self::raw(from, to, &call.abi_encode())
    }

    /// A call of the contract at `to` in the ABI's encoding.
    pub fn raw(from: &str, to: &str, data: &[u8]) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            data: format!("0x{}", hex::encode(data)),
            gas: GAS,
        }
    }

    fn transaction(&self, nonce: u64) -> Value {
        json!({
            "from": self.from, "to": self.to, "data": self.data, "gas": hexadecimal(self.gas),
            "nonce": hexadecimal(nonce),
        })
    }
}

impl Anvil {
    /// From now on blocks come when they are asked for, and hold whatever waits.
    ///
    /// # Errors
    /// The chain does not answer.
    pub fn mine_by_hand(&self) -> Result<()> {
        let limit = json!([hexadecimal(BLOCK_GAS)]);
        call(&self.rpc, "evm_setBlockGasLimit", &limit)?;
        call(&self.rpc, "evm_setAutomine", &json!([false])).map(drop)
    }

    /// From now on every transaction has a block of its own again.
    ///
    /// # Errors
    /// The chain does not answer.
    pub fn mine_at_once(&self) -> Result<()> {
        call(&self.rpc, "evm_setAutomine", &json!([true])).map(drop)
    }

    /// Sends calls, which wait for a block; those of one account keep their order.
    ///
    /// # Errors
    /// The chain refused one.
    pub fn send(&self, orders: &[Order]) -> Result<()> {
        let mut nonces = self.nonces(orders, "pending")?;
        let requests: Vec<Value> = orders
            .iter()
            .map(|order| {
                let transaction = order.transaction(next(&mut nonces, &order.from));
                request("eth_sendTransaction", &json!([transaction]))
            })
            .collect();
        for batch in requests.chunks(BATCH) {
            let answers: Vec<Value> = self.rpc.post("", &json!(batch))?.json()?;
            let refused = answers.iter().find(|answer| answer.get("error").is_some());
            ensure!(refused.is_none(), "a call was refused: {refused:?}");
        }
        Ok(())
    }

    /// Mines blocks until no transaction waits any more: one, if the gas suffices.
    ///
    /// # Errors
    /// Some cannot be mined.
    pub fn mine_all(&self) -> Result<()> {
        wait_until("transactions to be mined", LIMIT, || {
            self.mine(1)?;
            let pool = call(&self.rpc, "txpool_status", &json!([]))?;
            let left = number(&pool["pending"])? + number(&pool["queued"])?;
            ensure!(left == 0, "{pool}");
            Ok(())
        })
    }

    /// Mints parcels by token ID, each share to somebody else, so many shares a block.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn mint_all(&self, shares: &[(String, Vec<u64>)], a_block: usize) -> Result<()> {
        self.mine_by_hand()?;
        for some in shares.chunks(a_block) {
            let orders = some.iter().map(|(to, parcels)| {
                let mint = ILand::mintBatchCall {
                    to: to.parse::<Address>()?,
                    parcelIds: parcels
                        .iter()
                        .map(|id| u32::try_from(*id))
                        .collect::<Result<_, _>>()?,
                };
                let gas = 60_000 + 60_000 * parcels.len() as u64;
                Ok(Order {
                    gas,
                    ..Order::new(self.account(0), self.land(), &mint)
                })
            });
            self.send(&orders.collect::<Result<Vec<_>>>()?)?;
            self.mine_all()?;
        }
        self.mine_at_once()
    }

    /// Replaces the newest blocks, one for each list, by others that hold these calls.
    ///
    /// # Errors
    /// The chain refused it.
    pub fn reorganise_with(&self, blocks: &[Vec<Order>]) -> Result<()> {
        let top = self.height()?;
        let before = self.block_hash(top)?;
        let common = hexadecimal(top - blocks.len() as u64);
        let all: Vec<Order> = blocks.iter().flatten().cloned().collect();
        let mut nonces = self.nonces(&all, &common)?;
        let numbered = blocks.iter().zip(0u64..).flat_map(|(orders, at)| {
            let transactions = orders
                .iter()
                .map(|order| order.transaction(next(&mut nonces, &order.from)));
            let pairs: Vec<Value> = transactions.map(|t| json!([t, at])).collect();
            pairs
        });
        let transactions: Vec<Value> = numbered.collect();
        call(
            &self.rpc,
            "anvil_reorg",
            &json!([blocks.len(), transactions]),
        )?;
        ensure!(self.block_hash(top)? != before, "the chain did not fork");
        Ok(())
    }

    /// Forgets the newest `depth` blocks.
    ///
    /// # Errors
    /// The chain is not that long.
    pub fn roll_back(&self, depth: u64) -> Result<()> {
        call(&self.rpc, "anvil_rollback", &json!([depth])).map(drop)
    }

    /// The logs of all contracts in a range of blocks.
    ///
    /// # Errors
    /// The chain does not answer.
    pub fn logs(&self, blocks: RangeInclusive<u64>) -> Result<Vec<Log>> {
        let range = json!([{
            "fromBlock": hexadecimal(*blocks.start()), "toBlock": hexadecimal(*blocks.end()),
        }]);
        let logs = call(&self.rpc, "eth_getLogs", &range)?;
        Ok(serde_json::from_value(logs)?)
    }

    /// How many transactions are in a range of blocks.
    ///
    /// # Errors
    /// The chain does not answer.
    pub fn transactions(&self, blocks: RangeInclusive<u64>) -> Result<usize> {
        let count = |height| {
            let block = self.block(height)?;
            Ok(block["transactions"].as_array().map_or(0, Vec::len))
        };
        blocks.map(count).sum()
    }

    fn nonces(&self, orders: &[Order], block: &str) -> Result<BTreeMap<String, u64>> {
        let mut nonces = BTreeMap::new();
        for Order { from, .. } in orders {
            if !nonces.contains_key(from) {
                let sent = call(&self.rpc, "eth_getTransactionCount", &json!([from, block]))?;
                nonces.insert(from.clone(), number(&sent)?);
            }
        }
        Ok(nonces)
    }
}

fn next(nonces: &mut BTreeMap<String, u64>, account: &str) -> u64 {
    let nonce = nonces.entry(account.to_owned()).or_default();
    *nonce += 1;
    *nonce - 1
}
