//! The box's memory: one SQLite file, one writer thread.
//!
//! Only this crate names SQLite. Each sibling room has its own module of typed questions and
//! orders ([`chain`], [`light_client`], [`torrents`], [`votes`], [`notes`], [`admin`], [`settings`]); no SQL and no row leaves it. All
//! access goes through one thread that owns the connection, so there is never a lock to wait for
//! and a write is on disk when its future resolves (`synchronous = FULL`).

pub mod admin;
pub mod chain;
mod database;
mod error;
pub mod light_client;
pub mod notes;
pub mod settings;
pub mod torrents;
pub mod votes;

pub use database::Store;
pub use error::Error;
