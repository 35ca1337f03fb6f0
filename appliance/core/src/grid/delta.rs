//! What changed from one epoch to another: the changed parcels with their new state.

use std::collections::BTreeMap;

use super::{
    MAX_PARCELS, MAX_PLACEMENTS, TooLarge,
    bytes::{DecodeError, Reader, begin, put_count, put_epoch},
    chunk::{Chunk, ChunkId, count},
    epoch::Epoch,
    records::{
        ListedModel, OwnerTable, ReadOwners, put_model, put_placement, read_models, read_placements,
    },
    world::{World, WorldCell},
};
use crate::{ModelId, Parcel, ParcelState};

const MAGIC: [u8; 4] = *b"CGRD";
const NAME: &str = "delta";
/// Owner index of a parcel that is not minted (any more).
const NOBODY: u32 = u32::MAX;

/// How to get from one epoch to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// The state that it applies to.
    pub from: Epoch,
    /// The state that comes out.
    pub to: Epoch,
    /// Changed parcels as they are now; `None` for one that a reorganisation has unminted.
    pub parcels: BTreeMap<Parcel, Option<ParcelState>>,
    /// Models that a chunk names now and did not name, or knew otherwise, before.
    pub models: BTreeMap<ModelId, ListedModel>,
}

impl Delta {
    /// Nothing yet from `from` to `to`; see [`Delta::add`].
    pub fn new(from: Epoch, to: Epoch) -> Self {
        Self {
            from,
            to,
            ..Self::default()
        }
    }

    /// Adds what differs between a chunk before and after.
    pub fn add(&mut self, before: &Chunk, after: &Chunk) {
        for (&parcel, state) in &after.parcels {
            if before.parcels.get(&parcel) != Some(state) {
                self.parcels.insert(parcel, Some(state.clone()));
            }
        }
        for &parcel in before.parcels.keys() {
            if !after.parcels.contains_key(&parcel) {
                self.parcels.insert(parcel, None);
            }
        }
        for (id, model) in &after.models {
            if before.models.get(id) != Some(model) {
                self.models.insert(*id, model.clone());
            }
        }
    }

    /// Brings a world of epoch `from` to epoch `to`.
    pub fn apply_to_world(&self, world: &mut World) {
        world.epoch = self.to;
        for (&parcel, state) in &self.parcels {
            match state {
                Some(state) => {
                    let cell = WorldCell {
                        owner: state.owner,
                        placements: count(state),
                    };
                    world.parcels.insert(parcel, cell);
                }
                None => {
                    world.parcels.remove(&parcel);
                }
            }
        }
    }

    /// Brings a chunk of epoch `from` to epoch `to`.
    pub fn apply_to_chunk(&self, chunk: &mut Chunk) {
        let here = |parcel: &Parcel| ChunkId::of(*parcel) == chunk.id;
        let parcels = self.parcels.iter().filter(|(parcel, _)| here(parcel));
        for (&parcel, state) in parcels {
            match state {
                Some(state) => chunk.parcels.insert(parcel, state.clone()),
                None => chunk.parcels.remove(&parcel),
            };
        }
        let named = chunk.named();
        chunk.models.extend(self.models.clone());
        chunk.models.retain(|id, _| named.contains(id));
    }

    /// Its bytes.
    ///
    /// # Errors
    /// [`TooLarge`] if it has more than [`MAX_PARCELS`] parcels.
    pub fn encode(&self) -> Result<Vec<u8>, TooLarge> {
        let parcels = self.parcels.len();
        if parcels > MAX_PARCELS {
            return Err(TooLarge { parcels });
        }
        let states = || self.parcels.values().flatten();
        let owners: OwnerTable = states().map(|state| state.owner).collect();
        let placements = || states().flat_map(|state| state.placements.iter().take(MAX_PLACEMENTS));
        let mut bytes = begin(MAGIC);
        put_epoch(&mut bytes, &self.from);
        put_epoch(&mut bytes, &self.to);
        put_count(&mut bytes, owners.len());
        put_count(&mut bytes, parcels);
        put_count(&mut bytes, placements().count());
        put_count(&mut bytes, self.models.len());
        owners.put(&mut bytes);
        for (parcel, state) in &self.parcels {
            bytes.extend(parcel.x.to_le_bytes());
            bytes.extend(parcel.y.to_le_bytes());
            match state {
                Some(state) => put_count(&mut bytes, owners.index(&state.owner)),
                None => bytes.extend(NOBODY.to_le_bytes()),
            }
            bytes.push(state.as_ref().map_or(0, count));
        }
        for placement in placements() {
            put_placement(&mut bytes, placement);
        }
        for model in self.models.values() {
            put_model(&mut bytes, model);
        }
        Ok(bytes)
    }

    /// Reads what [`Delta::encode`] wrote, and nothing else.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that no box writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::open(bytes, MAGIC, NAME)?;
        let mut delta = Self::new(reader.epoch()?, reader.epoch()?);
        let [owners, parcels, placements, models] = [
            reader.count("the number of owners")?,
            reader.count("the number of parcels")?,
            reader.count("the number of placements")?,
            reader.count("the number of models")?,
        ];
        if parcels > MAX_PARCELS {
            return Err(DecodeError::Wrong("too many parcels"));
        }
        let mut owners = ReadOwners::read(&mut reader, owners)?;
        let records = reader.records::<9>(parcels, "the parcels")?;
        let mut listed = 0usize;
        for record in records {
            let mut record = Reader::over(record);
            let (x, y) = (record.i16(NAME)?, record.i16(NAME)?);
            let (index, count) = (record.u32(NAME)?, usize::from(record.u8(NAME)?));
            let parcel = Parcel { x, y };
            let last = delta.parcels.last_key_value();
            if last.is_some_and(|(last, _)| *last >= parcel) {
                return Err(DecodeError::Wrong("the parcels are not in order"));
            }
            let state = match index {
                NOBODY if count > 0 => {
                    return Err(DecodeError::Wrong("something stands on nobody's land"));
                }
                NOBODY => None,
                index => Some(ParcelState {
                    owner: owners.name(index as usize)?,
                    placements: read_placements(&mut reader, count)?,
                }),
            };
            delta.parcels.insert(parcel, state);
            listed += count;
        }
        if listed != placements {
            return Err(DecodeError::Wrong("the numbers of placements differ"));
        }
        owners.finish()?;
        delta.models = read_models(&mut reader, models)?;
        reader.finish()?;
        Ok(delta)
    }
}
