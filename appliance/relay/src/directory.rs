//! The boxes that this one knows, by their signed descriptors. Circuits lead to them and to nobody
//! else.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use seedbox_core::Network;
use seedbox_mesh::Peer;
use seedbox_relay_proto::{Descriptor, Malformed, NodeId};

/// Boxes known at most. A descriptor has at most 2.3 kB.
const MOST: usize = 1_024;

/// All descriptors, the own one included.
#[derive(Default)]
pub(crate) struct Directory {
    lan: Vec<Network>,
    known: RwLock<HashMap<NodeId, Known>>,
}

struct Known {
    descriptor: Descriptor,
    bytes: Vec<u8>,
}

impl Directory {
    pub(crate) fn new(lan: Vec<Network>) -> Self {
        Self {
            lan,
            known: RwLock::default(),
        }
    }

    /// Takes a signed descriptor, if it is valid and not older than what is known; answers whose.
    pub(crate) fn take(&self, bytes: &[u8]) -> Result<NodeId, Malformed> {
        let now = seedbox_clock::now().0;
        let descriptor = Descriptor::read(bytes, now)?;
        let node = descriptor.node;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known
            .get(&node)
            .is_some_and(|old| old.descriptor.issued >= descriptor.issued)
        {
            return Ok(node);
        }
        if known.len() >= MOST && !known.contains_key(&node) {
            known.retain(|_, old| old.descriptor.expires > now);
            if known.len() >= MOST {
                return Err(Malformed);
            }
        }
        let bytes = bytes.to_vec();
        known.insert(node, Known { descriptor, bytes });
        Ok(node)
    }

    /// How to call a box; `None` if it is not known or has no address that may be called.
    pub(crate) fn peer(&self, node: NodeId) -> Option<Peer> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let descriptor = &known.get(&node)?.descriptor;
        if descriptor.expires <= seedbox_clock::now().0 {
            return None;
        }
        let addresses = descriptor.addresses.iter();
        let peer = Peer {
            id: seedbox_mesh::NodeId(node.0),
            addresses: addresses
                .filter(|address| seedbox_core::may_dial(address.ip(), &self.lan))
                .copied()
                .collect(),
            relays: descriptor.relays.clone(),
        };
        (!peer.addresses.is_empty() || !peer.relays.is_empty()).then_some(peer)
    }

    /// A box's descriptor as it travels.
    pub(crate) fn bytes(&self, node: NodeId) -> Option<Vec<u8>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&node).map(|known| known.bytes.clone())
    }

    /// All that are valid, as they travel.
    pub(crate) fn all(&self) -> Vec<Vec<u8>> {
        let now = seedbox_clock::now().0;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .values()
            .filter(|known| known.descriptor.expires > now)
            .map(|known| known.bytes.clone())
            .collect()
    }

    /// The same in base64 (RFC 4648, section 4), for `GET /v1/relays`.
    pub(crate) fn texts(&self) -> Vec<String> {
        let all = self.all();
        all.iter()
            .map(|bytes| BASE64_STANDARD.encode(bytes))
            .collect()
    }

    /// How many are known.
    pub(crate) fn len(&self) -> usize {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}
