//! The state of all accounts after a block, as Ethereum defines it: a word that is zero is not in
//! the storage trie, an empty account (EIP-161) not in the state trie.

use std::collections::{BTreeMap, BTreeSet};

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    rlp,
    rpc::types::{EIP1186AccountProofResponse, EIP1186StorageProof},
    trie::{KECCAK_EMPTY, TrieAccount},
};
use serde::Deserialize;

use super::trie::Trie;

/// All accounts that there are, and the trie of them. A clone costs little.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    accounts: BTreeMap<Address, Account>,
    trie: Trie,
}

#[derive(Debug, Clone)]
struct Account {
    nonce: u64,
    balance: U256,
    code_hash: B256,
    storage: Trie,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: KECCAK_EMPTY,
            storage: Trie::default(),
        }
    }
}

/// What a transaction changed: geth's `prestateTracer` in `diffMode`. A word that became zero is
/// in `pre` alone.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Difference {
    pre: BTreeMap<Address, Touched>,
    post: BTreeMap<Address, Touched>,
}

/// Of an account, what differs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Touched {
    balance: Option<U256>,
    nonce: Option<u64>,
    code: Option<Bytes>,
    storage: BTreeMap<B256, B256>,
}

impl Difference {
    /// Accounts that were there before the first transaction.
    pub(super) fn endowment(balances: impl IntoIterator<Item = (Address, U256)>) -> Self {
        let touched = |balance| Touched {
            balance: Some(balance),
            ..Touched::default()
        };
        let post = balances.into_iter();
        Self {
            pre: BTreeMap::new(),
            post: post.map(|(address, b)| (address, touched(b))).collect(),
        }
    }
}

impl State {
    /// Makes the changes of a block's transactions.
    pub(super) fn apply(&mut self, differences: Vec<Difference>) {
        let mut changed = BTreeSet::new();
        for Difference { pre, post } in differences {
            for (address, before) in pre {
                let storage = &mut self.accounts.entry(address).or_default().storage;
                for slot in before.storage.keys() {
                    storage.set(slot.as_slice(), Vec::new());
                }
                changed.insert(address);
            }
            for (address, after) in post {
                self.accounts.entry(address).or_default().change(after);
                changed.insert(address);
            }
        }
        for address in changed {
            let account = self.accounts.entry(address).or_default();
            self.trie.set(address.as_slice(), account.encoded());
        }
    }

    /// The state root.
    pub(super) fn root(&self) -> B256 {
        self.trie.root()
    }

    /// An account and some of its words, with their proofs (EIP-1186).
    pub(super) fn prove(&self, address: Address, slots: &[B256]) -> EIP1186AccountProofResponse {
        let account = self.accounts.get(&address).cloned().unwrap_or_default();
        let storage_proof = slots.iter().map(|slot| {
            let (value, proof) = account.storage.prove(slot.as_slice());
            let word = value.and_then(|value| rlp::decode_exact(value).ok());
            EIP1186StorageProof {
                key: (*slot).into(),
                value: word.unwrap_or_default(),
                proof,
            }
        });
        EIP1186AccountProofResponse {
            address,
            balance: account.balance,
            code_hash: account.code_hash,
            nonce: account.nonce,
            storage_hash: account.storage.root(),
            account_proof: self.trie.prove(address.as_slice()).1,
            storage_proof: storage_proof.collect(),
        }
    }
}

impl Account {
    fn change(&mut self, after: Touched) {
        self.balance = after.balance.unwrap_or(self.balance);
        self.nonce = after.nonce.unwrap_or(self.nonce);
        if let Some(code) = after.code {
            self.code_hash = keccak256(code);
        }
        for (slot, word) in after.storage {
            let word = U256::from_be_bytes(word.0);
            let value = if word.is_zero() {
                Vec::new()
            } else {
                rlp::encode(word)
            };
            self.storage.set(slot.as_slice(), value);
        }
    }

    /// Its place in the state trie; nothing if it is empty.
    fn encoded(&self) -> Vec<u8> {
        if self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK_EMPTY {
            return Vec::new();
        }
        rlp::encode(TrieAccount::new(
            self.nonce,
            self.balance,
            self.storage.root(),
            self.code_hash,
        ))
    }
}
