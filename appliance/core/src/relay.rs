//! What the relay tells about itself: sums, and no name of anybody.

use serde::{Deserialize, Serialize};

use crate::Health;

/// What the relay knows of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RelayStatus {
    /// Whether the owner lets it run.
    pub on: bool,
    /// How it is doing.
    pub health: Health,
    /// One sentence for the owner.
    pub sentence: String,
    /// Clients whose entry this box is.
    pub clients: usize,
    /// Sessions that come through other boxes.
    pub streams: usize,
    /// Circuits that lead to other boxes.
    pub circuits: usize,
    /// Handshakes under way.
    pub handshakes: usize,
    /// Rooms on this box.
    pub rooms: usize,
    /// Members of all rooms.
    pub members: usize,
    /// Boxes known by their descriptors, this one included.
    pub boxes: usize,
    /// Links to other boxes.
    pub links: usize,
    /// Sessions since the start.
    pub sessions: u64,
    /// Handshakes that were asked for work first, since the start.
    pub challenged: u64,
    /// Handshakes refused since the start.
    pub refused: u64,
    /// Frames from clients since the start.
    pub frames_in: u64,
    /// Frames to clients since the start.
    pub frames_out: u64,
    /// Bytes of those from clients.
    pub bytes_in: u64,
    /// Bytes of those to clients.
    pub bytes_out: u64,
    /// Bytes sent to clients this month (UTC), kept over restarts.
    pub month_bytes: u64,
    /// The owner's limit on them.
    pub month_limit: Option<u64>,
}
