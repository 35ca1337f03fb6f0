//! The chain as the box has read it: recent blocks, the projected rows, how to undo them, and the
//! linked wallets.
//!
//! What an event means is decided by the chain service; here rows are written, journalled and
//! restored. One call is one transaction, so a power cut never leaves half a range of blocks.

mod rows;

use rusqlite::{Connection, OptionalExtension, Row as SqlRow};
use seedbox_core::{
    BlockRef, Model, ModelId, Parcel, Placement, PlacementId, UnixTime, WalletAddress,
};
use serde::{Deserialize, Serialize};

use crate::{Error, Store};

/// Names one reading of the chain from the deployment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadingId(i64);

/// The contracts whose storage is rebuilt from their events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Contract {
    /// Parcels.
    Land,
    /// Models.
    Model,
    /// What stands where.
    Placement,
}

impl Contract {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Land, Self::Model, Self::Placement];
}

/// One row of the projection by its key, with its value; `None` where there is no such row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Row {
    /// A parcel's owner.
    Parcel(Parcel, Option<WalletAddress>),
    /// A model as published; its `owner` is always `None` here, see [`Row::ModelOwner`].
    Model(ModelId, Option<Box<Model>>),
    /// A model token's owner, which may be known before the model is published.
    ModelOwner(ModelId, Option<WalletAddress>),
    /// A placement and the parcel it stands on.
    Placement(PlacementId, Option<(Parcel, Placement)>),
    /// A word of a contract's storage; as in Ethereum there is none where it is zero.
    Slot(
        Contract,
        /// keccak-256 of the slot: the path in the contract's storage trie.
        #[serde(with = "hex::serde")]
        [u8; 32],
        /// The word, big endian.
        #[serde(with = "hex::serde")]
        [u8; 32],
    ),
}

/// What names a row, in the order of the tables and of the rows in them.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Parcel(Parcel),
    Model(ModelId),
    ModelOwner(ModelId),
    Placement(PlacementId),
    Slot(Contract, &'a [u8; 32]),
}

impl Row {
    fn key(&self) -> Key<'_> {
        match self {
            Row::Parcel(parcel, _) => Key::Parcel(*parcel),
            Row::Model(id, _) => Key::Model(*id),
            Row::ModelOwner(id, _) => Key::ModelOwner(*id),
            Row::Placement(id, _) => Key::Placement(*id),
            Row::Slot(contract, path, _) => Key::Slot(*contract, path),
        }
    }
}

/// How a row was before an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// Height of the block with the event.
    pub block: u64,
    /// The row before.
    pub before: Row,
}

/// What is written at once. All of it may be empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Blocks to remember, ascending; the last becomes the tip.
    pub blocks: Vec<BlockRef>,
    /// The changed rows as they are now. Of several with one key the last counts.
    pub rows: Vec<Row>,
    /// How to undo the changes, in the order of their events. Where it says nothing about a block
    /// above the floor, that block changed nothing.
    pub undo: Vec<Undo>,
    /// Lowest block that has to be gone back to: older journal entries are dropped.
    pub floor: u64,
    /// The last block at or below `floor` with a change, if it is to be remembered anew.
    pub changed: Option<BlockRef>,
    /// When an endpoint confirmed the tip as the head, if it did.
    pub observed_at: Option<UnixTime>,
    /// Height of the newest block whose state was proved, if any was.
    pub proved: Option<u64>,
}

/// One reading as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Its name.
    pub id: ReadingId,
    /// Whether it has ever reached the head; only then is it fit to be served.
    pub complete: bool,
    /// Lowest block that can be gone back to.
    pub floor: u64,
    /// The block that `rows` is the state of.
    pub tip: Option<BlockRef>,
    /// When an endpoint last confirmed the tip.
    pub observed_at: Option<UnixTime>,
    /// The newest block whose state was proved.
    pub proved: Option<BlockRef>,
    /// Remembered blocks, ascending: the first one read and those from `floor` on.
    pub blocks: Vec<BlockRef>,
    /// Blocks with changes, ascending: the last one at or below `floor` and all above.
    pub changed: Vec<BlockRef>,
    /// The projection.
    pub rows: Vec<Row>,
}

impl Store {
    /// Every reading of `source`, oldest first, without what was read after its last proved block; readings of another source are deleted. Without a
    /// source (no chain is configured any more) all are kept and returned.
    ///
    /// # Errors
    /// [`Error::Sqlite`], [`Error::Damaged`] or [`Error::Closed`].
    pub async fn chain_readings(&self, source: Option<String>) -> Result<Vec<Reading>, Error> {
        self.call(move |db| {
            if let Some(source) = source {
                db.execute("DELETE FROM chain_readings WHERE source <> ?1", [source])?;
            }
            let ids: Vec<i64> = db
                .prepare("SELECT id FROM chain_readings ORDER BY id")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let step = db.transaction()?;
            let readings = ids
                .into_iter()
                .map(|id| {
                    take_back_unproved(&step, ReadingId(id))?;
                    reading(&step, ReadingId(id))
                })
                .collect::<Result<_, Error>>()?;
            step.commit()?;
            Ok(readings)
        })
        .await
    }

    /// Begins a new, empty reading. Unfinished ones are dropped, the finished one stays.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn begin_chain_reading(&self, source: String) -> Result<ReadingId, Error> {
        self.call(move |db| {
            let step = db.transaction()?;
            step.execute("DELETE FROM chain_readings WHERE complete = 0", [])?;
            step.execute("INSERT INTO chain_readings (source) VALUES (?1)", [source])?;
            let id = ReadingId(step.last_insert_rowid());
            step.commit()?;
            Ok(id)
        })
        .await
    }

    /// Applies a batch: its rows, its blocks, its journal and the new tip, all or nothing.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn apply_chain_batch(&self, id: ReadingId, batch: Batch) -> Result<(), Error> {
        self.call(move |db| {
            let step = db.transaction()?;
            apply(&step, id, &batch)?;
            step.commit()?;
            Ok(())
        })
        .await
    }

    /// Goes back to a remembered block at or above the floor: undoes every change of later blocks
    /// and forgets those blocks. Returns the restored rows in the order to set them.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the block is not remembered or a journal entry cannot be read,
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn undo_chain_blocks(&self, id: ReadingId, to: u64) -> Result<Vec<Row>, Error> {
        self.call(move |db| {
            let step = db.transaction()?;
            let restored = undo(&step, id, to)?;
            step.commit()?;
            Ok(restored)
        })
        .await
    }

    /// The rows as they were before each change in blocks after `block`, the newest change first,
    /// without undoing anything.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a journal entry cannot be read, [`Error::Sqlite`] or
    /// [`Error::Closed`].
    pub async fn chain_journal(&self, id: ReadingId, block: u64) -> Result<Vec<Row>, Error> {
        self.call(move |db| rows::undone(db, id, block)).await
    }

    /// Declares a reading fit to be served because it has reached the head, and deletes the others.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn complete_chain_reading(&self, id: ReadingId) -> Result<(), Error> {
        self.call(move |db| {
            let step = db.transaction()?;
            step.execute(
                "UPDATE chain_readings SET complete = 1 WHERE id = ?1",
                [id.0],
            )?;
            step.execute("DELETE FROM chain_readings WHERE id <> ?1", [id.0])?;
            step.commit()?;
            Ok(())
        })
        .await
    }

    /// The linked wallets in the order of their addresses.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn wallets(&self) -> Result<Vec<WalletAddress>, Error> {
        self.call(|db| {
            let mut query = db.prepare("SELECT address FROM chain_wallets ORDER BY address")?;
            let wallets = query.query_map([], |row| Ok(WalletAddress(row.get(0)?)))?;
            Ok(wallets.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Links a wallet; twice is no error.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn link_wallet(&self, wallet: WalletAddress) -> Result<(), Error> {
        self.call(move |db| {
            let sql = "INSERT INTO chain_wallets (address) VALUES (?1) ON CONFLICT DO NOTHING";
            db.execute(sql, [wallet.0])?;
            Ok(())
        })
        .await
    }

    /// Unlinks a wallet; one that is not linked is no error.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn unlink_wallet(&self, wallet: WalletAddress) -> Result<(), Error> {
        self.call(move |db| {
            db.execute("DELETE FROM chain_wallets WHERE address = ?1", [wallet.0])?;
            Ok(())
        })
        .await
    }
}

fn block(row: &SqlRow<'_>) -> rusqlite::Result<BlockRef> {
    Ok(BlockRef {
        number: row.get::<_, i64>(0)?.cast_unsigned(),
        hash: row.get(1)?,
        timestamp: UnixTime(row.get::<_, i64>(2)?.cast_unsigned()),
    })
}

/// Goes back to the last proved block. One that cannot be gone back to is left for the next proof.
fn take_back_unproved(db: &Connection, id: ReadingId) -> Result<(), Error> {
    let sql = "SELECT proved FROM chain_readings JOIN chain_blocks ON id = reading
               WHERE id = ?1 AND number = proved AND number >= floor AND number < tip_number";
    let proved: Option<i64> = db.query_row(sql, [id.0], |row| row.get(0)).optional()?;
    if let Some(proved) = proved {
        undo(db, id, proved.cast_unsigned())?;
    }
    Ok(())
}

fn reading(db: &Connection, id: ReadingId) -> Result<Reading, Error> {
    let (complete, floor, observed_at) = db.query_row(
        "SELECT complete, floor, observed_at FROM chain_readings WHERE id = ?1",
        [id.0],
        |row| {
            let observed_at: Option<i64> = row.get(2)?;
            Ok((
                row.get(0)?,
                row.get::<_, i64>(1)?.cast_unsigned(),
                observed_at.map(|at| UnixTime(at.cast_unsigned())),
            ))
        },
    )?;
    let tip = "SELECT tip_number, tip_hash, tip_timestamp FROM chain_readings
               WHERE id = ?1 AND tip_number IS NOT NULL";
    let blocks = "SELECT number, hash, timestamp FROM chain_blocks
                  WHERE reading = ?1 ORDER BY number";
    let proved = "SELECT number, hash, timestamp FROM chain_blocks JOIN chain_readings
                  ON id = reading WHERE reading = ?1 AND number = proved";
    let changed = "SELECT changed_number, changed_hash, changed_timestamp FROM chain_readings
                   WHERE id = ?1 AND changed_number IS NOT NULL
                   UNION
                   SELECT number, hash, timestamp FROM chain_blocks AS b
                   WHERE reading = ?1 AND EXISTS
                     (SELECT 1 FROM chain_undo WHERE reading = ?1 AND block = b.number)
                   ORDER BY 1";
    let all = |sql: &str| -> Result<Vec<BlockRef>, Error> {
        let mut query = db.prepare(sql)?;
        let found = query.query_map([id.0], block)?;
        Ok(found.collect::<Result<_, _>>()?)
    };
    Ok(Reading {
        id,
        complete,
        floor,
        tip: db.query_row(tip, [id.0], block).optional()?,
        observed_at,
        proved: db.query_row(proved, [id.0], block).optional()?,
        blocks: all(blocks)?,
        changed: all(changed)?,
        rows: rows::load(db, id)?,
    })
}

fn apply(db: &Connection, id: ReadingId, batch: &Batch) -> Result<(), Error> {
    let floor = batch.floor.cast_signed();
    for undo in batch.undo.iter().filter(|undo| undo.block > batch.floor) {
        rows::journal(db, id, undo.block, &undo.before)?;
    }
    // Each row once, in the order in which it lies in the file.
    let mut rows: Vec<&Row> = batch.rows.iter().collect();
    rows.sort_by(|a, b| a.key().cmp(&b.key()));
    for same in rows.chunk_by(|a, b| a.key() == b.key()) {
        if let Some(last) = same.last() {
            rows::set(db, id, last)?;
        }
    }
    let sql = "INSERT INTO chain_blocks (reading, number, hash, timestamp) VALUES (?1, ?2, ?3, ?4)";
    for block in &batch.blocks {
        set_block(db, sql, id, block)?;
    }
    if let Some(tip) = batch.blocks.last() {
        set_tip(db, id, tip)?;
    }
    if let Some(at) = batch.observed_at {
        let sql = "UPDATE chain_readings SET observed_at = ?2 WHERE id = ?1";
        db.execute(sql, (id.0, at.0.cast_signed()))?;
    }
    if let Some(proved) = batch.proved {
        let sql = "UPDATE chain_readings SET proved = ?2 WHERE id = ?1";
        db.execute(sql, (id.0, proved.cast_signed()))?;
    }
    if let Some(changed) = &batch.changed {
        let sql = "UPDATE chain_readings SET changed_number = ?2, changed_hash = ?3,
                   changed_timestamp = ?4 WHERE id = ?1";
        set_block(db, sql, id, changed)?;
    }
    let sql = "UPDATE chain_readings SET floor = ?2 WHERE id = ?1 AND floor < ?2";
    if db.execute(sql, (id.0, floor))? > 0 {
        let undo = "DELETE FROM chain_undo WHERE reading = ?1 AND block <= ?2";
        db.execute(undo, (id.0, floor))?;
        // The first block stays: by it the box knows a chain that was replaced.
        let blocks = "DELETE FROM chain_blocks WHERE reading = ?1 AND number < ?2 AND number >
                      (SELECT min(number) FROM chain_blocks WHERE reading = ?1)";
        db.execute(blocks, (id.0, floor))?;
    }
    Ok(())
}

fn undo(db: &Connection, id: ReadingId, to: u64) -> Result<Vec<Row>, Error> {
    let sql = "SELECT number, hash, timestamp FROM chain_blocks JOIN chain_readings ON id = reading
               WHERE reading = ?1 AND number = ?2 AND number >= floor";
    let tip = db
        .query_row(sql, (id.0, to.cast_signed()), block)
        .optional()?
        .ok_or_else(|| Error::Damaged {
            place: "chain_blocks.number",
            detail: format!("block {to} cannot be gone back to"),
        })?;
    let restored = rows::undone(db, id, to)?;
    for row in &restored {
        rows::set(db, id, row)?;
    }
    let later = (id.0, to.cast_signed());
    db.execute(
        "DELETE FROM chain_undo WHERE reading = ?1 AND block > ?2",
        later,
    )?;
    db.execute(
        "DELETE FROM chain_blocks WHERE reading = ?1 AND number > ?2",
        later,
    )?;
    db.execute(
        "UPDATE chain_readings SET proved = ?2 WHERE id = ?1 AND proved > ?2",
        later,
    )?;
    set_tip(db, id, &tip)?;
    Ok(restored)
}

fn set_tip(db: &Connection, id: ReadingId, tip: &BlockRef) -> Result<(), Error> {
    let sql = "UPDATE chain_readings SET tip_number = ?2, tip_hash = ?3, tip_timestamp = ?4
               WHERE id = ?1";
    set_block(db, sql, id, tip)
}

/// Executes `sql` with the reading and a block's number, hash and timestamp.
fn set_block(db: &Connection, sql: &str, id: ReadingId, block: &BlockRef) -> Result<(), Error> {
    let (number, at) = (block.number.cast_signed(), block.timestamp.0.cast_signed());
    db.prepare_cached(sql)?
        .execute((id.0, number, block.hash, at))?;
    Ok(())
}

#[cfg(test)]
mod tests;
