//! Every "no" of the box, with its reason in plain words.

use serde::{Deserialize, Serialize};

use crate::{InfoHash, UnixTime};

/// Bytes as people read them, in powers of 1000.
struct Size(u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (bytes, exact) = (self.0 as f64, self.0);
        match exact {
            0..1_000 => write!(f, "{exact} bytes"),
            1_000..1_000_000 => write!(f, "{:.1} kB", bytes / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.1} MB", bytes / 1e6),
            1_000_000_000..1_000_000_000_000 => write!(f, "{:.1} GB", bytes / 1e9),
            _ => write!(f, "{:.1} TB", bytes / 1e12),
        }
    }
}

/// Why the box does not store something. The text is shown to the owner as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RefusalReason {
    /// Community data larger than a quarter of the quota would empty the cache for one item.
    #[error(
        "it needs {size} bytes; community data may take {limit} bytes each (a quarter of the quota)"
    )]
    TooLargeForCache {
        /// Bytes it needs.
        size: u64,
        /// Bytes one community torrent may take.
        limit: u64,
    },
    /// The quota is full of protected data.
    #[error(
        "it needs {needed} bytes, {free} are free and {evictable} could be freed; the rest is protected. Raise the quota to make room"
    )]
    QuotaFull {
        /// Bytes it needs.
        needed: u64,
        /// Bytes free under the quota.
        free: u64,
        /// Bytes of community data that may be evicted.
        evictable: u64,
    },
    /// Nothing may be evicted because ownership is not known for certain.
    #[error(
        "the box cannot see the chain, so it deletes nothing; {needed} bytes are needed and {free} are free"
    )]
    OwnershipUncertain {
        /// Bytes it needs.
        needed: u64,
        /// Bytes free under the quota.
        free: u64,
    },
    /// One owned model claims more than the owner allows a single model to take.
    #[error(
        "the model claims {size} bytes; one model may take {limit} bytes. Raise the limit to accept it"
    )]
    TooLargeForModel {
        /// Bytes it claims.
        size: u64,
        /// The cap for one model.
        limit: u64,
    },
    /// No data volume is in its place.
    #[error("no data volume is available: {detail}")]
    NoVolume {
        /// What is wrong with the volumes.
        detail: String,
    },
    /// The volume's file system has less room than the quota promises.
    #[error("it needs {}; the disk has only {} free beyond its reserve", Size(*needed), Size(*available))]
    DiskFull {
        /// Bytes it needs.
        needed: u64,
        /// Bytes the disk can give before the reserve is touched.
        available: u64,
    },
    /// Nobody published this model on chain.
    #[error("no model on chain has this info hash")]
    NotOnChain,
    /// The torrent's metadata is malformed or hostile.
    #[error("its metadata was refused: {detail}")]
    BadMetainfo {
        /// What is wrong with it.
        detail: String,
    },
    /// The torrent is not what the chain says it is.
    #[error("it is not what the chain says: {detail}")]
    NotAsPublished {
        /// What differs.
        detail: String,
    },
    /// No peer gave the metadata in time.
    #[error("no peer gave its metadata within {seconds} s; the box tries again")]
    NoPeers {
        /// How long the box asked.
        seconds: u64,
    },
    /// The queue of requests is full.
    #[error("too many requests are waiting; try again later")]
    Busy,
}

/// One refusal, kept for the owner to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which torrent.
    pub info_hash: InfoHash,
    /// Its name, if known.
    pub name: String,
    /// When it was last refused.
    pub at: UnixTime,
    /// Whether it was to be protected: such a refusal is an alert.
    pub protected: bool,
    /// Why.
    pub reason: RefusalReason,
}
