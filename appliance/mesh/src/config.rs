//! What the mesh is told before it starts.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use crate::NodeKey;

/// The name of a protocol on a link, as both ends write it (the ALPN of RFC 7301, at most 255
/// bytes), like `cosmos/relay/1`.
pub type Protocol = &'static str;

/// What the mesh needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who this box is.
    pub key: NodeKey,
    /// Where to listen, UDP. Of an IPv4 address IPv6 is not used, and the other way round; port 0
    /// takes any.
    pub listen: SocketAddr,
    /// Our own `iroh` relays, by which boxes without an open port are reached:
    /// `https://relay.example/`. None by default.
    pub relays: Vec<String>,
    /// Asks the router at home for an open port (PCP, NAT-PMP, UPnP).
    pub port_mapping: bool,
    /// What others may take.
    pub limits: Limits,
}

impl Config {
    /// Any port, no relay, the router is left alone.
    pub fn new(key: NodeKey) -> Self {
        Self {
            key,
            listen: (Ipv4Addr::UNSPECIFIED, 0).into(),
            relays: Vec::new(),
            port_mapping: false,
            limits: Limits::default(),
        }
    }
}

/// What others may take, made for a computer with 1 GB of memory.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Links that we began, over all protocols.
    pub dialled: usize,
    /// Links that others began; apart from `dialled`, so that strangers cannot use those up.
    pub accepted: usize,
    /// Links begun from one network (/24, /48), so that one stranger cannot take all places.
    pub accepted_per_network: usize,
    /// Handshakes of strangers under way.
    pub handshakes: usize,
    /// Streams that a peer may have open on one link.
    pub streams: u32,
    /// Streams that wait to be taken, for each protocol; further ones are reset.
    pub waiting: usize,
    /// Bytes that one stream may have under way to us.
    pub stream_bytes: u32,
    /// Bytes that one link may have under way, in each direction.
    pub link_bytes: u32,
    /// How long finding a peer and its handshake may take, and opening a stream on a link.
    pub open: Duration,
    /// A link without a stream is closed after this time, at most twice as late.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dialled: 64,
            accepted: 64,
            accepted_per_network: 8,
            handshakes: 32,
            streams: 1_024,
            waiting: 256,
            stream_bytes: 128 * 1024,
            link_bytes: 2 * 1024 * 1024,
            open: Duration::from_secs(10),
            idle: Duration::from_secs(120),
        }
    }
}
