//! The seeder: holds torrents under a quota, fetches what the linked wallets' land needs and what
//! others ask for, evicts what the network misses least, and never anything protected.
//!
//! Data flows one way: the watch of what is owned and the owner's orders come in, the
//! [`engine`] task decides and owns all state, [`session`] talks to librqbit, [`content`] and
//! [`volume`] touch the disk, and a status snapshot goes out. SQLite is the truth: librqbit's
//! session is rebuilt from it at every start.

mod config;
mod content;
mod descriptors;
mod engine;
mod error;
mod handle;
pub mod magnet;
pub mod metainfo;
mod session;
mod volume;

pub use config::Config;
pub use engine::Service;
pub use error::{Error, OrderError};
pub use handle::{Handle, RequestState};
pub use volume::erase_volume;
