//! What the relay is told before it starts.

use std::{net::SocketAddr, time::Duration};

use seedbox_core::Network;
use seedbox_mesh::{NodeKey, Peer, Protocol};
use seedbox_relay_proto::server::Limits;
use tokio::sync::watch;

/// The relay's protocol on the mesh.
pub const PROTOCOL: Protocol = "cosmos/relay/1";
/// The protocol on the mesh by which boxes tell each other which boxes there are.
pub const DIRECTORY_PROTOCOL: Protocol = "cosmos/descriptors/1";

/// What the relay needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who this box is on the mesh. The key for sessions is derived from it.
    pub key: NodeKey,
    /// What one session, one room and all together may take.
    pub limits: Limits,
    /// Bytes that may be sent in a calendar month (UTC); `None` without a limit.
    pub month: Option<u64>,
    /// Bytes of sealed notes for members who are not there; 0 for no mailbox.
    pub mailbox: u64,
    /// Where clients reach the relay: `ws://203.0.113.5:8081/relay`, for WebTransport `https://…/relay#` and
    /// hashes of certificates, which change. Without one this box is an entry only for who knows it
    /// otherwise.
    pub urls: watch::Receiver<Vec<String>>,
    /// Where other boxes reach the mesh, UDP.
    pub addresses: Vec<SocketAddr>,
    /// The mesh's relays, by which they reach it otherwise.
    pub relays: Vec<String>,
    /// A public key that all boxes of this operator name.
    pub operator: [u8; 32],
    /// Private ranges in which other boxes may be called; others are not, whatever a descriptor says.
    pub lan: Vec<Network>,
    /// Boxes that are asked which boxes there are.
    pub boxes: Vec<Peer>,
    /// How long a signed descriptor lives; it is renewed at half of that.
    pub life: Duration,
}
