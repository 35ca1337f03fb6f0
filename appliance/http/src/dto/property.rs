//! Linked wallets and what they own.

use seedbox_core as core;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::AsOf;

/// Every linked wallet and its property.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Wallets {
    /// The wallets, also those that own nothing.
    pub wallets: Vec<Wallet>,
    /// The block that this is the state of; null while the chain has not been read.
    #[schema(required)]
    pub as_of: Option<AsOf>,
}

/// One linked wallet.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Wallet {
    /// EIP-55 address.
    #[schema(example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    pub address: String,
    /// Its parcels.
    pub parcels: Vec<Parcel>,
}

/// A parcel and what stands on it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Parcel {
    /// West to east.
    pub x: i16,
    /// South to north.
    pub y: i16,
    /// ERC-721 token ID.
    pub token_id: u32,
    /// What stands on it.
    pub placements: Vec<Placement>,
}

/// A model standing on a parcel.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Placement {
    /// ID of the placement.
    pub id: u64,
    /// Where it stands.
    pub pose: Pose,
    /// The model that stands there.
    pub model: Model,
}

/// Where and how a model stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Pose {
    /// Millimetres from the parcel's corner, eastwards.
    pub x: i32,
    /// Millimetres above the ground.
    pub y: i32,
    /// Millimetres from the parcel's corner, northwards.
    pub z: i32,
    /// Unit quaternion (x, y, z, w) times 32767.
    pub rotation: [i16; 4],
    /// Scale times 1000.
    pub scale: u32,
}

/// A model NFT.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Model {
    /// Token ID.
    pub id: u64,
    /// BitTorrent v1 info hash, 40 hexadecimal characters; names its torrent.
    pub info_hash: String,
    /// SHA-256 of the content, 64 hexadecimal characters.
    pub content_hash: String,
    /// Content size as claimed on chain, bytes.
    pub size: u64,
    /// Name as published. Strangers wrote it.
    pub name: String,
    /// EIP-55 address of the contract that unlocks it; null if it is free.
    #[schema(required)]
    pub gate: Option<String>,
    /// EIP-55 address of who holds the token.
    #[schema(required)]
    pub owner: Option<String>,
}

/// Links a wallet by its address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkRequest {
    /// `0x` and 40 hexadecimal digits; capital letters are checked (EIP-55).
    #[schema(
        example = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        max_length = 64
    )]
    pub address: String,
}

impl From<&core::Owned> for Wallets {
    fn from(owned: &core::Owned) -> Self {
        Wallets {
            wallets: owned.wallets.iter().map(Wallet::from).collect(),
            as_of: owned.as_of.map(AsOf::from),
        }
    }
}

impl From<&core::OwnedWallet> for Wallet {
    fn from(wallet: &core::OwnedWallet) -> Self {
        Wallet {
            address: wallet.address.to_string(),
            parcels: wallet.parcels.iter().map(Parcel::from).collect(),
        }
    }
}

impl From<&core::OwnedParcel> for Parcel {
    fn from(owned: &core::OwnedParcel) -> Self {
        Parcel {
            x: owned.parcel.x,
            y: owned.parcel.y,
            token_id: owned.parcel.token_id(),
            placements: owned.placements.iter().map(Placement::from).collect(),
        }
    }
}

impl From<&core::OwnedPlacement> for Placement {
    fn from(placement: &core::OwnedPlacement) -> Self {
        let pose = placement.pose;
        Placement {
            id: placement.id,
            pose: Pose {
                x: pose.x,
                y: pose.y,
                z: pose.z,
                rotation: pose.rotation,
                scale: pose.scale,
            },
            model: Model::from(&placement.model),
        }
    }
}

impl From<&core::Model> for Model {
    fn from(model: &core::Model) -> Self {
        Model {
            id: model.id,
            info_hash: model.info_hash.to_string(),
            content_hash: model.content_hash.to_string(),
            size: model.size,
            name: model.name.clone(),
            gate: model.gate.map(|address| address.to_string()),
            owner: model.owner.map(|address| address.to_string()),
        }
    }
}
