//! Sealed notes in rooms' mailboxes: so many of a room, for so long, and no more bytes than the owner gives.

use rusqlite::OptionalExtension;

use crate::{Error, Store};

/// Notes of one room; the oldest makes way for a new one.
const OF_ROOM: u64 = 64;
/// Seconds that a note is kept.
const LIFE: u64 = 7 * 86_400;
/// Notes that are fetched at a time.
const FETCHED: u64 = 4;

/// A note as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Rises, and is never given twice.
    pub number: u64,
    /// Unix seconds.
    pub kept: u64,
    /// Nobody here can open it.
    pub sealed: Vec<u8>,
}

impl Store {
    /// Keeps a note of a room at `now`, Unix seconds, and answers its number; `None` if all notes together
    /// would have more than `most` bytes.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn keep_note(
        &self,
        room: [u8; 16],
        sealed: Vec<u8>,
        most: u64,
        now: u64,
    ) -> Result<Option<u64>, Error> {
        self.call(move |db| {
            let step = db.transaction()?;
            let of_room = "SELECT number FROM notes WHERE room = ?1 ORDER BY number DESC
                           LIMIT 1 OFFSET ?2";
            let oldest: Option<u64> = step
                .query_row(of_room, (room, OF_ROOM - 1), |row| row.get(0))
                .optional()?;
            if let Some(oldest) = oldest {
                let sql = "DELETE FROM notes WHERE room = ?1 AND number <= ?2";
                step.execute(sql, (room, oldest))?;
            }
            let sum = "SELECT coalesce(sum(length(sealed)), 0) FROM notes";
            let bytes: u64 = step.query_row(sum, (), |row| row.get(0))?;
            let length = u64::try_from(sealed.len()).unwrap_or(u64::MAX);
            if bytes.saturating_add(length) > most {
                return Ok(None);
            }
            let sql = "INSERT INTO notes (room, kept, sealed) VALUES (?1, ?2, ?3)";
            step.execute(sql, (room, now, sealed))?;
            let number = u64::try_from(step.last_insert_rowid()).unwrap_or_default();
            step.commit()?;
            Ok(Some(number))
        })
        .await
    }

    /// The next notes of a room after a number, four at most, and whether there are more.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn notes(&self, room: [u8; 16], after: u64) -> Result<(Vec<Note>, bool), Error> {
        self.call(move |db| {
            let sql = "SELECT number, kept, sealed FROM notes WHERE room = ?1 AND number > ?2
                       ORDER BY number LIMIT ?3";
            let mut rows = db.prepare_cached(sql)?;
            // SQLite's numbers are signed; none is higher than that.
            let after = i64::try_from(after).unwrap_or(i64::MAX);
            let rows = rows.query_map((room, after, FETCHED + 1), |row| {
                Ok(Note {
                    number: row.get(0)?,
                    kept: row.get(1)?,
                    sealed: row.get(2)?,
                })
            })?;
            let mut notes: Vec<Note> = rows.collect::<Result<_, _>>()?;
            let most = usize::try_from(FETCHED).unwrap_or_default();
            let more = notes.len() > most;
            notes.truncate(most);
            Ok((notes, more))
        })
        .await
    }

    /// Deletes notes whose time is over at `now`, Unix seconds.
    ///
    /// # Errors
    /// [`Error::Sqlite`] or [`Error::Closed`].
    pub async fn forget_notes(&self, now: u64) -> Result<(), Error> {
        self.call(move |db| {
            let sql = "DELETE FROM notes WHERE kept <= ?1";
            db.execute(sql, [now.saturating_sub(LIFE)])?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: [u8; 16] = [1; 16];
    const MOST: u64 = 1 << 20;

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("seedbox.db")).unwrap();
        (folder, store)
    }

    async fn all(store: &Store, room: [u8; 16]) -> Vec<Note> {
        let (mut notes, mut after) = (Vec::new(), 0);
        loop {
            let (next, more) = store.notes(room, after).await.unwrap();
            after = next.last().map_or(after, |note| note.number);
            notes.extend(next);
            if !more {
                return notes;
            }
        }
    }

    #[tokio::test]
    async fn the_newest_stay() {
        let (_folder, store) = store().await;
        for number in 0..70_u8 {
            let kept = store.keep_note(ROOM, vec![number; 512], MOST, 9).await;
            assert!(kept.unwrap().is_some());
        }
        let notes = all(&store, ROOM).await;
        assert_eq!(notes.len(), 64);
        assert_eq!((notes[0].sealed[0], notes[63].sealed[0]), (6, 69));
        assert_eq!(all(&store, [2; 16]).await, []);
        let last = notes[63].number;
        assert_eq!(store.notes(ROOM, last).await.unwrap(), (vec![], false));
        let beyond = store.notes(ROOM, u64::MAX).await.unwrap();
        assert!(beyond.0.is_empty());
    }

    #[tokio::test]
    async fn there_is_a_limit_and_an_end() {
        let (_folder, store) = store().await;
        let keep = |now| store.keep_note(ROOM, vec![1; 512], 1_024, now);
        let first = keep(100).await.unwrap().unwrap();
        keep(200).await.unwrap().unwrap();
        assert_eq!(keep(300).await.unwrap(), None);
        store.forget_notes(100 + LIFE).await.unwrap();
        assert_eq!(all(&store, ROOM).await.len(), 1);
        store.forget_notes(300 + LIFE).await.unwrap();
        assert_eq!(all(&store, ROOM).await, []);
        assert!(keep(400).await.unwrap().unwrap() > first + 1);
    }
}
