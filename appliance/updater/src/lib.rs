//! The updater: replaces the whole system, once its owner says so, by a signed bundle that is
//! written to the slot which does not run. Whether a bundle is to be trusted, and writing it, is
//! RAUC's work; when, and whether it may be an older one, is decided here; trying the new system
//! and going back is the boot loader's, and what became of it is found out here.
//!
//! Data flows one way: [`incoming`] takes a bundle in, the [`service`] task decides and owns all
//! state, [`rauc`] runs the program, [`attempt`] remembers across restarts, and a status snapshot
//! goes out.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod attempt;
mod config;
mod error;
mod handle;
mod incoming;
mod looking;
mod rauc;
mod service;
mod version;

pub use config::Config;
pub use error::{Error, OrderError};
pub use handle::{Content, Handle};
pub use service::Service;
pub use version::Version;
