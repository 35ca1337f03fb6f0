//! The service as a browser, a visitor and an attacker meet it.

mod claim;
mod defence;
mod events;
mod fake_appliance;
mod harness;
mod openapi;
mod orders;
mod public;
mod sessions;
