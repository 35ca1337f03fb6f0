//! What can go wrong with the chain service itself. A failing endpoint is no such error: that is
//! the ordinary course of things and shows in the status.

use std::path::PathBuf;

/// An error of the chain service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The deployment file is of no use.
    #[error(
        "cannot use the deployment file {path}: {reason}. Take the one written when the contracts were deployed"
    )]
    Deployment {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A configured endpoint is not an address. The address itself may hold a key and is not shown.
    #[error(
        "RPC endpoint number {number} cannot be used: {reason}. Give an http(s):// or ws(s):// URL"
    )]
    Endpoint {
        /// Its place in the configuration, from 1.
        number: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A configured beacon node is not an address. The address itself may hold a key and is not
    /// shown.
    #[error(
        "beacon node number {number} cannot be used: {reason}. Give an http(s):// URL in `chain_beacon`"
    )]
    Beacon {
        /// Its place in the configuration, from 1.
        number: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The checkpoint is no root of a beacon block.
    #[error(
        "the checkpoint cannot be used: write in `chain_checkpoint` the root of a finalized beacon block, 0x and 64 hexadecimal digits, from a source that you trust"
    )]
    Checkpoint,
    /// The light client does not know the beacon chain.
    #[error(
        "the beacon chain behind chain {chain_id} is not known; give its description in `chain_network`, or choose another `chain_trust`"
    )]
    UnknownNetwork {
        /// EIP-155 chain ID of the deployment.
        chain_id: u64,
    },
    /// The description of a beacon chain is of no use.
    #[error("cannot use the network description {path}: {reason}")]
    Network {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// So many endpoints cannot agree.
    #[error(
        "{agree} of {endpoints} different RPC endpoints cannot vouch for a block: `chain_quorum` has to be 2 or more and no more than there are in `rpc`, each at another host"
    )]
    Quorum {
        /// How many have to agree.
        agree: u8,
        /// How many different ones there are.
        endpoints: usize,
    },
    /// More wallets than one box follows.
    #[error("{limit} wallets are linked already, the most one box follows. Unlink one first")]
    TooManyWallets {
        /// The most wallets.
        limit: usize,
    },
    /// Nothing is proved yet.
    #[error(
        "nothing is proved yet: the box has not reached the head of the chain, or its endpoints give no proofs"
    )]
    Unproved,
    /// More questions than the box can answer.
    #[error("too many ask for proofs at once; ask again in a few seconds")]
    Busy,
    /// No published model has this content.
    #[error("no model with this info hash is published on the chain")]
    UnknownModel,
    /// The contracts that the box follows have no standard gate.
    #[error(
        "the deployment has no AccessPass contract, so nothing is known of entrance to parcels"
    )]
    NoAccessPass,
    /// What is known of the chain is too old to say who has access.
    #[error(
        "nothing current is known: the chain has not answered for {age} s, since block {block}. Ask again later"
    )]
    Stale {
        /// The newest block that is known.
        block: u64,
        /// Seconds since it was last confirmed.
        age: u64,
    },
    /// No endpoint said what was asked, or what they said could not be believed.
    #[error(
        "no endpoint could be believed about this as of block {block}, confirmed {age} s ago: {reason}. Ask again later"
    )]
    Unanswered {
        /// The block that was asked about.
        block: u64,
        /// Seconds since it was last confirmed.
        age: u64,
        /// Why the last of them was not believed.
        reason: String,
    },
    /// The deployment names no currency.
    #[error("the deployment has no CYBR contract, so nothing is known of CYBR")]
    NoCybr,
    /// No chain is followed.
    #[error("the box follows no chain, so nothing can be known of wallets")]
    NoChain,
    /// A vote that its voter did not sign.
    #[error("the vote is not signed by its voter for this chain")]
    VoteSignature,
    /// A vote on a proposal whose block could still be taken back.
    #[error(
        "the proposal counts at block {block}, which is too new at height {head}: vote again when 32 blocks have followed it"
    )]
    VoteTooEarly {
        /// The proposal's block.
        block: u64,
        /// The newest block that is known.
        head: u64,
    },
    /// A vote of somebody who held nothing.
    #[error("the voter held nothing that counts at block {block}")]
    VoteWithoutWeight {
        /// The proposal's block.
        block: u64,
    },
    /// The box's memory failed.
    #[error(transparent)]
    Store(#[from] seedbox_store::Error),
    /// The service has ended and takes no orders.
    #[error("the chain service has stopped")]
    Stopped,
}
