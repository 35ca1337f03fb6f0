//! How many streams each box has here, so that one stranger's box cannot take every place.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use seedbox_mesh::NodeId;

/// Streams by the box that opened them.
#[derive(Clone)]
pub(crate) struct Peers {
    streams: Arc<Mutex<HashMap<NodeId, usize>>>,
    most: usize,
}

/// One stream of a box, counted until dropped.
pub(crate) struct Place {
    peers: Peers,
    peer: NodeId,
}

impl Peers {
    /// At most `most` streams of one box.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            streams: Arc::default(),
            most,
        }
    }

    /// Counts one more; `None` if that box has too many.
    pub(crate) fn admit(&self, peer: NodeId) -> Option<Place> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let count = streams.entry(peer).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place {
            peers: self.clone(),
            peer,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let streams = &self.peers.streams;
        let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = streams.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_box_cannot_take_every_place() {
        let peers = Peers::new(2);
        let (greedy, modest) = (NodeId([1; 32]), NodeId([2; 32]));
        let first = peers.admit(greedy).unwrap();
        let _second = peers.admit(greedy).unwrap();
        assert!(peers.admit(greedy).is_none());
        let third = peers.admit(modest).unwrap();
        drop(first);
        let _fourth = peers.admit(greedy).unwrap();
        drop(third);
        assert_eq!(
            peers.streams.lock().unwrap().len(),
            1,
            "who has none is forgotten"
        );
    }
}
