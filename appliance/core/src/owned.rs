//! What the linked wallets own, and how sure and how old that knowledge is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{InfoHash, Model, Parcel, PlacementId, Pose, UnixTime, WalletAddress};

/// A block by number and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRef {
    /// Height.
    pub number: u64,
    /// Block hash.
    #[serde(with = "hex::serde")]
    pub hash: [u8; 32],
    /// The block's own timestamp.
    pub timestamp: UnixTime,
}

/// Which block a statement is about, and when an endpoint last confirmed it as the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsOf {
    /// The block.
    pub block: BlockRef,
    /// When the box last heard from the chain that this is current.
    pub observed_at: UnixTime,
}

/// A model standing on owned land.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedPlacement {
    /// ID of the placement.
    pub id: PlacementId,
    /// Where it stands.
    pub pose: Pose,
    /// The model that stands there.
    pub model: Model,
}

/// A parcel and what stands on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedParcel {
    /// Its coordinates.
    pub parcel: Parcel,
    /// What stands on it.
    pub placements: Vec<OwnedPlacement>,
}

/// One linked wallet's property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedWallet {
    /// The linked wallet.
    pub address: WalletAddress,
    /// Its parcels.
    pub parcels: Vec<OwnedParcel>,
}

/// The property of all linked wallets. Models are secured for what stands on *owned land*; a
/// token that somebody sends to a wallet secures nothing by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned {
    /// Every linked wallet, also those that own nothing.
    pub wallets: Vec<OwnedWallet>,
    /// What block this is the state of; `None` while the chain has not been read.
    pub as_of: Option<AsOf>,
}

impl Owned {
    /// Whether this says for certain what is *not* owned. With no wallet linked nothing is owned;
    /// otherwise the chain must have confirmed it within `max_age` seconds. A confirmation from
    /// the future means that the clock is wrong, and then nothing is certain.
    pub fn is_certain(&self, now: UnixTime, max_age: u64) -> bool {
        self.wallets.is_empty()
            || self.as_of.is_some_and(|as_of| {
                as_of.observed_at <= now && now.seconds_since(as_of.observed_at) <= max_age
            })
    }

    /// The distinct models on owned land, by info hash. Two tokens may name one torrent; the
    /// first by token ID speaks for it.
    pub fn models(&self) -> BTreeMap<InfoHash, &Model> {
        let mut models: BTreeMap<InfoHash, &Model> = BTreeMap::new();
        let placements = self
            .wallets
            .iter()
            .flat_map(|w| &w.parcels)
            .flat_map(|p| &p.placements);
        for placement in placements {
            let model = &placement.model;
            let entry = models.entry(model.info_hash).or_insert(model);
            if model.id < entry.id {
                *entry = model;
            }
        }
        models
    }
}
