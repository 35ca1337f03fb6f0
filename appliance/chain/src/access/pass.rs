//! Passes of the standard gate: one word in one storage slot, proved by one storage proof, and kept
//! for as long as the contract's storage root stays what it was.

use std::collections::{HashMap, VecDeque};

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    rpc::types::EIP1186AccountProofResponse,
};
use seedbox_core::{PassProof, Subject, WalletAddress};

use super::Anchor;
use crate::{
    endpoint_error::EndpointError,
    evidence::{check_account, check_slot},
    storage::entry,
};

/// Slot of the passes' mapping in AccessPass, for ever.
const PASSES: U256 = U256::ZERO;

/// Passes that are remembered: about 4 MB.
const MOST: usize = 1_024;

/// Where a pass lies.
pub(super) fn slot(subject: Subject, wallet: WalletAddress) -> U256 {
    let of_subject = entry(U256::from_be_bytes(subject.number()), PASSES);
    entry(U256::from_be_slice(&wallet.0), of_subject)
}

/// The contract's account at one block, proved.
#[derive(Debug, Clone)]
struct Account {
    block: [u8; 32],
    nodes: Vec<Bytes>,
    root: B256,
}

/// A word that was proved against a storage root.
#[derive(Debug, Clone)]
pub(super) struct Word {
    root: B256,
    pub(super) value: U256,
    nodes: Vec<Bytes>,
}

/// What was proved, so that a crowd asks the endpoints little: one question a block, and one more
/// for each pass after the contract's storage has changed.
pub(super) struct Passes {
    contract: WalletAddress,
    account: Option<Account>,
    words: HashMap<U256, Word>,
    /// The slots in `words`, oldest first.
    order: VecDeque<U256>,
}

impl Passes {
    pub(super) fn of(contract: WalletAddress) -> Self {
        Self {
            contract,
            account: None,
            words: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    pub(super) fn contract(&self) -> WalletAddress {
        self.contract
    }

    /// The word in a slot at the anchor's block, if that is known already.
    pub(super) fn known(&self, anchor: &Anchor, slot: U256) -> Option<PassProof> {
        let account = self.account.as_ref();
        let account = account.filter(|account| account.block == anchor.block.hash)?;
        let word = self.words.get(&slot)?;
        (word.root == account.root).then(|| PassProof {
            header_rlp: anchor.header.clone(),
            account: self.contract,
            account_proof: owned(&account.nodes),
            storage_hash: account.root.0,
            slot: PASSES.to_be_bytes(),
            key: slot.to_be_bytes(),
            value: word.value.to_be_bytes(),
            storage_proof: owned(&word.nodes),
        })
    }

    /// Checks what an endpoint says of a slot at the anchor's block, and keeps it.
    ///
    /// # Errors
    /// [`EndpointError::Disproved`]: it does not prove it; nothing is kept.
    pub(super) fn learn(
        &mut self,
        anchor: &Anchor,
        slot: U256,
        told: EIP1186AccountProofResponse,
    ) -> Result<(), EndpointError> {
        let nodes = told.account_proof.clone();
        let kept = check_word(anchor, self.contract, slot, told)?;
        self.account = Some(Account {
            block: anchor.block.hash,
            nodes,
            root: kept.root,
        });
        if self.words.insert(slot, kept).is_none() {
            self.order.push_back(slot);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.words.remove(&oldest);
        }
        Ok(())
    }
}

/// The one word that an endpoint proves to lie in a contract's slot at the anchor's block.
///
/// # Errors
/// [`EndpointError::Disproved`]: it does not prove it.
pub(super) fn check_word(
    anchor: &Anchor,
    contract: WalletAddress,
    slot: U256,
    told: EIP1186AccountProofResponse,
) -> Result<Word, EndpointError> {
    let root = check_account(anchor.state_root, Address::from(contract.0), &told)?;
    let [word] = <[_; 1]>::try_from(told.storage_proof)
        .map_err(|_| EndpointError::Disproved("another number of words than was asked for"))?;
    // Which slot it says that it is about does not matter: the path is the asked one's.
    check_slot(root, slot, word.value, &word.proof)?;
    Ok(Word {
        root,
        value: word.value,
        nodes: word.proof,
    })
}

fn owned(nodes: &[Bytes]) -> Vec<Vec<u8>> {
    nodes.iter().map(|node| node.to_vec()).collect()
}
