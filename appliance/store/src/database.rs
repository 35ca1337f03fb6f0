//! The one thread that owns the connection, and the migrations it runs first.

use std::{fs, io, path::Path, sync::Arc, thread, time::Duration};

use rusqlite::{Connection, OptionalExtension};
use tokio::sync::{mpsc, oneshot};

use crate::Error;

/// In order; a released file is never edited, only followed by the next.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_chain.sql"),
    include_str!("../migrations/0002_torrents.sql"),
    include_str!("../migrations/0003_admin.sql"),
    include_str!("../migrations/0004_settings.sql"),
    include_str!("../migrations/0005_light_client.sql"),
    include_str!("../migrations/0006_grid_epoch.sql"),
    include_str!("../migrations/0007_chain_slots.sql"),
    include_str!("../migrations/0008_votes.sql"),
    include_str!("../migrations/0009_notes.sql"),
];

/// The oldest schema whose box can use a database of the newest one. Raised by a migration that takes
/// away or changes what an older box reads, and by no other: a box that goes back after an update
/// that did not work has to start on what the update has migrated.
const USABLE_FROM: usize = 7;

/// Where the database says so.
const USABLE_FROM_SETTING: &str = "schema.usable_from";

/// Orders that may wait before a caller has to.
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A cheap handle on the box's memory. The file is closed when the last one is dropped.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    // Joined by the last handle, so that a clean shutdown leaves no write behind.
    _thread: Arc<JoinOnDrop>,
}

struct JoinOnDrop(Option<thread::JoinHandle<()>>);

impl Drop for JoinOnDrop {
    fn drop(&mut self) {
        // The sender is dropped before this field, so the thread is on its way out.
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

impl Store {
    /// Opens or creates the database file and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Open`] if the file cannot be used, [`Error::Newer`] if a newer box wrote it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let open = |source: Box<dyn std::error::Error + Send + Sync>| Error::Open {
            path: path.to_owned(),
            source,
        };
        let mut connection = Connection::open(path).map_err(|e| open(e.into()))?;
        prepare(&mut connection).map_err(|e| open(e.into()))?;
        migrate(&mut connection, path)?;
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    job(&mut connection);
                }
            })
            .map_err(|e| open(e.into()))?;
        Ok(Self {
            jobs,
            _thread: Arc::new(JoinOnDrop(Some(thread))),
        })
    }

    /// Deletes a database that nobody has open. One that is not there is no error.
    ///
    /// # Errors
    /// A file cannot be deleted.
    pub fn erase(path: &Path) -> io::Result<()> {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut file = path.as_os_str().to_owned();
            file.push(suffix);
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Runs `job` on the connection's thread and waits for its answer.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = answer.send(job(connection));
        });
        self.jobs.send(job).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // 4 MiB of page cache and a WAL that is folded back early: the box is small.
    connection.pragma_update(None, "cache_size", -4096)?;
    connection.pragma_update(None, "wal_autocheckpoint", 500)?;
    connection.pragma_update(None, "journal_size_limit", 4 << 20)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let found: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = MIGRATIONS.len();
    if found > known {
        if usable_from(connection)? <= known {
            return Ok(());
        }
        return Err(Error::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    for (version, sql) in MIGRATIONS.iter().enumerate().skip(found) {
        let step = connection.transaction()?;
        step.execute_batch(sql)?;
        step.pragma_update(None, "user_version", version + 1)?;
        step.commit()?;
    }
    if usable_from(connection)? != USABLE_FROM {
        let sql = "INSERT INTO settings (name, value) VALUES (?1, ?2)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        let usable_from = USABLE_FROM.to_string();
        connection.execute(sql, (USABLE_FROM_SETTING, usable_from))?;
    }
    Ok(())
}

/// The oldest schema whose box can use this database, as the box says that migrated it last.
fn usable_from(connection: &Connection) -> rusqlite::Result<usize> {
    let sql = "SELECT value FROM settings WHERE name = ?1";
    let text: Option<String> = connection
        .query_row(sql, [USABLE_FROM_SETTING], |row| row.get(0))
        .optional()?;
    Ok(text
        .and_then(|text| text.parse().ok())
        .unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_a_newer_schema_only_if_that_says_it_may() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seedbox.db");
        drop(Store::open(&path).unwrap());
        drop(Store::open(&path).unwrap());
        let db = Connection::open(&path).unwrap();
        db.pragma_update(None, "user_version", 999).unwrap();
        drop(Store::open(&path).unwrap());
        let version: usize = db
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap();
        assert_eq!(version, 999, "it was not touched");
        let sql = "UPDATE settings SET value = '998' WHERE name = ?1";
        assert_eq!(db.execute(sql, [USABLE_FROM_SETTING]).unwrap(), 1);
        assert!(matches!(
            Store::open(&path),
            Err(Error::Newer { found: 999, .. })
        ));
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Store::open(Path::new("/nonexistent/seedbox.db"))
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("/nonexistent/seedbox.db"), "{error}");
    }
}
