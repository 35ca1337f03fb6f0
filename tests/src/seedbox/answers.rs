//! What the admin API tells, as the tests read it.

use serde::Deserialize;

/// A torrent, as the admin API tells.
#[derive(Debug, Clone, Deserialize)]
pub struct Torrent {
    /// Its info hash.
    pub info_hash: String,
    /// Its display name.
    pub name: String,
    /// `owned`, `accepted` or `community`.
    pub keep: String,
    /// `resolving`, `downloading`, `seeding`, `paused`, `repairing` or `failed`.
    pub state: String,
    /// Content size in bytes.
    pub size: u64,
    /// Verified bytes.
    pub have: u64,
    /// Bytes reserved.
    pub reserved: u64,
    /// Bytes given to others.
    pub uploaded: u64,
    /// Peers connected now.
    pub peers: u32,
    /// What went wrong.
    pub error: Option<String>,
}

impl Torrent {
    /// Whether all of it is there and can be had.
    pub fn is_secured(&self) -> bool {
        matches!(self.state.as_str(), "seeding" | "paused")
            && self.size > 0
            && self.have == self.size
    }
}

/// A volume, as the admin API tells.
#[derive(Debug, Clone, Deserialize)]
pub struct Volume {
    /// Its identity.
    pub id: String,
    /// Where it is.
    pub path: String,
    /// `ready` or `missing`.
    pub state: String,
    /// Bytes the owner gives.
    pub quota: u64,
    /// Bytes reserved for protected torrents.
    pub protected: u64,
    /// Bytes reserved for the community cache.
    pub community: u64,
}

/// Something the box did not store, as the admin API tells.
#[derive(Debug, Clone, Deserialize)]
pub struct Refusal {
    /// Which torrent.
    pub info_hash: String,
    /// Whether it was to be protected.
    pub protected: bool,
    /// Why, for programs.
    pub code: String,
    /// Why, in words.
    pub detail: String,
}
