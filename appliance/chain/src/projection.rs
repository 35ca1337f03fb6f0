//! What the contracts' events add up to. Pure: rows in, changed rows out; the store keeps the same
//! rows, and undoing is setting them back.

use std::collections::{BTreeMap, HashMap};

use seedbox_core::{
    BlockRef, LandGrid, Model, ModelId, Parcel, ParcelState, Placement, PlacementId, Pose,
    WalletAddress,
};
use seedbox_store::chain::Row;

/// One event of the contracts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A parcel has another owner, or none.
    LandTransferred(Parcel, Option<WalletAddress>),
    /// A model token has another owner, or none.
    ModelTransferred(ModelId, Option<WalletAddress>),
    /// A model was published.
    ModelPublished(Model),
    /// Another contract, or none, unlocks a model.
    GateChanged(ModelId, Option<WalletAddress>),
    /// A model now stands on a parcel.
    Placed(Parcel, Placement),
    /// A placement has another pose.
    Moved(PlacementId, Pose),
    /// A placement is no more.
    Removed(PlacementId),
}

/// The state that all events so far make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Projection {
    parcels: BTreeMap<Parcel, WalletAddress>,
    models: BTreeMap<ModelId, Model>,
    model_owners: HashMap<ModelId, WalletAddress>,
    placements: BTreeMap<PlacementId, (Parcel, Placement)>,
}

impl Projection {
    /// Applies an event. Returns the row it changes, before and after, or `None` if it says nothing
    /// new (for example about a placement that there is not).
    pub(crate) fn apply(&mut self, event: Event) -> Option<(Row, Row)> {
        let after = match event {
            Event::LandTransferred(parcel, to) => Row::Parcel(parcel, to),
            Event::ModelTransferred(id, to) => Row::ModelOwner(id, to),
            Event::ModelPublished(model) => Row::Model(model.id, Some(Box::new(model))),
            Event::GateChanged(id, gate) => {
                let model = self.models.get(&id)?.clone();
                Row::Model(id, Some(Box::new(Model { gate, ..model })))
            }
            Event::Placed(parcel, placement) => {
                Row::Placement(placement.id, Some((parcel, placement)))
            }
            Event::Moved(id, pose) => {
                let (parcel, placement) = self.placements.get(&id)?.clone();
                Row::Placement(id, Some((parcel, Placement { pose, ..placement })))
            }
            Event::Removed(id) => Row::Placement(id, None),
        };
        let before = self.set(after.clone());
        (before != after).then_some((before, after))
    }

    /// Sets a row and returns it as it was.
    pub(crate) fn set(&mut self, row: Row) -> Row {
        match row {
            Row::Parcel(parcel, Some(owner)) => {
                Row::Parcel(parcel, self.parcels.insert(parcel, owner))
            }
            Row::Parcel(parcel, None) => Row::Parcel(parcel, self.parcels.remove(&parcel)),
            Row::Model(id, Some(model)) => {
                Row::Model(id, self.models.insert(id, *model).map(Box::new))
            }
            Row::Model(id, None) => Row::Model(id, self.models.remove(&id).map(Box::new)),
            Row::ModelOwner(id, Some(owner)) => {
                Row::ModelOwner(id, self.model_owners.insert(id, owner))
            }
            Row::ModelOwner(id, None) => Row::ModelOwner(id, self.model_owners.remove(&id)),
            Row::Placement(id, Some(standing)) => {
                Row::Placement(id, self.placements.insert(id, standing))
            }
            Row::Placement(id, None) => Row::Placement(id, self.placements.remove(&id)),
        }
    }

    /// The land grid of this state, which is that at `block` and was made by `changed`. What stands on land that nobody holds is left out.
    pub(crate) fn grid(&self, block: Option<BlockRef>, changed: Option<BlockRef>) -> LandGrid {
        let mut parcels: BTreeMap<Parcel, ParcelState> = self
            .parcels
            .iter()
            .map(|(&parcel, &owner)| {
                let placements = Vec::new();
                (parcel, ParcelState { owner, placements })
            })
            .collect();
        for (parcel, placement) in self.placements.values() {
            if let Some(state) = parcels.get_mut(parcel) {
                state.placements.push(placement.clone());
            }
        }
        let models = self.models.iter().map(|(&id, model)| {
            let owner = self.model_owners.get(&id).copied();
            (
                id,
                Model {
                    owner,
                    ..model.clone()
                },
            )
        });
        LandGrid {
            block,
            changed,
            parcels,
            models: models.collect(),
        }
    }
}

impl FromIterator<Row> for Projection {
    fn from_iter<T: IntoIterator<Item = Row>>(rows: T) -> Self {
        let mut projection = Self::default();
        for row in rows {
            projection.set(row);
        }
        projection
    }
}

#[cfg(test)]
pub(crate) mod tests;
