//! The box's face on the network: the owner's admin API and panel on one listener, the public
//! data plane on another.
//!
//! Only this crate names axum. It knows no other service: it reads snapshots and gives orders
//! through the [`Appliance`] trait, which the daemon implements. The admin listener trusts
//! nobody: see `admin` for the layers every request passes. The public listener is read-only but
//! for one order, a visitor's request for a model.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod admin;
mod appliance;
mod chain_trust;
mod client_address;
mod clock;
mod config;
mod connections;
pub mod dto;
mod error;
mod extract;
mod health;
mod metrics;
mod owner;
mod panel;
mod problem;
mod public;
mod service;

pub use admin::openapi_json;
pub use appliance::{Appliance, Content, OrderError, RequestState};
pub use config::Config;
pub use error::Error;
pub use public::RelaySocket;
pub use service::{Handle, Service};

#[cfg(test)]
mod tests;
