//! What an endpoint can show for a block: a header that hashes to the block's hash, and for each
//! contract the proof of its storage root against that header's state root (EIP-1186). Once
//! checked, the endpoint's word no longer counts, only the hash's.

use alloy::{
    consensus::Header as ConsensusHeader,
    primitives::{Address, B256, Bytes, U256, keccak256},
    rlp,
    rpc::types::EIP1186AccountProofResponse,
    trie::{Nibbles, TrieAccount, proof::verify_proof},
};
use seedbox_core::{BlockRef, UnixTime};
use seedbox_store::chain::Contract;

use crate::{Deployment, endpoint_error::EndpointError, storage::Roots};

/// Nodes in one account proof at most: one for each half byte of the path, and the leaf.
const MAX_NODES: usize = 65;
/// Bytes of one node at most: a branch of 16 hashes.
const MAX_NODE: usize = 600;

/// The proved storage roots of the contracts at one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// The block whose state it is.
    pub(crate) block: BlockRef,
    /// RLP of the header; its keccak-256 is the block's hash.
    pub(crate) header: Vec<u8>,
    /// What the header says of the state after the block.
    pub(crate) state_root: B256,
    /// Nodes from the state root to each contract's account.
    pub(crate) accounts: [Vec<Bytes>; 3],
    /// What the accounts say of their storage.
    pub(crate) roots: Roots,
}

impl Evidence {
    /// Checks a header and account proofs, in the order of [`Contract::ALL`], for a block.
    ///
    /// # Errors
    /// [`EndpointError::Disproved`]: they do not prove it.
    pub(crate) fn check(
        deployment: &Deployment,
        block: &BlockRef,
        header: &ConsensusHeader,
        proofs: [EIP1186AccountProofResponse; 3],
    ) -> Result<Self, EndpointError> {
        let encoded = rlp::encode(header);
        if keccak256(&encoded).0 != block.hash || header.number != block.number {
            return Err(EndpointError::Disproved(
                "the header does not have the block's hash",
            ));
        }
        let mut roots = Roots::default();
        for ((contract, proof), root) in Contract::ALL.iter().zip(&proofs).zip(&mut roots) {
            let address = Address::from(deployment.address(*contract).0);
            *root = check_account(header.state_root, address, proof)?;
        }
        Ok(Self {
            block: BlockRef {
                timestamp: UnixTime(header.timestamp),
                ..*block
            },
            header: encoded,
            state_root: header.state_root,
            accounts: proofs.map(|proof| proof.account_proof),
            roots,
        })
    }
}

/// The storage root of an account that the state root holds.
///
/// # Errors
/// [`EndpointError::Disproved`]: the proof does not show it.
pub(crate) fn check_account(
    state_root: B256,
    address: Address,
    proof: &EIP1186AccountProofResponse,
) -> Result<B256, EndpointError> {
    check_size(&proof.account_proof)?;
    let account = TrieAccount::new(
        proof.nonce,
        proof.balance,
        proof.storage_hash,
        proof.code_hash,
    );
    let key = Nibbles::unpack(keccak256(address));
    verify_proof(
        state_root,
        key,
        Some(rlp::encode(account)),
        &proof.account_proof,
    )
    .map_err(|_| EndpointError::Disproved("an account is not in the block's state"))?;
    Ok(proof.storage_hash)
}

/// The word in one slot of a contract's storage, zero where there is none.
///
/// # Errors
/// [`EndpointError::Disproved`]: the proof does not show it.
pub(crate) fn check_slot(
    root: B256,
    slot: U256,
    word: U256,
    proof: &[Bytes],
) -> Result<(), EndpointError> {
    check_size(proof)?;
    let expected = (!word.is_zero()).then(|| rlp::encode(word));
    let key = Nibbles::unpack(crate::storage::path(slot));
    verify_proof(root, key, expected, proof)
        .map_err(|_| EndpointError::Disproved("a word is not in the contract's storage"))
}

fn check_size(proof: &[Bytes]) -> Result<(), EndpointError> {
    if proof.len() > MAX_NODES || proof.iter().any(|node| node.len() > MAX_NODE) {
        return Err(EndpointError::Disproved("a proof that is too large"));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use alloy::trie::{HashBuilder, proof::ProofRetainer};

    use super::*;
    use crate::{made_up_chain::deployment, storage::Storage};

    /// A state with the contracts' accounts among others, and the proofs of theirs.
    pub(crate) fn state(roots: Roots) -> (B256, [EIP1186AccountProofResponse; 3]) {
        let account =
            |storage_root| TrieAccount::new(1, U256::ZERO, storage_root, B256::repeat_byte(9));
        let of = |contract| Address::from(deployment().address(contract).0);
        let strangers = (0..50u8).map(|n| (Address::repeat_byte(n), B256::repeat_byte(n)));
        let ours = Contract::ALL.into_iter().zip(roots);
        let mut leaves: Vec<(Nibbles, Vec<u8>)> = ours
            .map(|(contract, root)| (of(contract), root))
            .chain(strangers)
            .map(|(address, root)| {
                let path = Nibbles::unpack(keccak256(address));
                (path, rlp::encode(account(root)))
            })
            .collect();
        leaves.sort();
        let targets = Contract::ALL.map(|contract| Nibbles::unpack(keccak256(of(contract))));
        let mut builder =
            HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets.to_vec()));
        for (path, account) in leaves {
            builder.add_leaf(path, &account);
        }
        let state_root = builder.root();
        let nodes = builder.take_proof_nodes();
        let mut proofs = targets.into_iter().zip(roots).map(|(target, root)| {
            let path = nodes.matching_nodes_sorted(&target);
            let known = account(root);
            EIP1186AccountProofResponse {
                nonce: known.nonce,
                code_hash: known.code_hash,
                storage_hash: root,
                account_proof: path.into_iter().map(|(_, node)| node).collect(),
                ..Default::default()
            }
        });
        (state_root, std::array::from_fn(|_| proofs.next().unwrap()))
    }

    fn header(state_root: B256) -> (BlockRef, ConsensusHeader) {
        let header = ConsensusHeader {
            number: 7,
            timestamp: 1_700_000_000,
            state_root,
            ..ConsensusHeader::default()
        };
        let block = BlockRef {
            number: 7,
            hash: header.hash_slow().0,
            timestamp: UnixTime(header.timestamp),
        };
        (block, header)
    }

    #[test]
    fn only_the_truth_is_proved() {
        let roots = Storage::default().roots();
        let (state_root, proofs) = state(roots);
        let (block, header) = header(state_root);
        let check = |block: &BlockRef, header: &ConsensusHeader, proofs| {
            Evidence::check(&deployment(), block, header, proofs)
        };
        let evidence = check(&block, &header, proofs.clone()).unwrap();
        assert_eq!((evidence.roots, evidence.block), (roots, block));
        assert_eq!(keccak256(&evidence.header).0, block.hash);

        let elsewhere = BlockRef { number: 8, ..block };
        assert!(check(&elsewhere, &header, proofs.clone()).is_err());
        let other = ConsensusHeader {
            state_root: B256::repeat_byte(1),
            ..header.clone()
        };
        assert!(check(&block, &other, proofs.clone()).is_err());
        for change in [
            (|p| p.storage_hash = B256::repeat_byte(3)) as fn(&mut EIP1186AccountProofResponse),
            |p| p.nonce += 1,
            |p| drop(p.account_proof.pop()),
            |p| p.account_proof.clear(),
            |p| p.account_proof.extend(vec![Bytes::from(vec![0; 700])]),
        ] {
            let mut changed = proofs.clone();
            change(&mut changed[1]);
            assert!(check(&block, &header, changed).is_err());
        }
        let mut swapped = proofs;
        swapped.swap(0, 1);
        assert!(check(&block, &header, swapped).is_err());
    }

    #[test]
    fn a_slot_holds_what_it_holds_and_nothing_else() {
        let storage = Storage::default();
        let [root, ..] = storage.roots();
        let slots = [U256::ONE, U256::from(99)];
        let proofs = storage.prove(Contract::Land, &slots);
        let symbol = storage.word(Contract::Land, slots[0]);
        assert!(check_slot(root, slots[0], symbol, &proofs[0]).is_ok());
        assert!(check_slot(root, slots[0], U256::ZERO, &proofs[0]).is_err());
        assert!(check_slot(root, slots[1], U256::ZERO, &proofs[1]).is_ok());
        assert!(check_slot(root, slots[1], U256::ONE, &proofs[1]).is_err());
        assert!(check_slot(root, slots[1], U256::ZERO, &[]).is_err());
    }
}
