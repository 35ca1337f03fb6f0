//! The whole world in one answer: who owns each parcel and how much stands on it.

use std::collections::BTreeMap;

use super::{
    MAX_PARCELS, TooLarge,
    bytes::{DecodeError, Reader, begin, put_count, put_epoch},
    chunk::{Chunk, ChunkId, cells, count, put_cells},
    epoch::Epoch,
    records::{OwnerTable, ReadOwners},
};
use crate::{Parcel, WalletAddress};

const MAGIC: [u8; 4] = *b"CGRW";
const NAME: &str = "world";

/// What the world tells of one parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorldCell {
    /// Holder of the land token.
    pub owner: WalletAddress,
    /// Placements on it; 255 stands for 255 or more.
    pub placements: u8,
}

/// Every minted parcel at one epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    /// Which state this is.
    pub epoch: Epoch,
    /// The parcels.
    pub parcels: BTreeMap<Parcel, WorldCell>,
}

impl World {
    /// The world of these chunks.
    pub fn of<'a>(epoch: Epoch, chunks: impl IntoIterator<Item = &'a Chunk>) -> Self {
        let mut world = Self {
            epoch,
            parcels: BTreeMap::new(),
        };
        for chunk in chunks {
            world.add(chunk);
        }
        world
    }

    /// Adds one chunk's parcels.
    pub fn add(&mut self, chunk: &Chunk) {
        let cell = |(&parcel, state): (&Parcel, &crate::ParcelState)| {
            let cell = WorldCell {
                owner: state.owner,
                placements: count(state),
            };
            (parcel, cell)
        };
        self.parcels.extend(chunk.parcels.iter().map(cell));
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
        let mut chunks: BTreeMap<ChunkId, Vec<(Parcel, WorldCell)>> = BTreeMap::new();
        for (&parcel, &cell) in &self.parcels {
            let chunk = chunks.entry(ChunkId::of(parcel)).or_default();
            chunk.push((parcel, cell));
        }
        let owners: OwnerTable = self.parcels.values().map(|cell| cell.owner).collect();
        let mut bytes = begin(MAGIC);
        put_epoch(&mut bytes, &self.epoch);
        put_count(&mut bytes, owners.len());
        put_count(&mut bytes, chunks.len());
        put_count(&mut bytes, parcels);
        owners.put(&mut bytes);
        chunks.keys().for_each(|id| id.put(&mut bytes));
        for chunk in chunks.values() {
            put_cells(&mut bytes, chunk.iter().map(|(parcel, _)| *parcel));
        }
        let cells: Vec<&WorldCell> = chunks.values().flatten().map(|(_, cell)| cell).collect();
        // Byte by byte, because equal bytes lie side by side then, and compress well.
        let indexes: Vec<[u8; 8]> = cells
            .iter()
            .map(|cell| (owners.index(&cell.owner) as u64).to_le_bytes())
            .collect();
        for byte in 0..3 {
            bytes.extend(indexes.iter().map(|index| index[byte]));
        }
        bytes.extend(cells.iter().map(|cell| cell.placements));
        Ok(bytes)
    }

    /// Reads what [`World::encode`] wrote, and nothing else.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that no box writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::open(bytes, MAGIC, NAME)?;
        let epoch = reader.epoch()?;
        let [owners, chunks, parcels] = [
            reader.count("the number of owners")?,
            reader.count("the number of chunks")?,
            reader.count("the number of parcels")?,
        ];
        if parcels > MAX_PARCELS {
            return Err(DecodeError::Wrong("too many parcels"));
        }
        let mut owners = ReadOwners::read(&mut reader, owners)?;
        let mut places = Reader::over(reader.take(chunks.saturating_mul(4), "the chunks")?);
        let bits = reader.records::<32>(chunks, "the cells")?;
        let low = reader.take(parcels, "the owners of the cells")?;
        let middle = reader.take(parcels, "the owners of the cells")?;
        let high = reader.take(parcels, "the owners of the cells")?;
        let counts = reader.take(parcels, "the placements of the cells")?;
        reader.finish()?;

        let mut columns = low.iter().zip(middle).zip(high).zip(counts);
        let mut world = Self {
            epoch,
            parcels: BTreeMap::new(),
        };
        let mut last = None;
        for bits in bits {
            let id = ChunkId::read(&mut places)?;
            if last.replace(id) >= Some(id) || *bits == [0; 32] {
                return Err(DecodeError::Wrong("the chunks are not in order"));
            }
            for cell in cells(bits) {
                let Some((((low, middle), high), placements)) = columns.next() else {
                    return Err(DecodeError::Wrong("more cells than parcels"));
                };
                let index = u32::from_le_bytes([*low, *middle, *high, 0]) as usize;
                let cell_state = WorldCell {
                    owner: owners.name(index)?,
                    placements: *placements,
                };
                world.parcels.insert(id.parcel(cell), cell_state);
            }
        }
        if columns.next().is_some() {
            return Err(DecodeError::Wrong("more parcels than cells"));
        }
        owners.finish()?;
        Ok(world)
    }
}
