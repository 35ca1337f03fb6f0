//! The relay's protocol without sockets, clock or randomness: bytes and the time go in, frames and
//! orders come out. `docs/PROTOCOL.md` is the specification.
//!
//! - What both ends speak: [`frame`]s, [`noise`] handshakes, [`challenge`]s, [`record`]s in
//!   [`Cell`]s, a room's name, tickets and invitation;
//! - [`server`], a box: admission, sessions with circuits, rooms, turns;
//! - [`client`], a client's paths through boxes, and [`conversation`], what it says and hears in its
//!   room, [`sealed`] so that no box can read it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bytes_reader;
mod cell;
pub mod challenge;
pub mod client;
mod code;
pub mod conversation;
pub mod descriptor;
mod entitlement;
pub mod frame;
mod keys;
pub mod noise;
pub mod rate;
pub mod record;
mod room;
pub mod sealed;
pub mod server;
mod transport;
#[cfg(test)]
mod vectors;

pub use cell::Cell;
pub use code::{Code, Malformed};
pub use descriptor::Descriptor;
pub use entitlement::{Claim, Delegation, Rule, Wants};
pub use keys::{ClientSecret, NodeId, NoiseKey, NoiseSecret};
pub use room::{Invitation, RoomBox, RoomId, RoomName, RoomSecret, Ticket, TicketSecret, policy};
pub use transport::Transport;

/// Milliseconds of a clock that never goes back; its origin is the Unix epoch as far as the owner
/// of the clock knows, because tickets and blocks name dates.
pub type Millis = u64;
