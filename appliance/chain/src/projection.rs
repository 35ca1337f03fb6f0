//! What the contracts' events add up to. Pure: rows in, changed rows out; the store keeps the same
//! rows, and undoing is setting them back.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
};

use alloy::{primitives::U256, rpc::types::Log};
use seedbox_core::{
    BlockRef, LandGrid, Model, ModelId, Parcel, ParcelState, Placement, PlacementId, Pose,
    WalletAddress,
};
use seedbox_store::chain::Row;

use crate::{
    Deployment,
    contracts::Unusable,
    storage::{self, Storage},
};

/// One event of the contracts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A parcel was minted, or has another owner. What an earlier owner had placed on it ends.
    LandTransferred {
        parcel: Parcel,
        from: Option<WalletAddress>,
        to: Option<WalletAddress>,
    },
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
    /// The placements of each parcel that has any.
    standing: HashMap<Parcel, BTreeSet<PlacementId>>,
    storage: Arc<Storage>,
}

impl Projection {
    /// Applies an event. Returns the rows it changes, before and after; none if it says nothing
    /// new (for example about a placement that there is not).
    pub(crate) fn apply(&mut self, event: Event) -> Vec<(Row, Row)> {
        let changed = self.changed_by(event);
        let replaced = changed.into_iter().map(|after| {
            let before = self.set(after.clone());
            (before, after)
        });
        replaced.filter(|(before, after)| before != after).collect()
    }

    /// Writes what a log wrote into the contracts' storage. Adds the words before and after to
    /// `rows`.
    ///
    /// # Errors
    /// The contracts cannot have made this log.
    pub(crate) fn replay(
        &mut self,
        deployment: &Deployment,
        log: &Log,
        rows: &mut Vec<(Row, Row)>,
    ) -> Result<(), Unusable> {
        storage::replay(Arc::make_mut(&mut self.storage), deployment, log, rows)
    }

    /// The contracts' storage.
    pub(crate) fn storage(&self) -> &Arc<Storage> {
        &self.storage
    }

    fn changed_by(&self, event: Event) -> Vec<Row> {
        let after = match event {
            Event::LandTransferred { parcel, from, to } => {
                let ended = self.standing.get(&parcel).filter(|_| from.is_some());
                let mut rows: Vec<Row> = ended
                    .into_iter()
                    .flatten()
                    .map(|&id| Row::Placement(id, None))
                    .collect();
                rows.push(Row::Parcel(parcel, to));
                return rows;
            }
            Event::ModelTransferred(id, to) => Row::ModelOwner(id, to),
            Event::ModelPublished(model) => Row::Model(model.id, Some(Box::new(model))),
            Event::GateChanged(id, gate) => {
                let Some(model) = self.models.get(&id).cloned() else {
                    return Vec::new();
                };
                Row::Model(id, Some(Box::new(Model { gate, ..model })))
            }
            Event::Placed(parcel, placement) => {
                Row::Placement(placement.id, Some((parcel, placement)))
            }
            Event::Moved(id, pose) => {
                let Some((parcel, placement)) = self.placements.get(&id).cloned() else {
                    return Vec::new();
                };
                Row::Placement(id, Some((parcel, Placement { pose, ..placement })))
            }
            Event::Removed(id) => Row::Placement(id, None),
        };
        vec![after]
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
            Row::Placement(id, standing) => Row::Placement(id, self.set_placement(id, standing)),
            Row::Slot(contract, path, word) => {
                let word = U256::from_be_bytes(word);
                let before = Arc::make_mut(&mut self.storage).set(contract, path.into(), word);
                Row::Slot(contract, path, before.to_be_bytes())
            }
        }
    }

    fn set_placement(
        &mut self,
        id: PlacementId,
        standing: Option<(Parcel, Placement)>,
    ) -> Option<(Parcel, Placement)> {
        let parcel = standing.as_ref().map(|(parcel, _)| *parcel);
        let before = match standing {
            Some(standing) => self.placements.insert(id, standing),
            None => self.placements.remove(&id),
        };
        if let Some((earlier, _)) = &before
            && let Entry::Occupied(mut on_parcel) = self.standing.entry(*earlier)
        {
            on_parcel.get_mut().remove(&id);
            if on_parcel.get().is_empty() {
                on_parcel.remove();
            }
        }
        if let Some(parcel) = parcel {
            self.standing.entry(parcel).or_default().insert(id);
        }
        before
    }

    /// The land grid of this state, which is that at `block` and was made by `changed`. What
    /// stands on land that nobody holds is left out.
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
