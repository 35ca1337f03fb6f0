//! Who can be called, and where.

use std::{fmt, net::SocketAddr};

use iroh::{EndpointAddr, EndpointId, RelayUrl, TransportAddr};

use crate::Error;

/// An Ed25519 public key: the name of a box.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub [u8; 32]);

impl fmt::Display for NodeId {
    /// The first ten hexadecimal digits: enough for people to tell boxes apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..5]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

/// A box and where it can be reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Peer {
    /// Who has to answer.
    pub id: NodeId,
    /// Where, UDP. At most 16 count.
    pub addresses: Vec<SocketAddr>,
    /// Its relays, as in [`crate::Config::relays`]. At most 4 count.
    pub relays: Vec<String>,
}

impl fmt::Debug for Peer {
    /// Without addresses, so that none gets into a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({})", self.id)
    }
}

impl Peer {
    pub(crate) fn endpoint(&self) -> Result<EndpointAddr, Error> {
        let id = EndpointId::from_bytes(&self.id.0).map_err(|_| Error::Peer(self.id))?;
        let addresses = self.addresses.iter().take(16).copied();
        let relays = self.relays.iter().take(4);
        let mut places: Vec<TransportAddr> = addresses.map(TransportAddr::Ip).collect();
        for relay in relays {
            places.push(TransportAddr::Relay(relay_url(relay)?));
        }
        Ok(EndpointAddr::from_parts(id, places))
    }
}

pub(crate) fn relay_url(text: &str) -> Result<RelayUrl, Error> {
    let secure = text.starts_with("https://") || text.starts_with("http://");
    match text.parse() {
        Ok(url) if secure => Ok(url),
        _ => Err(Error::Relay(text.to_owned())),
    }
}
