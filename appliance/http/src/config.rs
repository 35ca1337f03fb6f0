//! Where to listen and under which names.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::Duration,
};

/// Settings of the http service. The limits need no setting.
pub struct Config {
    /// Where the owner's API and panel listen, if `admin_socket` is not given.
    pub admin_listen: SocketAddr,
    /// Where the public data plane listens, if `public_socket` is not given.
    pub public_listen: SocketAddr,
    /// An admin listener that the system has already bound, for socket activation.
    pub admin_socket: Option<TcpListener>,
    /// A public listener that the system has already bound, for socket activation.
    pub public_socket: Option<TcpListener>,
    /// Names by which the owner reaches the admin listener, besides `seedbox.local`,
    /// `seedbox-N.local`, `localhost`, this machine's host name and any IP address.
    pub host_names: Vec<String>,
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
            claim_code: None,
        }
    }
}

/// Largest request body in bytes.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
/// How long a request may take to arrive and be answered. The live stream answers at once and
/// then lasts.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
