//! What each service tells about itself. Snapshots: published whole, never changed in place.

use serde::{Deserialize, Serialize};

use crate::{AsOf, InfoHash, ModelId, Refusal, TrustStatus, UnixTime, VouchedBlock};

/// How a service is doing, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Doing its job.
    Well,
    /// Not yet at work.
    #[default]
    Starting,
    /// At work, but the owner should know something.
    Attention,
    /// Not doing its job.
    Failing,
}

/// One RPC endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointStatus {
    /// Scheme, host and port; never the path or query, which may hold a key.
    pub name: String,
    /// Whether it is the one in use.
    pub active: bool,
    /// Last error, in words; `None` while it works.
    pub error: Option<String>,
}

/// What the chain service knows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ChainStatus {
    /// How it is doing.
    pub health: Health,
    /// One sentence for the owner.
    pub sentence: String,
    /// EIP-155 chain ID, once known.
    pub chain_id: Option<u64>,
    /// The block that the grid is the state of, and when it was last confirmed.
    pub as_of: Option<AsOf>,
    /// The chain has not confirmed that for so long that it may have gone on.
    pub stale: bool,
    /// Height of the newest block that an endpoint spoke of.
    pub head: Option<u64>,
    /// Parcels minted.
    pub parcels: u64,
    /// Models published.
    pub models: u64,
    /// Placements standing.
    pub placements: u64,
    /// Reorganisations undone since start.
    pub reorgs: u64,
    /// Every configured endpoint.
    pub endpoints: Vec<EndpointStatus>,
    /// Who vouches for the chain's blocks.
    pub trust: TrustStatus,
    /// The newest block whose whole state was proved, and who vouches for it.
    pub proved: Option<VouchedBlock>,
    /// The newest of those that more than one endpoint vouches for.
    pub corroborated: Option<VouchedBlock>,
}

/// Where a torrent is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TorrentState {
    /// Asking peers for the metadata.
    Resolving,
    /// Fetching missing pieces.
    Downloading,
    /// Complete, its content checked, given to whoever asks.
    Seeding,
    /// Complete and held, not announced at the moment; resumed on demand.
    Paused,
    /// The data was damaged on disk and is being fetched again.
    Repairing,
    /// Could not go on; the reason is in `error`.
    Failed,
}

/// Why the box holds a torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Stands on owned land.
    Owned,
    /// The owner asked for it.
    Accepted,
    /// Community cache: may be evicted when the quota is full.
    Community,
}

/// One torrent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TorrentStatus {
    /// Its info hash.
    pub info_hash: InfoHash,
    /// Display name, never a path.
    pub name: String,
    /// Model token ID, where the chain knows it.
    pub model: Option<ModelId>,
    /// Why the box holds it.
    pub keep: Keep,
    /// Where it is in its life.
    pub state: TorrentState,
    /// Content size in bytes; 0 while unknown.
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
    /// When it was added.
    pub added_at: UnixTime,
    /// What went wrong, in words.
    pub error: Option<String>,
}

/// Whether a volume can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "detail")]
pub enum VolumeState {
    /// In its place, marker found.
    Ready,
    /// Not in its place; the box writes nothing there.
    Missing(String),
}

/// One data volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumeStatus {
    /// Identity written in its marker.
    pub id: String,
    /// Where it is.
    pub path: String,
    /// Whether it can be used.
    pub state: VolumeState,
    /// Bytes the owner gives.
    pub quota: u64,
    /// Bytes reserved for protected torrents.
    pub protected: u64,
    /// Bytes reserved for the community cache.
    pub community: u64,
    /// Bytes the disk has free, `None` while missing.
    pub disk_free: Option<u64>,
    /// Bytes of free space that are never eaten.
    pub reserve: u64,
}

/// What the seeder knows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SeederStatus {
    /// How it is doing.
    pub health: Health,
    /// One sentence for the owner.
    pub sentence: String,
    /// Data volumes.
    pub volumes: Vec<VolumeStatus>,
    /// Every torrent, protected first, then by name.
    pub torrents: Vec<TorrentStatus>,
    /// The latest refusals, newest first.
    pub refusals: Vec<Refusal>,
    /// Torrents evicted since the box was set up.
    pub evicted: u64,
    /// Damaged pieces found and fetched again since the box was set up.
    pub repaired_pieces: u64,
    /// TCP port for peers, once listening.
    pub listen_port: Option<u16>,
}
