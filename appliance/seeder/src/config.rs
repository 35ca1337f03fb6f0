//! What the seeder is told before it starts.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use seedbox_core::Network;

/// Settings of the seeder. Sizes are in bytes.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where peers may connect, TCP. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// Whether to find peers by the DHT (BEP 5).
    pub dht: bool,
    /// Announce URLs (BEP 3, BEP 15) used for every torrent. URLs that strangers name in magnets
    /// or torrents are never contacted.
    pub trackers: Vec<String>,
    /// Peers tried for every torrent.
    pub peers: Vec<SocketAddr>,
    /// Private or loopback ranges that may be dialled; all others of that kind are not.
    pub lan: Vec<Network>,
    /// Folders of the data volumes.
    pub volumes: Vec<PathBuf>,
    /// The quota of every volume, fixed by configuration; the panel decides if `None`.
    pub quota: Option<u64>,
    /// The quota that a new volume begins with; half of what is free if `None`.
    pub first_quota: Option<u64>,
    /// Free space that is never eaten, per volume.
    pub reserve: u64,
    /// Cap for one protected model.
    pub model_limit: u64,
    /// Torrents announced at the same time; further complete ones are paused until asked for.
    pub max_live: usize,
    /// Age of the chain knowledge beyond which nothing is evicted.
    pub max_ownership_age: Duration,
    /// How long to ask peers for a torrent's metadata before the attempt counts as failed.
    pub metadata_timeout: Duration,
}
