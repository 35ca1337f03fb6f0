//! The relay: how it is doing, in sums, and the boxes it knows.

use seedbox_core as core;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Health;

/// Descriptors of boxes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Relays {
    /// Each in base64 (RFC 4648, section 4); their bytes are described in `docs/PROTOCOL.md`, section 11.
    pub descriptors: Vec<String>,
}

/// What the relay knows of itself: sums, and no name of anybody.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Relay {
    /// Whether it runs.
    pub on: bool,
    /// How it is doing.
    pub health: Health,
    /// One sentence for the owner.
    pub sentence: String,
    /// Clients whose entry this box is.
    pub clients: u64,
    /// Sessions that come through other boxes.
    pub streams: u64,
    /// Circuits that lead to other boxes.
    pub circuits: u64,
    /// Rooms on this box.
    pub rooms: u64,
    /// Members of all rooms.
    pub members: u64,
    /// Boxes known, this one included.
    pub boxes: u64,
    /// Bytes sent to clients this month (UTC).
    pub month_bytes: u64,
    /// The owner's limit on them; null without one.
    #[schema(required)]
    pub month_limit: Option<u64>,
}

impl From<&core::RelayStatus> for Relay {
    fn from(relay: &core::RelayStatus) -> Self {
        Relay {
            on: relay.on,
            health: relay.health.into(),
            sentence: relay.sentence.clone(),
            clients: relay.clients as u64,
            streams: relay.streams as u64,
            circuits: relay.circuits as u64,
            rooms: relay.rooms as u64,
            members: relay.members as u64,
            boxes: relay.boxes as u64,
            month_bytes: relay.month_bytes,
            month_limit: relay.month_limit,
        }
    }
}
