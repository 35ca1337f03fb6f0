//! Where to listen and under which names.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::Duration,
};

use tokio::sync::watch;

/// Settings of the http service.
pub struct Config {
    /// Where the owner's API and panel listen, if `admin_socket` is not given.
    pub admin_listen: SocketAddr,
    /// Where the public data plane listens, if `public_socket` is not given.
    pub public_listen: SocketAddr,
    /// An admin listener that the system has already bound, for socket activation.
    pub admin_socket: Option<TcpListener>,
    /// A public listener that the system has already bound, for socket activation.
    pub public_socket: Option<TcpListener>,
    /// Names by which the owner reaches the admin listener, besides `local_names`, `localhost`,
    /// this machine's host name and any IP address.
    pub host_names: Vec<String>,
    /// The names that the box holds in the home network, like `seedbox.local`.
    pub local_names: watch::Receiver<BTreeSet<String>>,
    /// Connections of the public listener; further ones wait. A visitor who follows the grid holds
    /// one.
    pub public_connections: usize,
    /// Connections of the public listener that one client may hold; further ones are closed.
    pub public_connections_per_client: usize,
    /// Whether the admin listener answers `/metrics`, to anybody who reaches it.
    pub metrics: bool,
    /// The claim code to use instead of a random one, until the box is claimed.
    pub claim_code: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            admin_listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)),
            public_listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8081)),
            admin_socket: None,
            public_socket: None,
            host_names: Vec::new(),
            local_names: watch::channel(BTreeSet::new()).1,
            public_connections: PUBLIC_CONNECTIONS,
            public_connections_per_client: PUBLIC_CONNECTIONS_PER_CLIENT,
            metrics: false,
            claim_code: None,
        }
    }
}

/// Thousands of visitors follow the grid at once, at some 10 KiB each.
const PUBLIC_CONNECTIONS: usize = 4096;
/// A household behind one address, each browser with six connections.
const PUBLIC_CONNECTIONS_PER_CLIENT: usize = 64;

/// Largest request body in bytes.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
/// How long a request may take to arrive and be answered. The live stream answers at once and
/// then lasts.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
