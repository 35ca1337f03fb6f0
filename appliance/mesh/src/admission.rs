//! Who may begin a link: so many in all and so many from one network.

use std::{net::IpAddr, sync::Arc};

use iroh::endpoint::IncomingAddr;
use seedbox_core::{Share, Shares};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts the links that others began.
#[derive(Debug)]
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    all: usize,
    per_network: usize,
    networks: Shares<Network>,
}

/// What one stranger usually owns: an IPv4 /24 or an IPv6 /48. Who comes through a relay shows none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    V4([u8; 3]),
    V6([u8; 6]),
    Relayed,
}

impl Network {
    fn of(address: &IncomingAddr) -> Self {
        let IncomingAddr::Ip(address) = address else {
            return Self::Relayed;
        };
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, ..] = ip.octets();
                Self::V6([a, b, c, d, e, f])
            }
        }
    }
}

/// A place for one link; dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _share: Share<Network>,
}

impl Admission {
    pub(crate) fn new(places: usize, per_network: usize) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places)),
            all: places,
            per_network,
            networks: Shares::default(),
        })
    }

    /// Places taken.
    pub(crate) fn taken(&self) -> usize {
        self.all - self.places.available_permits()
    }

    /// A place for a link from there, `None` if there is none.
    pub(crate) fn admit(&self, address: &IncomingAddr) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let network = Network::of(address);
        // The relays are the owner's own choice and many boxes come through one.
        let limit = match network {
            Network::Relayed => usize::MAX,
            _ => self.per_network,
        };
        Some(Place {
            _permit: permit,
            _share: self.networks.admit(network, limit)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> IncomingAddr {
        IncomingAddr::Ip(address.parse().unwrap())
    }

    #[test]
    fn one_network_cannot_take_all_places() {
        let admission = Admission::new(3, 2);
        let first = admission.admit(&from("192.0.2.1:1")).unwrap();
        let _second = admission.admit(&from("[::ffff:192.0.2.2]:1")).unwrap();
        assert!(admission.admit(&from("192.0.2.3:1")).is_none());
        let _third = admission.admit(&from("[2001:db8::1]:1")).unwrap();
        assert!(admission.admit(&from("198.51.100.1:1")).is_none());
        drop(first);
        assert!(admission.admit(&from("192.0.2.9:1")).is_some());
        assert_eq!(admission.networks.holders(), 2);
    }
}
