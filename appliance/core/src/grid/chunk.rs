//! One chunk: 16 × 16 parcels with everything a client needs that stands there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    MAX_CHUNK_MODELS, MAX_PLACEMENTS,
    bytes::{DecodeError, Reader, begin, put_count},
    records::{
        ListedModel, OwnerTable, ReadOwners, put_model, put_placement, read_models, read_placements,
    },
};
use crate::{LandGrid, Model, ModelId, Parcel, ParcelState, Placement};

/// Parcels along a chunk's side.
pub const CHUNK_SIDE: i16 = 16;

const MAGIC: [u8; 4] = *b"CGRC";
const NAME: &str = "chunk";

/// A chunk by its coordinates: those of its parcels divided by 16, rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId {
    /// West to east, -2048 to 2047.
    pub x: i16,
    /// South to north, -2048 to 2047.
    pub y: i16,
}

/// One chunk's parcels and the models that they name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Which one.
    pub id: ChunkId,
    /// Its minted parcels; of each at most [`MAX_PLACEMENTS`] placements.
    pub parcels: BTreeMap<Parcel, ParcelState>,
    /// The models that the placements name, as far as they are known, at most
    /// [`MAX_CHUNK_MODELS`].
    pub models: BTreeMap<ModelId, ListedModel>,
}

impl ChunkId {
    const MOST: i16 = i16::MAX >> 4;
    const LEAST: i16 = i16::MIN >> 4;

    /// The chunk with these coordinates, if parcels can be in it.
    pub fn new(x: i16, y: i16) -> Option<Self> {
        let inside = |value: i16| (Self::LEAST..=Self::MOST).contains(&value);
        (inside(x) && inside(y)).then_some(Self { x, y })
    }

    /// The chunk that a parcel lies in.
    pub const fn of(parcel: Parcel) -> Self {
        Self {
            x: parcel.x >> 4,
            y: parcel.y >> 4,
        }
    }

    /// The parcel in one of its 256 cells, which are in the order of token IDs.
    pub(super) fn parcel(self, cell: u8) -> Parcel {
        Parcel {
            x: (self.x << 4) | i16::from(cell >> 4),
            y: (self.y << 4) | i16::from(cell & 15),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (x, y) = (reader.i16(NAME)?, reader.i16(NAME)?);
        Self::new(x, y).ok_or(DecodeError::Wrong("a chunk outside of the grid"))
    }

    pub(super) fn put(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.x.to_le_bytes());
        bytes.extend(self.y.to_le_bytes());
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.x, self.y)
    }
}

/// The cell of a parcel in its chunk.
pub(super) fn cell(parcel: Parcel) -> u8 {
    let [x, y] = [parcel.x, parcel.y].map(|coordinate| (coordinate & 15).to_le_bytes()[0]);
    (x << 4) | y
}

/// Which cells of a chunk there is something in, bit by bit.
pub(super) fn put_cells(bytes: &mut Vec<u8>, parcels: impl Iterator<Item = Parcel>) {
    let mut bits = [0u8; 32];
    for cell in parcels.map(cell) {
        bits[usize::from(cell >> 3)] |= 1 << (cell & 7);
    }
    bytes.extend(bits);
}

pub(super) fn cells(bits: &[u8; 32]) -> impl Iterator<Item = u8> + '_ {
    (0..=u8::MAX).filter(|cell| bits[usize::from(cell >> 3)] >> (cell & 7) & 1 == 1)
}

/// A parcel's state with no more placements than are listed.
fn listed(state: &ParcelState) -> ParcelState {
    let mut placements = state.placements.clone();
    placements.sort_by_key(|placement| placement.id);
    placements.truncate(MAX_PLACEMENTS);
    ParcelState {
        owner: state.owner,
        placements,
    }
}

impl LandGrid {
    /// One chunk, which may have no parcels.
    pub fn chunk(&self, id: ChunkId) -> Chunk {
        let mut chunk = Chunk::empty(id);
        let (first, last) = (id.parcel(0), id.parcel(u8::MAX));
        for x in first.x..=last.x {
            let column = Parcel { x, y: first.y }..=Parcel { x, y: last.y };
            let parcels = self.parcels.range(column);
            chunk
                .parcels
                .extend(parcels.map(|(&p, state)| (p, listed(state))));
        }
        let known = |id| Some((id, ListedModel::from(self.models.get(&id)?)));
        let models = chunk.named().into_iter().filter_map(known);
        chunk.models = models.take(MAX_CHUNK_MODELS).collect();
        chunk
    }

    /// Every chunk that has a parcel.
    pub fn chunks(&self) -> BTreeMap<ChunkId, Chunk> {
        let ids: BTreeSet<ChunkId> = self.parcels.keys().copied().map(ChunkId::of).collect();
        ids.into_iter().map(|id| (id, self.chunk(id))).collect()
    }

    /// The chunks that may differ from what they were in `before`; the others are the same.
    pub fn changed_chunks(&self, before: &LandGrid) -> BTreeSet<ChunkId> {
        let mut changed = BTreeSet::new();
        let mut old = before.parcels.iter().peekable();
        for (parcel, state) in &self.parcels {
            while let Some((gone, _)) = old.next_if(|(old, _)| *old < parcel) {
                changed.insert(ChunkId::of(*gone));
            }
            let same = old.next_if(|(old, _)| *old == parcel);
            if same.is_none_or(|(_, old)| old != state) {
                changed.insert(ChunkId::of(*parcel));
            }
        }
        changed.extend(old.map(|(gone, _)| ChunkId::of(*gone)));
        let models: BTreeSet<ModelId> = [
            (&self.models, &before.models),
            (&before.models, &self.models),
        ]
        .into_iter()
        .flat_map(|(one, other)| {
            let differs = |(id, model): &(&ModelId, &Model)| other.get(id) != Some(model);
            one.iter().filter(differs).map(|(id, _)| *id)
        })
        .collect();
        if !models.is_empty() {
            let names = |state: &ParcelState| {
                let mut placements = state.placements.iter();
                placements.any(|placement| models.contains(&placement.model))
            };
            let naming = self.parcels.iter().filter(|(_, state)| names(state));
            changed.extend(naming.map(|(parcel, _)| ChunkId::of(*parcel)));
        }
        changed
    }
}

impl Chunk {
    /// A chunk without parcels.
    pub fn empty(id: ChunkId) -> Self {
        Self {
            id,
            parcels: BTreeMap::new(),
            models: BTreeMap::new(),
        }
    }

    /// The models that its placements name.
    pub(super) fn named(&self) -> BTreeSet<ModelId> {
        let placements = self.parcels.values().flat_map(|state| &state.placements);
        placements.map(|placement| placement.model).collect()
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let owners: OwnerTable = self.parcels.values().map(|state| state.owner).collect();
        let placements: Vec<&Placement> = self
            .parcels
            .values()
            .flat_map(|state| state.placements.iter().take(MAX_PLACEMENTS))
            .collect();
        let mut bytes = begin(MAGIC);
        self.id.put(&mut bytes);
        put_count(&mut bytes, owners.len());
        put_count(&mut bytes, placements.len());
        put_count(&mut bytes, self.models.len());
        owners.put(&mut bytes);
        put_cells(&mut bytes, self.parcels.keys().copied());
        // A chunk has 256 parcels, so at most as many owners.
        let index = |state: &ParcelState| owners.index(&state.owner).to_le_bytes()[0];
        bytes.extend(self.parcels.values().map(index));
        bytes.extend(self.parcels.values().map(count));
        for placement in placements {
            put_placement(&mut bytes, placement);
        }
        for model in self.models.values() {
            put_model(&mut bytes, model);
        }
        bytes
    }

    /// Reads what [`Chunk::encode`] wrote, and nothing else.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that no box writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::open(bytes, MAGIC, NAME)?;
        let id = ChunkId::read(&mut reader)?;
        let [owners, placements, models] = [
            reader.count("the number of owners")?,
            reader.count("the number of placements")?,
            reader.count("the number of models")?,
        ];
        let mut owners = ReadOwners::read(&mut reader, owners)?;
        let bits: [u8; 32] = reader.array("the cells")?;
        let cells: Vec<u8> = cells(&bits).collect();
        let indexes = reader.take(cells.len(), "the owners of the cells")?;
        let counts = reader.take(cells.len(), "the placements of the cells")?;
        if counts.iter().copied().map(usize::from).sum::<usize>() != placements {
            return Err(DecodeError::Wrong("the numbers of placements differ"));
        }
        let mut chunk = Self::empty(id);
        for ((cell, index), count) in cells.into_iter().zip(indexes).zip(counts) {
            let state = ParcelState {
                owner: owners.name(usize::from(*index))?,
                placements: read_placements(&mut reader, usize::from(*count))?,
            };
            chunk.parcels.insert(id.parcel(cell), state);
        }
        owners.finish()?;
        if models > MAX_CHUNK_MODELS {
            return Err(DecodeError::Wrong("too many models"));
        }
        chunk.models = read_models(&mut reader, models)?;
        reader.finish()?;
        Ok(chunk)
    }
}

/// How many placements a parcel has, as far as eight bits tell.
pub(super) fn count(state: &ParcelState) -> u8 {
    u8::try_from(state.placements.len()).unwrap_or(u8::MAX)
}
