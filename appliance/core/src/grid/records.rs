//! The records that chunks and deltas share: owners, placements, models.

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::{DecodeError, Reader};
use crate::{ContentHash, InfoHash, Model, ModelId, Placement, Pose, WalletAddress};

/// Most bytes of a model's name.
pub const MAX_NAME: usize = 256;
/// Most bytes of a model's further magnet parameters.
pub const MAX_SOURCES: usize = 1024;

/// What a client needs to load a model and to know whether it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedModel {
    /// Token ID.
    pub id: ModelId,
    /// BitTorrent v1 info hash.
    pub info_hash: InfoHash,
    /// SHA-256 of the content.
    pub content_hash: ContentHash,
    /// Content size in bytes, as claimed on chain.
    pub size: u64,
    /// The model's flags as published on chain; 0 where it has none.
    pub flags: u8,
    /// The contract that unlocks the model; `None` if it is free.
    pub gate: Option<WalletAddress>,
    /// Name as published, at most [`MAX_NAME`] bytes. Strangers wrote it.
    pub name: String,
    /// Further magnet parameters as published, at most [`MAX_SOURCES`] bytes. Strangers wrote them.
    pub sources: String,
}

impl From<&Model> for ListedModel {
    fn from(model: &Model) -> Self {
        let mut name = model.name.clone();
        name.truncate(name.floor_char_boundary(MAX_NAME));
        // Half a parameter would mean something else.
        let sources = Some(&model.sources).filter(|sources| sources.len() <= MAX_SOURCES);
        Self {
            id: model.id,
            info_hash: model.info_hash,
            content_hash: model.content_hash,
            size: model.size,
            flags: 0, // no contract that the box reads has any yet
            gate: model.gate,
            name,
            sources: sources.cloned().unwrap_or_default(),
        }
    }
}

/// Every owner once, ascending, and the index of each.
pub(super) struct OwnerTable(BTreeMap<WalletAddress, usize>);

impl FromIterator<WalletAddress> for OwnerTable {
    fn from_iter<T: IntoIterator<Item = WalletAddress>>(owners: T) -> Self {
        let owners: BTreeSet<WalletAddress> = owners.into_iter().collect();
        Self(owners.into_iter().zip(0..).collect())
    }
}

impl OwnerTable {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The index of an owner that the table was made from.
    pub(super) fn index(&self, owner: &WalletAddress) -> usize {
        self.0.get(owner).copied().unwrap_or_default()
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        for owner in self.0.keys() {
            bytes.extend(owner.0);
        }
    }
}

/// An owner table as it was read: which owners were named has to be seen in the end.
pub(super) struct ReadOwners<'a> {
    owners: &'a [[u8; 20]],
    named: Vec<bool>,
}

impl<'a> ReadOwners<'a> {
    pub(super) fn read(reader: &mut Reader<'a>, count: usize) -> Result<Self, DecodeError> {
        let owners = reader.records::<20>(count, "the owners")?;
        if !owners.is_sorted_by(|a, b| a < b) {
            return Err(DecodeError::Wrong("the owners are not in order"));
        }
        Ok(Self {
            owners,
            named: vec![false; count],
        })
    }

    pub(super) fn name(&mut self, index: usize) -> Result<WalletAddress, DecodeError> {
        let (Some(owner), Some(named)) = (self.owners.get(index), self.named.get_mut(index)) else {
            return Err(DecodeError::Wrong("an owner that is not in the table"));
        };
        *named = true;
        Ok(WalletAddress(*owner))
    }

    pub(super) fn finish(self) -> Result<(), DecodeError> {
        if self.named.contains(&false) {
            return Err(DecodeError::Wrong("an owner of nothing is in the table"));
        }
        Ok(())
    }
}

/// Bytes of one placement.
pub(super) const PLACEMENT: usize = 40;

pub(super) fn put_placement(bytes: &mut Vec<u8>, placement: &Placement) {
    bytes.extend(placement.id.to_le_bytes());
    bytes.extend(placement.model.to_le_bytes());
    let pose = &placement.pose;
    for millimetres in [pose.x, pose.y, pose.z] {
        bytes.extend(millimetres.to_le_bytes());
    }
    for part in pose.rotation {
        bytes.extend(part.to_le_bytes());
    }
    bytes.extend(pose.scale.to_le_bytes());
}

/// The next `count` placements, all of one parcel.
pub(super) fn read_placements(
    reader: &mut Reader<'_>,
    count: usize,
) -> Result<Vec<Placement>, DecodeError> {
    let mut placements: Vec<Placement> = Vec::with_capacity(count);
    for record in reader.records::<PLACEMENT>(count, "the placements")? {
        let placement = read_placement(&mut Reader::over(record))?;
        if placements
            .last()
            .is_some_and(|last| last.id >= placement.id)
        {
            return Err(DecodeError::Wrong("placements are not in order"));
        }
        placements.push(placement);
    }
    Ok(placements)
}

fn read_placement(reader: &mut Reader<'_>) -> Result<Placement, DecodeError> {
    const WHAT: &str = "a placement";
    let id = reader.u64(WHAT)?;
    let model = reader.u64(WHAT)?;
    let [x, y, z] = [reader.i32(WHAT)?, reader.i32(WHAT)?, reader.i32(WHAT)?];
    let mut rotation = [0; 4];
    for part in &mut rotation {
        *part = reader.i16(WHAT)?;
    }
    let scale = reader.u32(WHAT)?;
    let pose = Pose {
        x,
        y,
        z,
        rotation,
        scale,
    };
    Ok(Placement { id, model, pose })
}

pub(super) fn put_model(bytes: &mut Vec<u8>, model: &ListedModel) {
    bytes.extend(model.id.to_le_bytes());
    bytes.extend(model.info_hash.0);
    bytes.extend(model.content_hash.0);
    bytes.extend(model.size.to_le_bytes());
    bytes.push(model.flags);
    bytes.push(u8::from(model.gate.is_some()));
    bytes.extend(model.gate.iter().flat_map(|gate| gate.0));
    for text in [&model.name, &model.sources] {
        // Both limits are below 2^16.
        bytes.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
}

pub(super) fn read_models(
    reader: &mut Reader<'_>,
    count: usize,
) -> Result<BTreeMap<ModelId, ListedModel>, DecodeError> {
    let mut models = BTreeMap::new();
    for _ in 0..count {
        let model = read_model(reader)?;
        if models
            .last_key_value()
            .is_some_and(|(last, _)| *last >= model.id)
        {
            return Err(DecodeError::Wrong("the models are not in order"));
        }
        models.insert(model.id, model);
    }
    Ok(models)
}

fn read_model(reader: &mut Reader<'_>) -> Result<ListedModel, DecodeError> {
    const WHAT: &str = "a model";
    Ok(ListedModel {
        id: reader.u64(WHAT)?,
        info_hash: InfoHash(reader.array(WHAT)?),
        content_hash: ContentHash(reader.array(WHAT)?),
        size: reader.u64(WHAT)?,
        flags: reader.u8(WHAT)?,
        gate: match reader.u8(WHAT)? {
            0 => None,
            1 => Some(WalletAddress(reader.array(WHAT)?)),
            _ => return Err(DecodeError::Wrong("a gate is neither there nor not")),
        },
        name: reader.text(MAX_NAME, WHAT)?,
        sources: reader.text(MAX_SOURCES, WHAT)?,
    })
}
