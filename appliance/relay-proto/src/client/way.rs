//! A way from the entry to a room box: one circuit, or one inside another.

use crate::Millis;

use super::leg::Leg;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Sessions are being opened.
    Opening,
    /// `JOIN` is under way.
    Joining,
    /// In the room.
    Home,
}

/// One way.
#[derive(Debug)]
pub(super) struct Way {
    /// Position of the room box.
    pub(super) position: u8,
    /// The circuit at the entry; none with one hop.
    pub(super) circuit: u32,
    /// Sessions behind the entry's, the room box's last; none with one hop.
    pub(super) legs: Vec<Leg>,
    pub(super) stage: Stage,
    pub(super) began: Millis,
    /// When something came from the room box last.
    pub(super) heard: Millis,
}

impl Way {
    pub(super) const fn new(position: u8, circuit: u32, now: Millis) -> Self {
        Self {
            position,
            circuit,
            legs: Vec::new(),
            stage: Stage::Opening,
            began: now,
            heard: now,
        }
    }

    pub(super) fn is_home(&self) -> bool {
        self.stage == Stage::Home
    }
}
