//! The system tests' harness: starts the real box among real programs — a chain, a tracker,
//! publishers, clients of other families, small disks — and speaks to it only from outside.
//!
//! Everything a test starts dies with it. Nothing here passes time except [`wait`].

use std::path::{Path, PathBuf};

pub mod abi;
pub mod anvil;
pub mod aria2;
pub mod beacon;
mod contracts;
pub mod damage;
pub mod disk;
pub mod docker;
pub mod history;
pub mod http;
pub mod land;
pub mod models;
pub mod node;
pub mod process;
pub mod publisher;
pub mod qemu;
pub mod rauc;
pub mod seedbox;
pub mod tracker;
pub mod transmission;
pub mod wait;
pub mod witness;
pub mod world;

/// The root of the repository that the tests were built from.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .to_owned()
}
