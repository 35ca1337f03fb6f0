//! The words of one contract by their paths, in buckets of the first three half bytes. A copy
//! shares the buckets that it does not change, and each bucket remembers the hash of its part of
//! the trie: after a change only that of the bucket is computed anew.

use std::sync::{Arc, OnceLock};

use alloy::{
    primitives::{B256, U256},
    rlp,
    trie::{HashBuilder, Nibbles},
};

/// Half bytes of a path that name its bucket.
const DEPTH: usize = 3;
const BUCKETS: usize = 1 << (4 * DEPTH);

/// All words that are not zero, in the order of the trie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    buckets: Vec<Option<Arc<Bucket>>>,
}

/// The words below one place of the trie, ascending.
#[derive(Debug, Clone, Default)]
pub(super) struct Bucket {
    words: Vec<(B256, U256)>,
    hash: OnceLock<B256>,
}

impl PartialEq for Bucket {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

impl Eq for Bucket {}

impl Default for Words {
    fn default() -> Self {
        Self {
            buckets: vec![None; BUCKETS],
        }
    }
}

impl Words {
    pub(super) fn get(&self, path: &B256) -> U256 {
        let bucket = self.buckets[bucket_of(path)].as_ref();
        bucket
            .and_then(|bucket| Some(bucket.words[bucket.find(path).ok()?].1))
            .unwrap_or_default()
    }

    /// Changes a word and returns it as it was and as it is.
    pub(super) fn change(&mut self, path: B256, change: impl FnOnce(U256) -> U256) -> (U256, U256) {
        let slot = &mut self.buckets[bucket_of(&path)];
        let shared = slot.get_or_insert_default();
        let found = shared.find(&path);
        let before = found.map_or(U256::ZERO, |at| shared.words[at].1);
        let word = change(before);
        if before != word {
            let bucket = Arc::make_mut(shared);
            bucket.hash = OnceLock::new();
            match found {
                Ok(at) if word.is_zero() => drop(bucket.words.remove(at)),
                Ok(at) => bucket.words[at].1 = word,
                Err(at) => bucket.insert(at, path, word),
            }
        }
        if shared.words.is_empty() {
            *slot = None;
        }
        (before, word)
    }

    /// The buckets with words, ascending, each with its place in the trie.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (Nibbles, &Bucket)> {
        self.buckets
            .iter()
            .zip(0u16..)
            .filter_map(|(bucket, index)| {
                let [high, low] = index.to_be_bytes();
                let place = Nibbles::from_nibbles([high, low >> 4, low & 0xf]);
                Some((place, &**bucket.as_ref()?))
            })
    }
}

impl Bucket {
    pub(super) fn words(&self) -> &[(B256, U256)] {
        &self.words
    }

    /// Hash of the trie's node at the bucket's place, if it is a branch; else it is an extension
    /// or a leaf, which may begin above.
    pub(super) fn branch(&self) -> Option<B256> {
        let [(first, _), .., (last, _)] = self.words.as_slice() else {
            return None;
        };
        let parts = |path: &B256| Nibbles::unpack(path).get(DEPTH);
        if parts(first) == parts(last) {
            return None;
        }
        let hash = self.hash.get_or_init(|| {
            let mut builder = HashBuilder::default();
            for (path, word) in &self.words {
                let below = Nibbles::unpack(path).slice(DEPTH..);
                builder.add_leaf(below, &rlp::encode_fixed_size(word));
            }
            builder.root()
        });
        Some(*hash)
    }

    fn find(&self, path: &B256) -> Result<usize, usize> {
        self.words.binary_search_by(|(known, _)| known.cmp(path))
    }

    fn insert(&mut self, at: usize, path: B256, word: U256) {
        // A large world has thousands of buckets: doubling each would waste half of its memory.
        if self.words.len() == self.words.capacity() {
            self.words.reserve_exact(2 + self.words.len() / 8);
        }
        self.words.insert(at, (path, word));
    }
}

fn bucket_of(path: &B256) -> usize {
    usize::from(path[0]) << 4 | usize::from(path[1]) >> 4
}
