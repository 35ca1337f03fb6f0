//! The mesh: links between boxes. A box is called by its node ID, an Ed25519 public key; whoever
//! answers has proved that he holds the private half. Links are QUIC and cross home routers; a link
//! carries many streams, and any service may have a protocol of its own on it.
//!
//! The only crate that names `iroh`, and it uses of it what needs nobody else: no public relay, no
//! lookup of addresses by DNS or any other service. Where a peer can be reached is said by the
//! caller, and relays are those that the owner named in the settings.
//!
//! Strangers can reach it. Links, handshakes, streams and the bytes that wait are bounded, links that
//! carry nothing are closed. Addresses of peers are never logged.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod admission;
mod config;
mod endpoint;
mod error;
mod key;
mod links;
mod peer;
mod service;
mod stream;

pub use config::{Config, Limits, Protocol};
pub use error::Error;
pub use key::NodeKey;
pub use peer::{NodeId, Peer};
pub use service::{Handle, Service, Status, Streams};
pub use stream::{Receiver, Sender, Stream, reset_code};
