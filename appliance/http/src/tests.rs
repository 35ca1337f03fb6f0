//! The service as a browser, a visitor and an attacker meet it.

mod access;
mod claim;
mod defence;
mod events;
mod fake_appliance;
mod grid;
mod grid_stream;
mod grid_vectors;
mod harness;
mod metrics;
mod openapi;
mod orders;
mod public;
mod relay;
mod sessions;
mod update;
mod votes;
