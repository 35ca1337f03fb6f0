//! What light clients are sent, in one shape for all forks: what differs between forks is decided
//! when it is decoded (how long, which fields) and when it is checked (where it hangs in the tree).

use serde::{Deserialize, Serialize};

use crate::{
    Bytes, Error, ExecutionHeader, Network, Root,
    error::Branch,
    merkle::{is_valid_branch, root_of, root_of_bytes, root_of_number},
};

/// Generalized index of `execution_payload` in the block's body, from Capella to Fulu.
pub(crate) const EXECUTION_PAYLOAD_INDEX: u64 = 25;

/// `BeaconBlockHeader` (phase 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BeaconBlockHeader {
    /// Its slot.
    #[serde(with = "crate::json::quoted")]
    pub slot: u64,
    /// Who proposed it.
    #[serde(with = "crate::json::quoted")]
    pub proposer_index: u64,
    /// Root of the block before.
    pub parent_root: Root,
    /// Root of the beacon state after it.
    pub state_root: Root,
    /// Root of its body.
    pub body_root: Root,
}

impl BeaconBlockHeader {
    /// Its hash tree root, which is the block's root.
    pub fn root(&self) -> Root {
        root_of(&[
            root_of_number(self.slot),
            root_of_number(self.proposer_index),
            self.parent_root,
            self.state_root,
            self.body_root,
        ])
    }
}

/// `LightClientHeader` (Capella): a beacon block's header with its execution payload's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Header {
    /// The beacon block.
    pub beacon: BeaconBlockHeader,
    /// Its execution payload.
    pub execution: ExecutionHeader,
    /// Proves the payload's header in the block's body.
    pub execution_branch: Vec<Root>,
}

impl Header {
    /// Whether there is nothing in it, as where a header is left out.
    pub(crate) fn is_empty(&self) -> bool {
        self.beacon == BeaconBlockHeader::default()
            && self.execution.is_empty()
            && self.execution_branch.iter().all(|node| *node == Root::ZERO)
    }

    /// The root of the execution payload's header in the shape of the block's own fork
    /// (`get_lc_execution_root`).
    ///
    /// # Errors
    /// [`Error::WrongExecutionHeader`] if it is of another fork's shape, and those of
    /// [`Network::fork_at`].
    pub fn execution_root(&self, network: &Network) -> Result<Root, Error> {
        let slot = self.beacon.slot;
        let with_blob_gas = network.fork_at(slot)?.has_blob_gas();
        let fits = match self.execution.has_blob_gas() {
            Some(true) if with_blob_gas => true,
            // A block from before Deneb in Deneb's shape: blob gas there is, but none.
            Some(true) => {
                self.execution.blob_gas_used == Some(0) && self.execution.excess_blob_gas == Some(0)
            }
            Some(false) => !with_blob_gas,
            None => false,
        };
        if !fits {
            return Err(Error::WrongExecutionHeader { slot });
        }
        Ok(self.execution.root(with_blob_gas))
    }

    /// Checks that the execution payload's header is the beacon block's
    /// (`is_valid_light_client_header`).
    pub(crate) fn check(&self, network: &Network) -> Result<(), Error> {
        let root = self.execution_root(network)?;
        is_valid_branch(
            &root,
            &self.execution_branch,
            EXECUTION_PAYLOAD_INDEX,
            &self.beacon.body_root,
        )
        .then_some(())
        .ok_or(Error::WrongBranch(Branch::Execution))
    }
}

/// `SyncCommittee` (Altair).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncCommittee {
    /// The members' compressed public keys; `SYNC_COMMITTEE_SIZE` of them.
    pub pubkeys: Vec<Bytes<48>>,
    /// Their sum.
    pub aggregate_pubkey: Bytes<48>,
}

impl SyncCommittee {
    /// Its hash tree root.
    pub fn root(&self) -> Root {
        let keys: Vec<Root> = self
            .pubkeys
            .iter()
            .map(|key| root_of_bytes(&key.0))
            .collect();
        root_of(&[root_of(&keys), root_of_bytes(&self.aggregate_pubkey.0)])
    }

    /// Whether there is nothing in it, as where a committee is left out.
    pub(crate) fn is_empty(&self) -> bool {
        self.pubkeys
            .iter()
            .chain([&self.aggregate_pubkey])
            .all(|key| *key == Bytes::ZERO)
    }
}

/// `SyncAggregate` (Altair): who signed, and their added-up signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncAggregate {
    /// One bit a member, in the order of the committee.
    pub participation: Vec<bool>,
    /// The aggregate signature.
    pub signature: Bytes<96>,
}

impl SyncAggregate {
    /// How many signed.
    pub fn participants(&self) -> usize {
        self.participation.iter().filter(|signed| **signed).count()
    }

    /// Whether at least two thirds signed.
    pub fn has_supermajority(&self) -> bool {
        self.participants() * 3 >= self.participation.len() * 2
    }
}

/// `LightClientBootstrap`: a block and the sync committee of its period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// The block that was asked for.
    pub header: Header,
    /// The committee.
    pub current_sync_committee: SyncCommittee,
    /// Proves it in the block's state.
    pub current_sync_committee_branch: Vec<Root>,
}

/// A next sync committee with its proof in the attested block's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitteeProof {
    /// The committee.
    pub committee: SyncCommittee,
    /// The proof.
    pub branch: Vec<Root>,
}

/// A finalized block with its proof in the attested block's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalityProof {
    /// The block; empty as long as nothing but genesis is final.
    pub header: Header,
    /// The proof.
    pub branch: Vec<Root>,
}

/// `LightClientUpdate`; a finality update is one without the committee, an optimistic update one
/// with neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The block that was signed.
    pub attested_header: Header,
    /// The committee of the next period.
    pub next_sync_committee: Option<CommitteeProof>,
    /// What was final in the signed block's eyes.
    pub finality: Option<FinalityProof>,
    /// Who signed.
    pub sync_aggregate: SyncAggregate,
    /// When they signed.
    pub signature_slot: u64,
}

impl Update {
    /// Slot of the signed block.
    pub fn attested_slot(&self) -> u64 {
        self.attested_header.beacon.slot
    }

    /// Slot of the finalized block, 0 without one.
    pub fn finalized_slot(&self) -> u64 {
        self.finality
            .as_ref()
            .map_or(0, |finality| finality.header.beacon.slot)
    }
}
