//! The service as a browser, a visitor and an attacker meet it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod claim;
mod defence;
mod events;
mod fake_appliance;
mod harness;
mod openapi;
mod orders;
mod public;
mod sessions;
