//! A light client of Ethereum's beacon chain: from one block root that a person trusts to the
//! newest final execution block, by the signatures of the sync committee.
//!
//! Follows the consensus specifications' light-client documents (`sync-protocol.md` of Altair with
//! the changes of Capella, Deneb and Electra; Fulu changes nothing in it). Sans I/O and without a
//! clock: bytes and the current slot go in, verdicts come out. A fork that is not in the table
//! ends in [`Error::UnknownFork`] or [`Error::UnsupportedFork`], never in a guess.
//!
//! The way of the data: [`json`] or [`ssz`] decode a [`Bootstrap`] or an [`Update`], the [`Store`]
//! checks it and gives a [`VerifiedHeader`].

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod better;
mod bls;
mod bytes;
mod committee;
mod containers;
mod error;
mod execution;
pub mod json;
mod merkle;
mod network;
mod persistence;
pub mod ssz;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod validate;

pub use bytes::{Bytes, Root};
pub use containers::{
    BeaconBlockHeader, Bootstrap, CommitteeProof, FinalityProof, Header, SyncAggregate,
    SyncCommittee, Update,
};
pub use error::{Branch, Error};
pub use execution::ExecutionHeader;
pub use network::{Fork, Network, Preset, ScheduledFork};
pub use persistence::Saved;
pub use store::{Store, VerifiedHeader};

/// Seconds after which a checkpoint may no longer be taken for granted: by then so many of the
/// validators that signed it may have left that they can sign another history without loss (weak
/// subjectivity).
pub const WEAK_SUBJECTIVITY_AGE: u64 = 14 * 86_400;
