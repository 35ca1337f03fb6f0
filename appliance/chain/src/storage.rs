//! The contracts' storage, word for word, as their events make it: what a state root can be held
//! against. `contracts/README.md` has the layout.

mod replay;
mod trie;
mod words;

use alloy::primitives::{B256, U256, keccak256};
use seedbox_store::chain::{Contract, Row};

pub(crate) use replay::replay;
pub(crate) use trie::Roots;
use words::Words;

/// Slot of a token's name, and of its symbol.
const NAME: U256 = U256::ZERO;
const SYMBOL: U256 = U256::ONE;
/// Base slot of a token's mapping from IDs to owners.
pub(crate) const TOKEN_OWNERS: U256 = U256::from_limbs([2, 0, 0, 0]);

/// The words of all contracts. A copy costs little.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Storage {
    words: [Words; 3],
}

impl Default for Storage {
    /// What the contracts hold before their first event.
    fn default() -> Self {
        let mut storage = Self {
            words: Default::default(),
        };
        for (contract, slot, text) in [
            (Contract::Land, NAME, "Cosmos Land"),
            (Contract::Land, SYMBOL, "LAND"),
            (Contract::Model, NAME, "Cosmos Model"),
            (Contract::Model, SYMBOL, "MODEL"),
        ] {
            storage.set(contract, path(slot), short_string(text.as_bytes()));
        }
        storage
    }
}

impl Storage {
    /// The word in a slot, zero where there is none.
    pub(crate) fn word(&self, contract: Contract, slot: U256) -> U256 {
        self.words[contract as usize].get(&path(slot))
    }

    /// Sets a word by its path in the trie and returns it as it was.
    pub(crate) fn set(&mut self, contract: Contract, path: B256, word: U256) -> U256 {
        self.words[contract as usize].change(path, |_| word).0
    }

    /// Changes a word; gives the row before and after, if they differ.
    fn change(
        &mut self,
        contract: Contract,
        path: B256,
        change: impl FnOnce(U256) -> U256,
    ) -> Option<(Row, Row)> {
        let (before, after) = self.words[contract as usize].change(path, change);
        let row = |word: U256| Row::Slot(contract, path.0, word.to_be_bytes());
        (before != after).then(|| (row(before), row(after)))
    }
}

/// Where a slot lies in the storage trie.
pub(crate) fn path(slot: U256) -> B256 {
    keccak256(slot.to_be_bytes::<32>())
}

/// Where a mapping at `slot` keeps a key's value.
pub(crate) fn entry(key: U256, slot: U256) -> U256 {
    let mut preimage = [0; 64];
    preimage[..32].copy_from_slice(&key.to_be_bytes::<32>());
    preimage[32..].copy_from_slice(&slot.to_be_bytes::<32>());
    keccak256(preimage).into()
}

/// A string of at most 31 bytes with twice its length, as one word.
fn short_string(text: &[u8]) -> U256 {
    word_of(text) | U256::from(text.len() * 2)
}

/// Up to 32 bytes, left-aligned.
fn word_of(bytes: &[u8]) -> U256 {
    let mut word = [0; 32];
    word[..bytes.len()].copy_from_slice(bytes);
    U256::from_be_bytes(word)
}
