//! The storage tries' roots, and proofs of single words for others to check.

use alloy::{
    primitives::{B256, Bytes, U256},
    rlp,
    trie::{HashBuilder, Nibbles, proof::ProofRetainer},
};
use seedbox_store::chain::Contract;

use super::{Storage, path};

/// The storage root of every contract, in the order of [`Contract::ALL`].
pub(crate) type Roots = [B256; 3];

impl Storage {
    /// The roots of all storage tries. What did not change since they were last computed, of this
    /// storage or of one that it is a copy of, is not computed again: a second for some 100,000
    /// words on slow hardware the first time, milliseconds after that.
    pub(crate) fn roots(&self) -> Roots {
        Contract::ALL.map(|contract| self.build(contract, HashBuilder::default(), &[]).root())
    }

    /// The nodes from the storage root to each slot's word, or to where it would be (EIP-1186).
    pub(crate) fn prove(&self, contract: Contract, slots: &[U256]) -> Vec<Vec<Bytes>> {
        let targets: Vec<Nibbles> = slots
            .iter()
            .map(|&slot| Nibbles::unpack(path(slot)))
            .collect();
        let retainer = ProofRetainer::new(targets.clone());
        let builder = HashBuilder::default().with_proof_retainer(retainer);
        let mut builder = self.build(contract, builder, &targets);
        builder.root();
        let nodes = builder.take_proof_nodes();
        targets
            .iter()
            .map(|target| {
                let path = nodes.matching_nodes_sorted(target);
                path.into_iter().map(|(_, node)| node).collect()
            })
            .collect()
    }

    /// Puts a contract's trie together out of the known hashes of its parts, and of all leaves
    /// where one of `targets` may be.
    fn build(
        &self,
        contract: Contract,
        mut builder: HashBuilder,
        targets: &[Nibbles],
    ) -> HashBuilder {
        let mut sought: Vec<Nibbles> = targets.to_vec();
        sought.sort_unstable();
        for (place, bucket) in self.words[contract as usize].buckets() {
            let first = sought.partition_point(|target| *target < place);
            let wanted = sought.get(first).is_some_and(|t| t.starts_with(&place));
            match bucket.branch().filter(|_| !wanted) {
                Some(hash) => builder.add_branch(place, hash, false),
                None => {
                    for (path, word) in bucket.words() {
                        builder.add_leaf(Nibbles::unpack(path), &rlp::encode_fixed_size(word));
                    }
                }
            }
        }
        builder
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy::{
        primitives::keccak256,
        trie::{EMPTY_ROOT_HASH, proof::verify_proof},
    };

    use super::*;

    #[test]
    fn a_contract_without_words_has_the_empty_root() {
        let [.., placement] = Storage::default().roots();
        assert_eq!(placement, EMPTY_ROOT_HASH);
    }

    fn word_by_chance(slot: U256) -> U256 {
        U256::from_be_bytes(keccak256(slot.to_be_bytes::<32>()).0) >> 96
    }

    #[test]
    fn words_and_their_absence_are_proved() {
        // Few words, about one in each part of the trie, and several.
        for count in [1u64, 2, 400, 5_000, 30_000] {
            let mut storage = Storage::default();
            for slot in (0..count).map(U256::from) {
                storage.set(Contract::Placement, path(slot), word_by_chance(slot));
            }
            let slots: Vec<U256> = (count.saturating_sub(100)..count + 100)
                .map(U256::from)
                .collect();
            let [.., root] = storage.roots();
            let proofs = storage.prove(Contract::Placement, &slots);
            for (&slot, proof) in slots.iter().zip(&proofs) {
                let word = storage.word(Contract::Placement, slot);
                let expected = (!word.is_zero()).then(|| rlp::encode(word));
                let key = Nibbles::unpack(path(slot));
                verify_proof(root, key, expected.clone(), proof).unwrap();
                let wrong = Some(rlp::encode(U256::from(7)));
                assert!(verify_proof(root, key, wrong, proof).is_err());
            }
        }
    }

    #[test]
    fn roots_after_changes_are_those_of_all_words() {
        let mut storage = Storage::default();
        let mut words: BTreeMap<B256, U256> = BTreeMap::new();
        let mut earlier: Vec<(Storage, B256)> = Vec::new();
        for step in 0..40_000u64 {
            // Each slot several times, a third of the words zero.
            let slot = U256::from(step.wrapping_mul(7_919) % 11_000);
            let word = match step % 3 {
                0 => U256::ZERO,
                _ => word_by_chance(slot + U256::from(step)),
            };
            storage.set(Contract::Placement, path(slot), word);
            match word.is_zero() {
                true => words.remove(&path(slot)),
                false => words.insert(path(slot), word),
            };
            if step % 997 == 0 || step < 50 {
                let mut builder = HashBuilder::default();
                for (path, word) in &words {
                    builder.add_leaf(Nibbles::unpack(path), &rlp::encode(word));
                }
                let [.., root] = storage.roots();
                assert_eq!(root, builder.root(), "after step {step}");
                earlier.push((storage.clone(), root));
            }
        }
        for (storage, root) in earlier {
            assert_eq!(storage.roots()[2], root);
        }
    }
}
