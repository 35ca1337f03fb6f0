//! The chain as the node tells of it: as it is, or cut short or forged by a lie. Everything that
//! names a block goes through here, so that all answers are of one chain.

use alloy::{
    consensus::Header,
    primitives::{B256, U64, keccak256},
};
use serde_json::{Value, json};

use super::{
    chain::{Block, Chain},
    lie::Lie,
};

/// Depths of the blocks that count as safe and as final, as anvil has them.
const SAFE: u64 = 32;
const FINALIZED: u64 = 64;

/// One telling of a chain.
pub(super) struct Told<'a> {
    chain: &'a Chain,
    head: u64,
    /// The blocks from the first forged one on, with their hashes.
    forged: Vec<(Header, B256)>,
}

impl<'a> Told<'a> {
    pub(super) fn new(chain: &'a Chain, lie: Option<&Lie>) -> Self {
        let newest = (chain.blocks().len() as u64).saturating_sub(1);
        Self {
            chain,
            head: match lie {
                Some(Lie::OldHead(head)) => newest.min(*head),
                _ => newest,
            },
            forged: match lie {
                Some(Lie::ForgedBlock(first)) => forge(chain.blocks(), *first),
                _ => Vec::new(),
            },
        }
    }

    /// Height of the newest block.
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// The block at a height, if the telling goes so far.
    pub(super) fn block(&self, height: u64) -> Option<&'a Block> {
        let place = usize::try_from(height).ok()?;
        self.chain
            .blocks()
            .get(place)
            .filter(|_| height <= self.head)
    }

    /// Height of a block by its hash, a number or a tag, of which EIP-1898 allows each.
    pub(super) fn height(&self, block: &Value) -> Option<u64> {
        let block = match block {
            Value::Object(named) => named.get("blockHash").or(named.get("blockNumber"))?,
            block => block,
        };
        let height = match block.as_str()? {
            "latest" | "pending" => self.head,
            "safe" => self.head.saturating_sub(SAFE),
            "finalized" => self.head.saturating_sub(FINALIZED),
            "earliest" => 0,
            hash if hash.len() == 66 => self.height_of(&hash.parse().ok()?)?,
            _ => serde_json::from_value::<U64>(block.clone()).ok()?.to(),
        };
        Some(height)
    }

    fn height_of(&self, hash: &B256) -> Option<u64> {
        let mut heights = (0..=self.head).rev();
        heights.find(|height| {
            self.header(*height)
                .is_some_and(|(_, known)| known == *hash)
        })
    }

    fn header(&self, height: u64) -> Option<(&Header, B256)> {
        let block = self.block(height)?;
        let first = self.chain.blocks().len() - self.forged.len();
        let forged = usize::try_from(height).ok()?.checked_sub(first);
        match forged.and_then(|place| self.forged.get(place)) {
            Some((header, hash)) => Some((header, *hash)),
            None => Some((&block.header, block.hash)),
        }
    }

    /// Puts anvil's block hashes in place of those that are told: a question on its way to it.
    pub(super) fn ask_of_anvil(&self, question: &mut Value) {
        self.exchange(question, &|hash| {
            let block = self.block(self.height_of(hash)?)?;
            Some(block.anvils_hash)
        });
    }

    /// Puts the hashes and state roots that are told in place of anvil's: an answer on its way
    /// from it.
    pub(super) fn correct(&self, answer: &mut Value) {
        self.exchange(answer, &|hash| {
            let height = self.chain.height_of(hash)?;
            Some(self.header(height as u64)?.1)
        });
    }

    /// Whether anvil's answer is about blocks that are told, and no others.
    pub(super) fn covers(&self, answer: &Value) -> bool {
        match answer {
            Value::Array(members) => members.iter().all(|member| self.covers(member)),
            Value::Object(members) => match members.get("blockHash").and_then(Value::as_str) {
                Some(hash) => {
                    let hash = hash.parse().unwrap_or_default();
                    self.chain.height_of(&hash).is_some()
                }
                None => true,
            },
            _ => true,
        }
    }

    fn exchange(&self, value: &mut Value, other: &impl Fn(&B256) -> Option<B256>) {
        match value {
            Value::String(text) if text.len() == 66 => {
                if let Some(hash) = text.parse().ok().and_then(|hash| other(&hash)) {
                    *value = json!(hash);
                }
            }
            Value::Array(members) => {
                for member in members {
                    self.exchange(member, other);
                }
            }
            Value::Object(members) => {
                for member in members.values_mut() {
                    self.exchange(member, other);
                }
                let height = members.get("number").and_then(|height| self.height(height));
                let header = height.and_then(|height| self.header(height));
                if let (Some(root), Some((header, _))) = (members.get_mut("stateRoot"), header) {
                    *root = json!(header.state_root);
                }
            }
            _ => {}
        }
    }
}

/// The blocks from `first` on with made-up state roots, each the parent of the next.
fn forge(blocks: &[Block], first: u64) -> Vec<(Header, B256)> {
    let mut forged: Vec<(Header, B256)> = Vec::new();
    for block in blocks.iter().filter(|block| block.header.number >= first) {
        let header = Header {
            parent_hash: forged
                .last()
                .map_or(block.header.parent_hash, |(_, hash)| *hash),
            state_root: keccak256(block.header.state_root),
            ..block.header.clone()
        };
        let hash = header.hash_slow();
        forged.push((header, hash));
    }
    forged
}
