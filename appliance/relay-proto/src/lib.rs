//! The relay's protocol without sockets, clock or randomness: bytes and the time go in, frames and
//! orders come out. `docs/PROTOCOL.md` is the specification.
//!
//! Built are the words that both ends speak: [`frame`]s of the handshake, [`noise`] sessions,
//! [`challenge`]s, [`record`]s, rates, and a room's name, tickets and invitation. **The two
//! machines that use them are not**: the box (circuits, rooms, limits) and the client (paths, sealed
//! messages). Nothing depends on this crate yet.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bytes_reader;
pub mod challenge;
mod code;
pub mod frame;
mod keys;
pub mod noise;
pub mod rate;
pub mod record;
mod room;

pub use code::{Code, Malformed};
pub use keys::{ClientSecret, NodeId, NoiseKey, NoiseSecret};
pub use room::{Invitation, RoomBox, RoomId, RoomName, RoomSecret, Ticket, TicketSecret, policy};

/// Milliseconds of a clock that never goes back; its origin is the Unix epoch as far as the owner
/// of the clock knows, because tickets and blocks name dates.
pub type Millis = u64;
