//! WebTransport: a browser's stream to this box over QUIC (HTTP/3). A page from `https://` cannot open a
//! plain WebSocket, and a box at home has no certificate that browsers know; here the page names the hash
//! of the box's own certificate instead (`serverCertificateHashes` of the W3C's WebTransport), which it has
//! from the box's signed descriptor.
//!
//! The only crate that names `web-transport-noq`, which stands on the QUIC that the mesh uses. Whoever
//! comes gets one stream; what runs over it is not known here. Strangers can reach it: connections,
//! handshakes and buffers are bounded, and nothing is logged about who they are.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod certificate;
mod error;
mod service;
mod socket;

pub use certificate::Fingerprint;
pub use error::Error;
pub use service::{Config, Service};
pub use socket::{Reader, Writer};
