//! Follows the Ethereum contracts: who owns which parcel, what stands on it, and so what the
//! linked wallets own.
//!
//! Only this crate names `alloy`. It reads blocks and events from JSON-RPC endpoints, projects
//! them into the store, undoes what a reorganisation takes back, and publishes snapshots. What it
//! publishes is always a whole state with the age of that knowledge; an endpoint that fails or
//! lies makes it older, never empty.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod access;
mod config;
mod contracts;
mod endpoint;
mod endpoint_error;
mod endpoints;
mod error;
mod evidence;
mod follower;
mod handle;
mod headers;
mod logs;
#[cfg(test)]
mod made_up_chain;
mod projection;
mod prover;
mod publisher;
mod reader;
mod service;
mod source;
mod status;
mod storage;
mod transport;
mod trust;
mod view;
mod votes;
mod working;

pub use config::{Config, Deployment};
pub use error::Error;
pub use handle::Handle;
pub use service::Service;
pub use trust::{LightClientSetting, TrustSetting};
