//! The guard between strangers' torrents and everything else: only a [`Metainfo`] that passed
//! every check here is shown to the engine or given room on a disk.
//!
//! Pure: bytes in, decisions out.

pub mod bencode;
mod create;
mod error;
mod names;
mod validate;

#[cfg(test)]
mod tests;

pub use create::{CreateError, Created, Layout, create};
pub use error::MetainfoError;
pub(crate) use names::display_text;
pub use names::{MAX_DISPLAY_CHARACTERS, MAX_NAME_BYTES, MAX_PATH_COMPONENTS, NameProblem};
pub use validate::{File, Limits, Metainfo};

/// Bytes of an info dictionary that are read.
pub const MAX_INFO_BYTES: usize = 4 << 20;
/// Bytes of a torrent file that are read; what is not `info` in it is skipped.
pub const MAX_TORRENT_BYTES: usize = 8 << 20;
/// Pieces of a torrent.
pub const MAX_PIECES: u32 = 120_000;
/// Files of a torrent, padding files included.
pub const MAX_FILES: usize = 4_096;
/// Smallest piece length in bytes, and what every piece length is a multiple of: the block that
/// peers exchange.
pub const MIN_PIECE_LENGTH: u32 = 16 << 10;
/// Largest piece length in bytes: a piece is held in memory while it is checked.
pub const MAX_PIECE_LENGTH: u32 = 16 << 20;
