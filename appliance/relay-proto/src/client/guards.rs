//! The client's entry boxes: its own, in order, kept for long.

use crate::{Millis, NodeId, RoomBox};

/// Failures within a minute that send a guard to the end of the list.
const FAILURES: usize = 3;
/// Milliseconds for which failures count.
const MINUTE: Millis = 60_000;
/// Milliseconds at the end of the list.
const PENALTY: Millis = 600_000;

#[derive(Debug)]
struct Guard {
    place: RoomBox,
    failures: Vec<Millis>,
    /// At the end of the list until then.
    last_until: Millis,
}

/// The list.
#[derive(Debug)]
pub(super) struct Guards(Vec<Guard>);

impl Guards {
    pub(super) fn new(places: &[RoomBox]) -> Self {
        let guard = |place: &RoomBox| Guard {
            place: *place,
            failures: Vec::new(),
            last_until: 0,
        };
        Self(places.iter().map(guard).collect())
    }

    pub(super) fn place(&self, index: usize) -> Option<RoomBox> {
        self.0.get(index).map(|guard| guard.place)
    }

    pub(super) fn failed(&mut self, index: usize, now: Millis) {
        if let Some(guard) = self.0.get_mut(index) {
            guard.failures.retain(|at| now < at + MINUTE);
            guard.failures.push(now);
            if guard.failures.len() >= FAILURES {
                guard.failures.clear();
                guard.last_until = now + PENALTY;
            }
        }
    }

    /// The best of the list that is not `room`, which may be no entry to itself: one that has not
    /// failed lately if there is one.
    pub(super) fn choose(&self, room: NodeId, now: Millis) -> Option<usize> {
        let possible = (0..self.0.len()).filter(|index| self.0[*index].place.node != room);
        possible.min_by_key(|index| {
            let guard = &self.0[*index];
            let failures = guard.failures.iter().filter(|at| now < **at + MINUTE);
            (now < guard.last_until, failures.count(), *index)
        })
    }
}
