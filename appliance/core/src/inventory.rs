//! What the box holds, as the eviction rules need to see it.

use serde::{Deserialize, Serialize};

use crate::{InfoHash, UnixTime};

/// How much a torrent is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Demand {
    /// Requests seen since the torrent came in.
    pub requests: u64,
    /// When it was last asked for.
    pub last: UnixTime,
    /// The eviction clock `L` when it was last asked for, see [`crate::eviction`].
    pub inflation: f64,
    /// Other seeds last seen in its swarm.
    pub other_seeds: u32,
}

/// One torrent in the box.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Which torrent.
    pub info_hash: InfoHash,
    /// Bytes reserved for it on its volume.
    pub reserved: u64,
    /// The owner of the box asked to keep it, whatever the chain says.
    pub accepted: bool,
    /// How much it is asked for.
    pub demand: Demand,
}
