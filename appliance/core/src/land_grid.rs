//! The land grid: who owns each parcel and what stands on it, as read from the chain.

use std::collections::BTreeMap;

use crate::{
    BlockRef, Model, ModelId, Owned, OwnedParcel, OwnedPlacement, OwnedWallet, Parcel, Placement,
    WalletAddress,
};

/// One parcel as the chain has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelState {
    /// Holder of the land token.
    pub owner: WalletAddress,
    /// What stands on it, by placement ID.
    pub placements: Vec<Placement>,
}

/// The whole grid at one block. A snapshot: it is replaced, never changed in place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LandGrid {
    /// The block this grid is the state of; `None` before the first block was read.
    pub block: Option<BlockRef>,
    /// The block whose events changed the grid last, at or below `block`; `None` before anything
    /// happened. It names this state, see [`crate::grid::Epoch`].
    pub changed: Option<BlockRef>,
    /// Every minted parcel.
    pub parcels: BTreeMap<Parcel, ParcelState>,
    /// Every published model.
    pub models: BTreeMap<ModelId, Model>,
}

impl LandGrid {
    /// What these wallets own: wallets → parcels → placements → models. A placement whose model
    /// the grid does not know is left out: nothing could be fetched for it.
    pub fn owned_by(&self, wallets: &[WalletAddress]) -> Vec<OwnedWallet> {
        wallets
            .iter()
            .map(|&address| OwnedWallet {
                address,
                parcels: self
                    .parcels
                    .iter()
                    .filter(|(_, state)| state.owner == address)
                    .map(|(&parcel, state)| self.owned_parcel(parcel, state))
                    .collect(),
            })
            .collect()
    }

    fn owned_parcel(&self, parcel: Parcel, state: &ParcelState) -> OwnedParcel {
        let placements = state
            .placements
            .iter()
            .filter_map(|placement| {
                let model = self.models.get(&placement.model)?.clone();
                Some(OwnedPlacement {
                    id: placement.id,
                    pose: placement.pose,
                    model,
                })
            })
            .collect();
        OwnedParcel { parcel, placements }
    }

    /// The property of `wallets` with the age of this knowledge, see [`Owned`].
    pub fn owned(&self, wallets: &[WalletAddress], observed_at: crate::UnixTime) -> Owned {
        Owned {
            wallets: self.owned_by(wallets),
            as_of: self.block.map(|block| crate::AsOf { block, observed_at }),
        }
    }
}
