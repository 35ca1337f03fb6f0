//! Models and where they stand.

use serde::{Deserialize, Serialize};

use crate::{ContentHash, InfoHash, WalletAddress};

/// The token ID of a model. IDs are given out from 1, so 64 bits hold every one that can exist.
pub type ModelId = u64;

/// The ID of one placement, given out from 1.
pub type PlacementId = u64;

/// A model NFT: what a magnet link needs, as published on chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Token ID.
    pub id: ModelId,
    /// BitTorrent v1 info hash.
    pub info_hash: InfoHash,
    /// SHA-256 of the content, files concatenated in torrent order.
    pub content_hash: ContentHash,
    /// Content size in bytes, as claimed on chain; the metainfo must agree.
    pub size: u64,
    /// The contract that unlocks the model; `None` if it is free.
    pub gate: Option<WalletAddress>,
    /// Name as published. Strangers wrote it: for display only, never a path.
    pub name: String,
    /// Further magnet parameters as published (`tr=…&x.pe=…`). Strangers wrote them.
    pub sources: String,
    /// Who holds the model's token.
    pub owner: Option<WalletAddress>,
}

/// Where and how a model stands on its parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pose {
    /// Millimetres from the parcel's corner, eastwards.
    pub x: i32,
    /// Millimetres above the parcel's ground.
    pub y: i32,
    /// Millimetres from the parcel's corner, northwards.
    pub z: i32,
    /// Unit quaternion (x, y, z, w) times 32767.
    pub rotation: [i16; 4],
    /// Scale times 1000.
    pub scale: u32,
}

/// A model standing on a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// ID of the placement.
    pub id: PlacementId,
    /// Token ID of the model.
    pub model: ModelId,
    /// Where it stands.
    pub pose: Pose,
}
