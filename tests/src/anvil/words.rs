//! What the chain itself says of the contracts' storage: its root, and every single word.

use std::{collections::BTreeMap, io::Read};

use alloy::{
    primitives::{B256, U256, keccak256},
    rlp,
    trie::{HashBuilder, Nibbles},
};
use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::json;

use super::{Anvil, Client, call};

/// anvil's dump of its newest state.
#[derive(Deserialize)]
struct Dump {
    accounts: BTreeMap<String, Account>,
}

#[derive(Deserialize)]
struct Account {
    storage: BTreeMap<U256, U256>,
}

impl Anvil {
    /// The storage root of an account as the chain itself tells it for its newest block. It is not
    /// Ethereum's once a word of the account was zero.
    ///
    /// # Errors
    /// The chain does not answer.
    pub fn storage_hash(&self, account: &str) -> Result<String> {
        storage_hash(&self.rpc, account, "latest")
    }

    /// The storage roots that Ethereum has for the words that the chain holds in its newest block.
    ///
    /// # Errors
    /// The chain does not answer, or has no such account.
    pub fn rehashed(&self, accounts: &[&str]) -> Result<Vec<String>> {
        let dump: String = serde_json::from_value(call(&self.rpc, "anvil_dumpState", &json!([]))?)?;
        let packed = hex::decode(dump.trim_start_matches("0x"))?;
        let mut text = Vec::new();
        GzDecoder::new(&packed[..]).read_to_end(&mut text)?;
        let dump: Dump = serde_json::from_slice(&text)?;
        let root = |account: &&str| {
            let account = account.to_lowercase();
            let account = dump.accounts.get(&account).context("no such account")?;
            Ok(root(&account.storage).to_string())
        };
        accounts.iter().map(root).collect()
    }
}

/// The root of a storage trie (Yellow Paper, section 4.1).
fn root(words: &BTreeMap<U256, U256>) -> B256 {
    let leaves: BTreeMap<B256, U256> = words
        .iter()
        .filter(|(_, word)| !word.is_zero())
        .map(|(slot, word)| (keccak256(slot.to_be_bytes::<32>()), *word))
        .collect();
    let mut builder = HashBuilder::default();
    for (path, word) in leaves {
        builder.add_leaf(Nibbles::unpack(path), &rlp::encode(word));
    }
    builder.root()
}

/// The storage root of an account at a block, by a node's word.
pub(crate) fn storage_hash(rpc: &Client, account: &str, block: &str) -> Result<String> {
    let proof = call(rpc, "eth_getProof", &json!([account, [], block]))?;
    let hash = proof["storageHash"].as_str().context("no storage root")?;
    Ok(hash.to_owned())
}
