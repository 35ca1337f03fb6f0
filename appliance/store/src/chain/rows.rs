//! The projected rows in SQL: set, load, journal, and read back for undoing.

use rusqlite::{Connection, types::ToSql};
use seedbox_core::{ContentHash, InfoHash, Model, Parcel, Placement, Pose, WalletAddress};

use super::{Contract, ReadingId, Row};
use crate::Error;

/// Writes a row, or deletes it where it has no value.
pub(super) fn set(db: &Connection, reading: ReadingId, row: &Row) -> Result<(), Error> {
    let reading = reading.0;
    let execute = |sql: &str, values: &[&dyn ToSql]| -> Result<(), Error> {
        db.prepare_cached(sql)?.execute(values)?;
        Ok(())
    };
    match row {
        Row::Parcel(parcel, Some(owner)) => execute(
            "REPLACE INTO chain_parcels (reading, id, owner) VALUES (?1, ?2, ?3)",
            &[&reading, &parcel.token_id(), &owner.0],
        ),
        Row::Parcel(parcel, None) => execute(
            "DELETE FROM chain_parcels WHERE reading = ?1 AND id = ?2",
            &[&reading, &parcel.token_id()],
        ),
        Row::Model(id, Some(model)) => execute(
            "REPLACE INTO chain_models
             (reading, id, info_hash, content_hash, size, gate, name, sources)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            &[
                &reading,
                &id.cast_signed(),
                &model.info_hash.0,
                &model.content_hash.0,
                &model.size.cast_signed(),
                &model.gate.map(|gate| gate.0),
                &model.name,
                &model.sources,
            ],
        ),
        Row::Model(id, None) => execute(
            "DELETE FROM chain_models WHERE reading = ?1 AND id = ?2",
            &[&reading, &id.cast_signed()],
        ),
        Row::ModelOwner(id, Some(owner)) => execute(
            "REPLACE INTO chain_model_owners (reading, id, owner) VALUES (?1, ?2, ?3)",
            &[&reading, &id.cast_signed(), &owner.0],
        ),
        Row::ModelOwner(id, None) => execute(
            "DELETE FROM chain_model_owners WHERE reading = ?1 AND id = ?2",
            &[&reading, &id.cast_signed()],
        ),
        Row::Placement(id, Some((parcel, placement))) => {
            let pose = &placement.pose;
            let [qx, qy, qz, qw] = pose.rotation;
            execute(
                "REPLACE INTO chain_placements
                 (reading, id, parcel, model, x, y, z, qx, qy, qz, qw, scale)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                &[
                    &reading,
                    &id.cast_signed(),
                    &parcel.token_id(),
                    &placement.model.cast_signed(),
                    &pose.x,
                    &pose.y,
                    &pose.z,
                    &qx,
                    &qy,
                    &qz,
                    &qw,
                    &pose.scale,
                ],
            )
        }
        Row::Placement(id, None) => execute(
            "DELETE FROM chain_placements WHERE reading = ?1 AND id = ?2",
            &[&reading, &id.cast_signed()],
        ),
        Row::Slot(contract, path, word) => {
            let contract = number(*contract);
            let leading = word.iter().take_while(|byte| **byte == 0).count();
            if leading == word.len() {
                execute(
                    "DELETE FROM chain_slots WHERE reading = ?1 AND contract = ?2 AND path = ?3",
                    &[&reading, &contract, path],
                )
            } else {
                execute(
                    "REPLACE INTO chain_slots (reading, contract, path, word)
                     VALUES (?1, ?2, ?3, ?4)",
                    &[&reading, &contract, path, &&word[leading..]],
                )
            }
        }
    }
}

/// What a contract is called in the database.
fn number(contract: Contract) -> u8 {
    match contract {
        Contract::Land => 0,
        Contract::Model => 1,
        Contract::Placement => 2,
    }
}

/// Every row of a reading.
pub(super) fn load(db: &Connection, reading: ReadingId) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    collect(
        db,
        reading,
        "SELECT id, owner FROM chain_parcels WHERE reading = ?1",
        &mut rows,
        |r| {
            Ok(Row::Parcel(
                parcel(r.get(0)?)?,
                Some(WalletAddress(r.get(1)?)),
            ))
        },
    )?;
    let models = "SELECT id, info_hash, content_hash, size, gate, name, sources
                  FROM chain_models WHERE reading = ?1";
    collect(db, reading, models, &mut rows, |r| {
        let id = r.get::<_, i64>(0)?.cast_unsigned();
        let model = Model {
            id,
            info_hash: InfoHash(r.get(1)?),
            content_hash: ContentHash(r.get(2)?),
            size: r.get::<_, i64>(3)?.cast_unsigned(),
            gate: r.get::<_, Option<[u8; 20]>>(4)?.map(WalletAddress),
            name: r.get(5)?,
            sources: r.get(6)?,
            owner: None,
        };
        Ok(Row::Model(id, Some(Box::new(model))))
    })?;
    let owners = "SELECT id, owner FROM chain_model_owners WHERE reading = ?1";
    collect(db, reading, owners, &mut rows, |r| {
        let id = r.get::<_, i64>(0)?.cast_unsigned();
        Ok(Row::ModelOwner(id, Some(WalletAddress(r.get(1)?))))
    })?;
    let placements = "SELECT id, parcel, model, x, y, z, qx, qy, qz, qw, scale
                      FROM chain_placements WHERE reading = ?1";
    collect(db, reading, placements, &mut rows, |r| {
        let id = r.get::<_, i64>(0)?.cast_unsigned();
        let placement = Placement {
            id,
            model: r.get::<_, i64>(2)?.cast_unsigned(),
            pose: Pose {
                x: r.get(3)?,
                y: r.get(4)?,
                z: r.get(5)?,
                rotation: [r.get(6)?, r.get(7)?, r.get(8)?, r.get(9)?],
                scale: r.get(10)?,
            },
        };
        Ok(Row::Placement(id, Some((parcel(r.get(1)?)?, placement))))
    })?;
    let slots = "SELECT contract, path, word FROM chain_slots WHERE reading = ?1";
    collect(db, reading, slots, &mut rows, |r| {
        let contract: u8 = r.get(0)?;
        let contract = Contract::ALL
            .into_iter()
            .find(|known| number(*known) == contract)
            .ok_or_else(|| Error::Damaged {
                place: "chain_slots.contract",
                detail: format!("there is no contract {contract}"),
            })?;
        Ok(Row::Slot(
            contract,
            r.get(1)?,
            word(&r.get::<_, Vec<u8>>(2)?)?,
        ))
    })?;
    Ok(rows)
}

/// A word from its bytes without the leading zeros.
fn word(bytes: &[u8]) -> Result<[u8; 32], Error> {
    let mut word = [0; 32];
    let leading = word
        .len()
        .checked_sub(bytes.len())
        .ok_or_else(|| Error::Damaged {
            place: "chain_slots.word",
            detail: format!("{} bytes are no word", bytes.len()),
        })?;
    word[leading..].copy_from_slice(bytes);
    Ok(word)
}

fn collect(
    db: &Connection,
    reading: ReadingId,
    sql: &str,
    rows: &mut Vec<Row>,
    read: impl Fn(&rusqlite::Row<'_>) -> Result<Row, Error>,
) -> Result<(), Error> {
    let mut query = db.prepare(sql)?;
    let mut found = query.query([reading.0])?;
    while let Some(row) = found.next()? {
        rows.push(read(row)?);
    }
    Ok(())
}

fn parcel(token_id: u32) -> Result<Parcel, Error> {
    Parcel::from_token_id(u64::from(token_id)).map_err(|e| Error::Damaged {
        place: "chain_parcels.id",
        detail: e.to_string(),
    })
}

fn damaged(error: &serde_json::Error) -> Error {
    Error::Damaged {
        place: "chain_undo.before",
        detail: error.to_string(),
    }
}

/// Remembers how a row was before a change in `block`.
pub(super) fn journal(
    db: &Connection,
    reading: ReadingId,
    block: u64,
    before: &Row,
) -> Result<(), Error> {
    let before = serde_json::to_string(before).map_err(|e| damaged(&e))?;
    let sql = "INSERT INTO chain_undo (reading, block, before) VALUES (?1, ?2, ?3)";
    db.prepare_cached(sql)?
        .execute((reading.0, block.cast_signed(), before))?;
    Ok(())
}

/// The rows as they were before each change above `block`, newest change first.
pub(super) fn undone(db: &Connection, reading: ReadingId, block: u64) -> Result<Vec<Row>, Error> {
    let sql = "SELECT before FROM chain_undo WHERE reading = ?1 AND block > ?2
               ORDER BY sequence DESC";
    let mut query = db.prepare(sql)?;
    let mut found = query.query((reading.0, block.cast_signed()))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let text: String = row.get(0)?;
        rows.push(serde_json::from_str(&text).map_err(|e| damaged(&e))?);
    }
    Ok(rows)
}
