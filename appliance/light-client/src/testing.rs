//! A beacon chain of one's own for tests: committees of seeded keys that sign whatever they are
//! given. Its blocks and states are real where light clients look and filled in elsewhere.

use std::collections::BTreeMap;

use blst::min_pk::{AggregatePublicKey, PublicKey, SecretKey};
use ruint::aliases::U256;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{
    BeaconBlockHeader, Bootstrap, Bytes, CommitteeProof, Error, ExecutionHeader, FinalityProof,
    Fork, Header, Network, Root, SyncAggregate, SyncCommittee, Update,
    bls::CIPHERSUITE,
    containers::EXECUTION_PAYLOAD_INDEX,
    json::{AggregateData, BootstrapData, UpdateData, Versioned},
    merkle::hash,
    ssz::Shape,
};

/// The order of the group: secret keys are added up modulo this number.
const ORDER: U256 = U256::from_limbs([
    0xffff_ffff_0000_0001,
    0x53bd_a402_fffe_5bfe,
    0x3339_d808_09a1_d805,
    0x73ed_a753_299d_7d48,
]);

/// The chain: its network and everybody's keys.
pub struct SignedChain {
    network: Network,
    seed: u64,
    committees: BTreeMap<u64, Keys>,
}

struct Keys {
    secrets: Vec<SecretKey>,
    public: SyncCommittee,
}

/// A block with the parts of its state that light clients are shown.
#[derive(Debug, Clone)]
pub struct Block {
    /// Its header.
    pub header: Header,
    fork: Fork,
    finalized: Option<Header>,
    current: CommitteeProof,
    next: CommitteeProof,
    finality_branch: Vec<Root>,
}

impl SignedChain {
    /// A chain whose keys follow from `seed`.
    pub fn new(network: Network, seed: u64) -> Self {
        Self {
            network,
            seed,
            committees: BTreeMap::new(),
        }
    }

    /// Which network it is.
    pub fn network(&self) -> &Network {
        &self.network
    }

    fn keys(&mut self, period: u64) -> Result<&Keys, Error> {
        if !self.committees.contains_key(&period) {
            let size = self.network.preset.committee_size() as u64;
            let secrets = (0..size)
                .map(|member| secret_key(self.seed, period, member))
                .collect::<Result<Vec<_>, _>>()?;
            let public: Vec<PublicKey> = secrets.iter().map(SecretKey::sk_to_pk).collect();
            let all: Vec<&PublicKey> = public.iter().collect();
            let sum = AggregatePublicKey::aggregate(&all, false).map_err(|_| Error::WrongKey)?;
            let keys = Keys {
                secrets,
                public: SyncCommittee {
                    pubkeys: public.iter().map(|key| Bytes(key.to_bytes())).collect(),
                    aggregate_pubkey: Bytes(sum.to_public_key().to_bytes()),
                },
            };
            self.committees.insert(period, keys);
        }
        self.committees.get(&period).ok_or(Error::WrongKey)
    }

    /// A block that carries `execution`, in whose eyes `finalized` is final.
    ///
    /// # Errors
    /// The slot is in no supported fork.
    pub fn block(
        &mut self,
        slot: u64,
        execution: ExecutionHeader,
        finalized: Option<&Block>,
    ) -> Result<Block, Error> {
        let fork = self.network.fork_at(slot)?;
        let period = self.network.period_of(slot);
        let current = self.keys(period)?.public.clone();
        let next = self.keys(period + 1)?.public.clone();
        let finalized = finalized.map(|block| block.header.clone());
        let checkpoint = finalized
            .as_ref()
            .map_or(Root::ZERO, |header| header.beacon.root());
        let state = Tree::of([
            (fork.current_committee_index(), current.root()),
            (fork.next_committee_index(), next.root()),
            (fork.finality_index(), checkpoint),
            // Makes each slot's state another one.
            (32, crate::merkle::root_of_number(slot)),
        ]);
        let body = Tree::of([(EXECUTION_PAYLOAD_INDEX, execution.root(fork.has_blob_gas()))]);
        let proof = |committee, index| CommitteeProof {
            committee,
            branch: state.branch(index),
        };
        Ok(Block {
            header: Header {
                beacon: BeaconBlockHeader {
                    slot,
                    proposer_index: slot % 7,
                    parent_root: hash(&Root::ZERO, &crate::merkle::root_of_number(slot)),
                    state_root: state.node(1),
                    body_root: body.node(1),
                },
                execution,
                execution_branch: body.branch(EXECUTION_PAYLOAD_INDEX),
            },
            fork,
            finalized,
            current: proof(current, fork.current_committee_index()),
            next: proof(next, fork.next_committee_index()),
            finality_branch: state.branch(fork.finality_index()),
        })
    }

    /// The update in which the first `participants` members of the committee sign `block` in
    /// `signature_slot`, with everything that can be proved from the block's state.
    ///
    /// # Errors
    /// The slot is in no supported fork.
    pub fn update(
        &mut self,
        block: &Block,
        signature_slot: u64,
        participants: usize,
    ) -> Result<Update, Error> {
        let finality = block.finalized.clone().map(|header| FinalityProof {
            header,
            branch: block.finality_branch.clone(),
        });
        Ok(Update {
            attested_header: block.header.clone(),
            next_sync_committee: Some(block.next.clone()),
            finality,
            sync_aggregate: self.sign(&block.header, signature_slot, participants)?,
            signature_slot,
        })
    }

    /// The signature of the first `participants` members of the committee of `signature_slot`.
    ///
    /// # Errors
    /// The slot is in no supported fork.
    pub fn sign(
        &mut self,
        header: &Header,
        signature_slot: u64,
        participants: usize,
    ) -> Result<SyncAggregate, Error> {
        let domain = self.network.signature_domain(signature_slot)?;
        let message = hash(&header.beacon.root(), &domain);
        let period = self.network.period_of(signature_slot);
        let secrets = &self.keys(period)?.secrets;
        // The sum of their signatures is the signature by the sum of their keys.
        let sum = secrets
            .iter()
            .take(participants)
            .map(|secret| U256::from_be_bytes(secret.to_bytes()))
            .fold(U256::ZERO, |sum, secret| sum.add_mod(secret, ORDER));
        let signature = match SecretKey::from_bytes(&sum.to_be_bytes::<32>()) {
            Ok(sum) => Bytes(sum.sign(&message.0, CIPHERSUITE, &[]).to_bytes()),
            Err(_) => Bytes::ZERO, // nobody signs
        };
        let participation = (0..secrets.len()).map(|member| member < participants);
        Ok(SyncAggregate {
            participation: participation.collect(),
            signature,
        })
    }
}

impl Block {
    /// The bootstrap by which a client can begin at this block.
    pub fn bootstrap(&self) -> Bootstrap {
        Bootstrap {
            header: self.header.clone(),
            current_sync_committee: self.current.committee.clone(),
            current_sync_committee_branch: self.current.branch.clone(),
        }
    }

    /// The proof that nothing but genesis is final yet, in a block made without a final one.
    pub fn genesis_finality(&self) -> Option<FinalityProof> {
        self.finalized.is_none().then(|| FinalityProof {
            header: Header::default(),
            branch: self.finality_branch.clone(),
        })
    }

    /// Its fork.
    pub fn fork(&self) -> Fork {
        self.fork
    }

    /// Its root.
    pub fn root(&self) -> Root {
        self.header.beacon.root()
    }
}

/// The beacon API's answer with this bootstrap.
///
/// # Errors
/// [`Error::Malformed`]; it does not happen.
pub fn bootstrap_json(fork: Fork, bootstrap: &Bootstrap) -> Result<String, Error> {
    let data = BootstrapData {
        header: bootstrap.header.clone(),
        current_sync_committee: bootstrap.current_sync_committee.clone(),
        current_sync_committee_branch: bootstrap.current_sync_committee_branch.clone(),
    };
    written(&versioned(fork, data))
}

/// The beacon API's answer with this update, as one of a list of updates without the list.
///
/// # Errors
/// [`Error::Malformed`]; it does not happen. [`Error::UnsupportedFork`].
pub fn update_json(fork: Fork, update: &Update) -> Result<String, Error> {
    let shape = Shape::of(fork)?;
    let size = update.sync_aggregate.participation.len();
    let empty = || CommitteeProof {
        committee: SyncCommittee {
            pubkeys: vec![Bytes::ZERO; size],
            aggregate_pubkey: Bytes::ZERO,
        },
        branch: vec![Root::ZERO; shape.committee_depth()],
    };
    let committee = update.next_sync_committee.clone().unwrap_or_else(empty);
    let mut data = finality_data(fork, update)?;
    data.next_sync_committee = Some(committee.committee);
    data.next_sync_committee_branch = Some(committee.branch);
    written(&versioned(fork, data))
}

/// The beacon API's answer with this update as a finality update.
///
/// # Errors
/// As [`update_json`].
pub fn finality_update_json(fork: Fork, update: &Update) -> Result<String, Error> {
    written(&versioned(fork, finality_data(fork, update)?))
}

/// The beacon API's answer with this update as an optimistic update.
///
/// # Errors
/// As [`update_json`].
pub fn optimistic_update_json(fork: Fork, update: &Update) -> Result<String, Error> {
    let mut data = finality_data(fork, update)?;
    (data.finalized_header, data.finality_branch) = (None, None);
    written(&versioned(fork, data))
}

fn finality_data(fork: Fork, update: &Update) -> Result<UpdateData, Error> {
    let shape = Shape::of(fork)?;
    let mut finality = update.finality.clone().unwrap_or_else(|| FinalityProof {
        header: Header {
            execution_branch: vec![Root::ZERO; 4],
            ..Header::default()
        },
        branch: vec![Root::ZERO; shape.finality_depth()],
    });
    // A block from before Deneb in the shape of its successor.
    let execution = &mut finality.header.execution;
    if shape.has_blob_gas() && execution.blob_gas_used.is_none() {
        execution.blob_gas_used = Some(0);
        execution.excess_blob_gas = Some(0);
    }
    let bits = update.sync_aggregate.participation.chunks(8).map(|bits| {
        let bit = |(at, signed): (usize, &bool)| u8::from(*signed) << at;
        bits.iter()
            .enumerate()
            .map(bit)
            .fold(0, |byte, bit| byte | bit)
    });
    Ok(UpdateData {
        attested_header: update.attested_header.clone(),
        next_sync_committee: None,
        next_sync_committee_branch: None,
        finalized_header: Some(finality.header),
        finality_branch: Some(finality.branch),
        sync_aggregate: AggregateData {
            sync_committee_bits: bits.collect(),
            sync_committee_signature: update.sync_aggregate.signature,
        },
        signature_slot: update.signature_slot,
    })
}

fn versioned<T>(fork: Fork, data: T) -> Versioned<T> {
    Versioned {
        version: fork.name().into(),
        data,
    }
}

fn written<T: Serialize>(answer: &T) -> Result<String, Error> {
    serde_json::to_string(answer).map_err(|error| Error::malformed("answer", error))
}

fn secret_key(seed: u64, period: u64, member: u64) -> Result<SecretKey, Error> {
    let numbers = [seed, period, member].map(u64::to_be_bytes).concat();
    let material: [u8; 32] = Sha256::digest(numbers).into();
    SecretKey::key_gen(&material, &[]).map_err(|_| Error::WrongKey)
}

/// A Merkle tree of which only some nodes are known; the others hold a hash of their place.
struct Tree(BTreeMap<u64, Root>);

impl Tree {
    fn of<const N: usize>(nodes: [(u64, Root); N]) -> Self {
        let mut tree = Self(nodes.into());
        let mut level: Vec<u64> = tree.0.keys().copied().collect();
        while let Some(node) = level.pop() {
            if node > 1 {
                tree.0.insert(node / 2, Root::ZERO); // an inner node, see `node`
                level.push(node / 2);
            }
        }
        for (index, root) in nodes {
            tree.0.insert(index, root);
        }
        let inner: Vec<u64> = tree.0.keys().rev().copied().collect();
        for index in inner {
            if !nodes.iter().any(|(leaf, _)| *leaf == index) {
                let root = hash(&tree.node(2 * index), &tree.node(2 * index + 1));
                tree.0.insert(index, root);
            }
        }
        tree
    }

    fn node(&self, index: u64) -> Root {
        let filled = || hash(&Root::ZERO, &crate::merkle::root_of_number(index));
        self.0.get(&index).copied().unwrap_or_else(filled)
    }

    fn branch(&self, index: u64) -> Vec<Root> {
        let siblings = std::iter::successors(Some(index), |node| Some(node / 2));
        siblings
            .take_while(|node| *node > 1)
            .map(|node| self.node(node ^ 1))
            .collect()
    }
}
