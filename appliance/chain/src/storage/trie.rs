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
    /// The roots of all storage tries. Takes a second for some 100,000 words on slow hardware.
    pub(crate) fn roots(&self) -> Roots {
        Contract::ALL.map(|contract| self.build(contract, HashBuilder::default()).root())
    }

    /// The nodes from the storage root to each slot's word, or to where it would be (EIP-1186).
    /// Takes as long as the roots do, however many slots there are.
    pub(crate) fn prove(&self, contract: Contract, slots: &[U256]) -> Vec<Vec<Bytes>> {
        let targets: Vec<Nibbles> = slots
            .iter()
            .map(|&slot| Nibbles::unpack(path(slot)))
            .collect();
        let retainer = ProofRetainer::new(targets.clone());
        let builder = HashBuilder::default().with_proof_retainer(retainer);
        let mut builder = self.build(contract, builder);
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

    fn build(&self, contract: Contract, mut builder: HashBuilder) -> HashBuilder {
        for (path, word) in &self.words[contract as usize] {
            builder.add_leaf(Nibbles::unpack(path), &rlp::encode_fixed_size(word));
        }
        builder
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn words_and_their_absence_are_proved() {
        let mut storage = Storage::default();
        let slots: Vec<U256> = (0..500u64).map(U256::from).collect();
        for &slot in &slots[..400] {
            let word = U256::from_be_bytes(keccak256(slot.to_be_bytes::<32>()).0) >> 96;
            storage.write(Contract::Placement, slot, word);
        }
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
