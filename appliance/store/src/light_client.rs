//! The light client as it stood last, so that a restart goes on where it was and the checkpoint is
//! used once.

use rusqlite::OptionalExtension;

use crate::{Error, Store};

/// The light client put away. What is inside `position` and `committees` is its own affair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightClientRow {
    /// Root of the beacon block that it began with.
    pub checkpoint: [u8; 32],
    /// The longest time, in seconds, that it ever had to bridge without news.
    pub bridged: u64,
    /// Where it stands.
    pub position: String,
    /// The sync committees that it knows.
    pub committees: String,
}

impl Store {
    /// The light client that began with `checkpoint`, if there is one.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn light_client(
        &self,
        checkpoint: [u8; 32],
    ) -> Result<Option<LightClientRow>, Error> {
        self.call(move |db| {
            let sql = "SELECT bridged, position, committees FROM light_client
                       JOIN light_client_committees USING (one) WHERE checkpoint = ?1";
            let row = db
                .query_row(sql, [checkpoint], |row| {
                    Ok(LightClientRow {
                        checkpoint,
                        bridged: row.get(0)?,
                        position: row.get(1)?,
                        committees: row.get(2)?,
                    })
                })
                .optional()?;
            Ok(row)
        })
        .await
    }

    /// Replaces whatever light client there was. Committees that are the same are not written
    /// again.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn set_light_client(&self, row: LightClientRow) -> Result<(), Error> {
        self.call(move |db| {
            let step = db.transaction()?;
            let position = "INSERT INTO light_client (one, checkpoint, bridged, position)
                VALUES (1, ?1, ?2, ?3) ON CONFLICT (one) DO UPDATE SET
                checkpoint = excluded.checkpoint, bridged = excluded.bridged,
                position = excluded.position";
            step.execute(position, (row.checkpoint, row.bridged, row.position))?;
            let committees = "INSERT INTO light_client_committees (one, committees)
                VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET committees = excluded.committees
                WHERE committees <> excluded.committees";
            step.execute(committees, [row.committees])?;
            step.commit()?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_checkpoint_is_another_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seedbox.db");
        let store = Store::open(&path).unwrap();
        let row = |checkpoint, position: &str| LightClientRow {
            checkpoint: [checkpoint; 32],
            bridged: 5,
            position: position.into(),
            committees: "keys".into(),
        };
        assert_eq!(store.light_client([1; 32]).await.unwrap(), None);
        store.set_light_client(row(1, "a")).await.unwrap();
        store.set_light_client(row(1, "b")).await.unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.light_client([2; 32]).await.unwrap(), None);
        assert_eq!(
            store.light_client([1; 32]).await.unwrap(),
            Some(row(1, "b"))
        );
        store.set_light_client(row(2, "c")).await.unwrap();
        assert_eq!(store.light_client([1; 32]).await.unwrap(), None);
        assert_eq!(
            store.light_client([2; 32]).await.unwrap(),
            Some(row(2, "c"))
        );
    }
}
