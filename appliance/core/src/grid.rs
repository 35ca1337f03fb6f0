//! The land grid as clients get it: one binary format each for the whole world, for a chunk of
//! 16 × 16 parcels and for what changed between two epochs. `docs/GRID.md` describes them field by
//! field.
//!
//! Every value has exactly one encoding, so equal states have equal bytes on every box, and a
//! decoder takes nothing else. Decoding reads strangers' bytes: it never panics and never makes
//! room for more than the input can fill.

mod bytes;
mod chunk;
mod delta;
mod epoch;
mod records;
mod world;

pub use bytes::DecodeError;
pub use chunk::{CHUNK_SIDE, Chunk, ChunkId};
pub use delta::Delta;
pub use epoch::{Epoch, EpochName, EpochNameError};
pub use records::{ListedModel, MAX_NAME, MAX_SOURCES};
pub use world::{World, WorldCell};

/// Version of all three formats.
pub const FORMAT_VERSION: u16 = 1;
/// Most parcels in one world or delta.
pub const MAX_PARCELS: usize = 1 << 22;
/// Most placements listed of one parcel: those with the lowest IDs.
pub const MAX_PLACEMENTS: usize = 255;
/// Most models listed of one chunk: those with the lowest IDs.
pub const MAX_CHUNK_MODELS: usize = 4096;

/// More parcels than the formats hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{parcels} parcels are more than the {MAX_PARCELS} that the grid's formats hold")]
pub struct TooLarge {
    /// How many there are.
    pub parcels: usize,
}

#[cfg(test)]
mod tests;
