//! Torrents and refusals.

use seedbox_core as core;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where a torrent is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TorrentState {
    /// Asking peers for the metadata.
    Resolving,
    /// Fetching missing pieces.
    Downloading,
    /// Complete, checked, given to whoever asks.
    Seeding,
    /// Complete and held, not announced at the moment; resumed on demand.
    Paused,
    /// Damaged on disk, being fetched again.
    Repairing,
    /// Could not go on; see `error`.
    Failed,
}

/// Why the box holds a torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Stands on owned land; protected.
    Owned,
    /// The owner asked for it; protected.
    Accepted,
    /// Community cache: may be evicted when the quota is full.
    Community,
}

/// One torrent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Torrent {
    /// 40 hexadecimal characters.
    pub info_hash: String,
    /// Display name. Strangers wrote it.
    pub name: String,
    /// Model token ID, where the chain knows it.
    #[schema(required)]
    pub model: Option<u64>,
    /// Why the box holds it.
    pub keep: Keep,
    /// Where it is in its life.
    pub state: TorrentState,
    /// Content size, bytes; 0 while unknown.
    pub size: u64,
    /// Verified bytes on disk.
    pub have: u64,
    /// Bytes reserved on the volume.
    pub reserved: u64,
    /// Peers connected now.
    pub peers: u32,
    /// Other seeds seen in its swarm.
    pub other_seeds: u32,
    /// Bytes a second coming in.
    pub download_rate: u64,
    /// Bytes a second going out.
    pub upload_rate: u64,
    /// Bytes given to others since it was added.
    pub uploaded: u64,
    /// Requests seen.
    pub requests: u64,
    /// When it was added, Unix seconds.
    pub added_at: u64,
    /// What went wrong, in words.
    #[schema(required)]
    pub error: Option<String>,
}

/// Every torrent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Torrents {
    /// Protected first, then by name.
    pub torrents: Vec<Torrent>,
}

/// Adds a torrent, to be kept until the owner removes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddTorrentRequest {
    /// A BitTorrent v1 magnet link.
    #[schema(example = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567")]
    pub magnet: String,
}

/// The torrent that was added.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AddedTorrent {
    /// 40 hexadecimal characters.
    pub info_hash: String,
}

/// Why the box does not store something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// Community data above its share of the quota.
    TooLargeForCache,
    /// The quota is full of protected data.
    QuotaFull,
    /// Nothing may be evicted because ownership is not known for certain.
    OwnershipUncertain,
    /// One owned model claims more than a single model may take.
    TooLargeForModel,
    /// No data volume is in its place.
    NoVolume,
    /// The disk has less room than the quota promises.
    DiskFull,
    /// Nobody published it on chain.
    NotOnChain,
    /// Its metadata is malformed or hostile.
    BadMetainfo,
    /// It is not what the chain says it is.
    NotAsPublished,
    /// No peer gave the metadata in time.
    NoPeers,
    /// Too many requests are waiting.
    Busy,
}

/// One refusal.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Refusal {
    /// 40 hexadecimal characters.
    pub info_hash: String,
    /// Its name, if known. Strangers wrote it.
    pub name: String,
    /// When it was last refused, Unix seconds.
    pub at: u64,
    /// Whether it was to be protected: such a refusal is an alert.
    pub protected: bool,
    /// Why, for programs.
    pub code: RefusalCode,
    /// Why, in words.
    pub detail: String,
}

/// The latest refusals.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Refusals {
    /// Newest first.
    pub refusals: Vec<Refusal>,
}

impl From<core::TorrentState> for TorrentState {
    fn from(state: core::TorrentState) -> Self {
        match state {
            core::TorrentState::Resolving => TorrentState::Resolving,
            core::TorrentState::Downloading => TorrentState::Downloading,
            core::TorrentState::Seeding => TorrentState::Seeding,
            core::TorrentState::Paused => TorrentState::Paused,
            core::TorrentState::Repairing => TorrentState::Repairing,
            core::TorrentState::Failed => TorrentState::Failed,
        }
    }
}

impl From<core::Keep> for Keep {
    fn from(keep: core::Keep) -> Self {
        match keep {
            core::Keep::Owned => Keep::Owned,
            core::Keep::Accepted => Keep::Accepted,
            core::Keep::Community => Keep::Community,
        }
    }
}

impl From<&core::TorrentStatus> for Torrent {
    fn from(torrent: &core::TorrentStatus) -> Self {
        Torrent {
            info_hash: torrent.info_hash.to_string(),
            name: torrent.name.clone(),
            model: torrent.model,
            keep: torrent.keep.into(),
            state: torrent.state.into(),
            size: torrent.size,
            have: torrent.have,
            reserved: torrent.reserved,
            peers: torrent.peers,
            other_seeds: torrent.other_seeds,
            download_rate: torrent.download_rate,
            upload_rate: torrent.upload_rate,
            uploaded: torrent.uploaded,
            requests: torrent.requests,
            added_at: torrent.added_at.0,
            error: torrent.error.clone(),
        }
    }
}

impl From<&core::RefusalReason> for RefusalCode {
    fn from(reason: &core::RefusalReason) -> Self {
        use core::RefusalReason as Reason;
        match reason {
            Reason::TooLargeForCache { .. } => RefusalCode::TooLargeForCache,
            Reason::QuotaFull { .. } => RefusalCode::QuotaFull,
            Reason::OwnershipUncertain { .. } => RefusalCode::OwnershipUncertain,
            Reason::TooLargeForModel { .. } => RefusalCode::TooLargeForModel,
            Reason::NoVolume { .. } => RefusalCode::NoVolume,
            Reason::DiskFull { .. } => RefusalCode::DiskFull,
            Reason::NotOnChain => RefusalCode::NotOnChain,
            Reason::BadMetainfo { .. } => RefusalCode::BadMetainfo,
            Reason::NotAsPublished { .. } => RefusalCode::NotAsPublished,
            Reason::NoPeers { .. } => RefusalCode::NoPeers,
            Reason::Busy => RefusalCode::Busy,
        }
    }
}

impl From<&core::Refusal> for Refusal {
    fn from(refusal: &core::Refusal) -> Self {
        Refusal {
            info_hash: refusal.info_hash.to_string(),
            name: refusal.name.clone(),
            at: refusal.at.0,
            protected: refusal.protected,
            code: RefusalCode::from(&refusal.reason),
            detail: refusal.reason.to_string(),
        }
    }
}
