//! The service as a browser, a visitor and an attacker meet it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod openapi;
