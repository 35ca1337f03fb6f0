//! The relay: people talk through boxes, and neither learns the other's IP address. This crate puts
//! sockets, streams and timers around the machines of `relay-proto`, which decide everything.
//!
//! A client comes on a socket of the public listener, which the daemon hands over as a [`Carrier`]; this
//! box is then its entry. Or it comes through another box, on a stream of the mesh. Either way one task
//! owns the session and all that belongs to it. What sessions share stands behind short locks: who
//! is admitted, the rooms, whose turn it is to send.
//!
//! Nothing is logged about clients, and no counter has a name.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod carrier;
mod circuits;
mod clock;
mod config;
mod directory;
mod error;
mod exchange;
mod gate;
mod mailbox;
mod service;
mod session;
mod shared;
mod usage;

pub use carrier::Carrier;
pub use config::{Config, DIRECTORY_PROTOCOL, PROTOCOL};
pub use error::Error;
pub use gate::{Gate, Verdict};
pub use seedbox_relay_proto::{Claim, Code, Wants, server::Limits};
pub use service::{Handle, Service};
