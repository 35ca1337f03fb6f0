//! Torrents, reservations, volumes and refusals: the truth from which the seeder rebuilds its
//! session at every start.

use rusqlite::{OptionalExtension, Row, types::Type};
use seedbox_core::{Demand, InfoHash, Refusal, RefusalReason, UnixTime};

use crate::{Error, Store};

/// Refusals kept; the oldest is forgotten first.
const MAX_REFUSALS: u32 = 200;

/// A data volume as the box knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeRow {
    /// Identity, as written in the volume's marker.
    pub id: String,
    /// Where it was when it was adopted.
    pub path: String,
    /// Bytes the owner gives.
    pub quota: u64,
}

/// A torrent with its reservation.
#[derive(Debug, Clone, PartialEq)]
pub struct TorrentRow {
    /// Which torrent.
    pub info_hash: InfoHash,
    /// Display name.
    pub name: String,
    /// Volume it lies on.
    pub volume: String,
    /// Bytes reserved there.
    pub reserved: u64,
    /// Info dictionary, as hashed.
    pub info: Vec<u8>,
    /// Piece bitfield (BEP 3).
    pub have: Vec<u8>,
    /// All pieces are there and the content hash was checked.
    pub complete: bool,
    /// Addresses given with the magnet, comma-separated.
    pub peers: String,
    /// When it was added.
    pub added_at: UnixTime,
    /// How much it is asked for.
    pub demand: Demand,
    /// Bytes given to others.
    pub uploaded: u64,
}

/// A torrent that the owner asked to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedRow {
    /// Which torrent.
    pub info_hash: InfoHash,
    /// Display name.
    pub name: String,
    /// Addresses given with the magnet, comma-separated.
    pub peers: String,
}

/// What changes about a torrent while it is seeded.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Which torrent.
    pub info_hash: InfoHash,
    /// Piece bitfield (BEP 3).
    pub have: Vec<u8>,
    /// All pieces are there and the content hash was checked.
    pub complete: bool,
    /// How much it is asked for.
    pub demand: Demand,
    /// Bytes given to others.
    pub uploaded: u64,
}

fn info_hash(row: &Row<'_>, column: &str) -> rusqlite::Result<InfoHash> {
    row.get(column).map(InfoHash)
}

fn torrent(row: &Row<'_>) -> rusqlite::Result<TorrentRow> {
    Ok(TorrentRow {
        info_hash: info_hash(row, "info_hash")?,
        name: row.get("name")?,
        volume: row.get("volume")?,
        reserved: row.get("reserved")?,
        info: row.get("info")?,
        have: row.get("have")?,
        complete: row.get("complete")?,
        peers: row.get("peers")?,
        added_at: UnixTime(row.get("added_at")?),
        demand: Demand {
            requests: row.get("requests")?,
            last: UnixTime(row.get("last_request")?),
            inflation: row.get("inflation")?,
            other_seeds: row.get("other_seeds")?,
        },
        uploaded: row.get("uploaded")?,
    })
}

fn refusal(row: &Row<'_>) -> rusqlite::Result<Refusal> {
    let reason: String = row.get("reason")?;
    let reason: RefusalReason = serde_json::from_str(&reason)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(e)))?;
    Ok(Refusal {
        info_hash: info_hash(row, "info_hash")?,
        name: row.get("name")?,
        at: UnixTime(row.get("at")?),
        protected: row.get("protected")?,
        reason,
    })
}

impl Store {
    /// Every volume ever adopted.
    pub async fn volumes(&self) -> Result<Vec<VolumeRow>, Error> {
        self.call(|db| {
            let mut query = db.prepare("SELECT id, path, quota FROM volumes ORDER BY path")?;
            let rows = query.query_map([], |row| {
                Ok(VolumeRow {
                    id: row.get(0)?,
                    path: row.get(1)?,
                    quota: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Adds a volume or changes its path and quota.
    pub async fn put_volume(&self, volume: VolumeRow) -> Result<(), Error> {
        self.call(move |db| {
            let sql = "INSERT INTO volumes (id, path, quota) VALUES (?1, ?2, ?3)
                       ON CONFLICT (id) DO UPDATE SET path = excluded.path, quota = excluded.quota";
            db.execute(sql, (volume.id, volume.path, volume.quota))?;
            Ok(())
        })
        .await
    }

    /// Every torrent with its reservation.
    pub async fn torrents(&self) -> Result<Vec<TorrentRow>, Error> {
        self.call(|db| {
            let mut query = db.prepare("SELECT * FROM torrents ORDER BY info_hash")?;
            let rows = query.query_map([], torrent)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Reserves space for a torrent. From here on the space is spoken for, before any is used.
    pub async fn reserve_torrent(&self, row: TorrentRow) -> Result<(), Error> {
        self.call(move |db| {
            let sql =
                "INSERT INTO torrents (info_hash, name, volume, reserved, info, have, complete,
                         peers, added_at, requests, last_request, inflation, other_seeds, uploaded)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
            db.execute(
                sql,
                (
                    row.info_hash.0,
                    row.name,
                    row.volume,
                    row.reserved,
                    row.info,
                    row.have,
                    row.complete,
                    row.peers,
                    row.added_at.0,
                    row.demand.requests,
                    row.demand.last.0,
                    row.demand.inflation,
                    row.demand.other_seeds,
                    row.uploaded,
                ),
            )?;
            Ok(())
        })
        .await
    }

    /// Gives a torrent's reservation back. Its files must be gone already.
    pub async fn release_torrent(&self, torrent: InfoHash) -> Result<(), Error> {
        self.call(move |db| {
            db.execute("DELETE FROM torrents WHERE info_hash = ?1", [torrent.0])?;
            Ok(())
        })
        .await
    }

    /// Writes what changed about several torrents, in one transaction.
    pub async fn save_progress(&self, all: Vec<Progress>) -> Result<(), Error> {
        self.call(move |db| {
            let batch = db.transaction()?;
            {
                let mut update = batch.prepare(
                    "UPDATE torrents SET have = ?2, complete = ?3, requests = ?4,
                       last_request = ?5, inflation = ?6, other_seeds = ?7, uploaded = ?8
                     WHERE info_hash = ?1",
                )?;
                for p in all {
                    update.execute((
                        p.info_hash.0,
                        p.have,
                        p.complete,
                        p.demand.requests,
                        p.demand.last.0,
                        p.demand.inflation,
                        p.demand.other_seeds,
                        p.uploaded,
                    ))?;
                }
            }
            batch.commit()?;
            Ok(())
        })
        .await
    }

    /// Everything the owner asked to keep.
    pub async fn accepted(&self) -> Result<Vec<AcceptedRow>, Error> {
        self.call(|db| {
            let mut query = db.prepare("SELECT * FROM accepted")?;
            let rows = query.query_map([], |row| {
                Ok(AcceptedRow {
                    info_hash: info_hash(row, "info_hash")?,
                    name: row.get("name")?,
                    peers: row.get("peers")?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Remembers that the owner asked to keep a torrent.
    pub async fn accept(&self, row: AcceptedRow) -> Result<(), Error> {
        self.call(move |db| {
            let sql =
                "INSERT OR REPLACE INTO accepted (info_hash, name, peers) VALUES (?1, ?2, ?3)";
            db.execute(sql, (row.info_hash.0, row.name, row.peers))?;
            Ok(())
        })
        .await
    }

    /// Forgets that the owner asked to keep a torrent. Says whether he had.
    pub async fn unaccept(&self, torrent: InfoHash) -> Result<bool, Error> {
        self.call(move |db| {
            Ok(db.execute("DELETE FROM accepted WHERE info_hash = ?1", [torrent.0])? > 0)
        })
        .await
    }

    /// The refusals on record, newest first.
    pub async fn refusals(&self) -> Result<Vec<Refusal>, Error> {
        self.call(|db| {
            let mut query = db.prepare("SELECT * FROM refusals ORDER BY at DESC, info_hash")?;
            let rows = query.query_map([], refusal)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Records a refusal in place of an earlier one for the same torrent.
    pub async fn refuse(&self, refusal: Refusal) -> Result<(), Error> {
        let reason = serde_json::to_string(&refusal.reason).map_err(|e| Error::Damaged {
            place: "refusals.reason",
            detail: e.to_string(),
        })?;
        self.call(move |db| {
            let batch = db.transaction()?;
            batch.execute(
                "INSERT OR REPLACE INTO refusals (info_hash, name, at, protected, reason)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                (
                    refusal.info_hash.0,
                    refusal.name,
                    refusal.at.0,
                    refusal.protected,
                    reason,
                ),
            )?;
            batch.execute(
                "DELETE FROM refusals WHERE info_hash NOT IN
                   (SELECT info_hash FROM refusals ORDER BY at DESC LIMIT ?1)",
                [MAX_REFUSALS],
            )?;
            batch.commit()?;
            Ok(())
        })
        .await
    }

    /// Forgets a refusal: the torrent came in after all, or is not wanted any more.
    pub async fn forget_refusal(&self, torrent: InfoHash) -> Result<(), Error> {
        self.call(move |db| {
            db.execute("DELETE FROM refusals WHERE info_hash = ?1", [torrent.0])?;
            Ok(())
        })
        .await
    }

    /// Bytes reserved on a volume, as the database has it.
    pub async fn reserved_on(&self, volume: String) -> Result<u64, Error> {
        self.call(move |db| {
            let sum: Option<u64> = db
                .query_row(
                    "SELECT sum(reserved) FROM torrents WHERE volume = ?1",
                    [volume],
                    |r| r.get(0),
                )
                .optional()?
                .flatten();
            Ok(sum.unwrap_or(0))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u8) -> TorrentRow {
        TorrentRow {
            info_hash: InfoHash([id; 20]),
            name: "a chair".into(),
            volume: "v".into(),
            reserved: 100,
            info: vec![1],
            have: vec![0x80],
            complete: false,
            peers: String::new(),
            added_at: UnixTime(7),
            demand: Demand::default(),
            uploaded: 0,
        }
    }

    #[tokio::test]
    async fn a_reservation_lives_until_it_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seedbox.db");
        let store = Store::open(&path).unwrap();
        let volume = VolumeRow {
            id: "v".into(),
            path: "/data".into(),
            quota: 1,
        };
        store.put_volume(volume).await.unwrap();
        store.reserve_torrent(row(1)).await.unwrap();
        store.reserve_torrent(row(2)).await.unwrap();
        drop(store);

        let store = Store::open(&path).unwrap();
        assert_eq!(store.torrents().await.unwrap(), [row(1), row(2)]);
        assert_eq!(store.reserved_on("v".into()).await.unwrap(), 200);
        store.release_torrent(InfoHash([1; 20])).await.unwrap();
        assert_eq!(store.reserved_on("v".into()).await.unwrap(), 100);
    }

    #[tokio::test]
    async fn refusals_are_bounded_and_the_newest_stay() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("seedbox.db")).unwrap();
        for i in 0..=255u8 {
            let refusal = Refusal {
                info_hash: InfoHash([i; 20]),
                name: String::new(),
                at: UnixTime(u64::from(i)),
                protected: false,
                reason: RefusalReason::NotOnChain,
            };
            store.refuse(refusal).await.unwrap();
        }
        let kept = store.refusals().await.unwrap();
        assert_eq!(kept.len(), MAX_REFUSALS as usize);
        assert_eq!(kept[0].at, UnixTime(255));
    }
}
