//! Who is asking, for limits alone: never logged, never stored.

use std::net::IpAddr;

/// The address of the connection's other end.
#[derive(Clone, Copy)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

/// What limits count by, see [`seedbox_core::subscriber`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ClientNetwork(IpAddr);

impl ClientAddress {
    /// What limits count by.
    pub(crate) fn network(self) -> ClientNetwork {
        ClientNetwork(seedbox_core::subscriber(self.0))
    }
}
