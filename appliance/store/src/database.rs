//! The one thread that owns the connection, and the migrations it runs first.

use std::{fs, io, path::Path, sync::Arc, thread, time::Duration};

use rusqlite::Connection;
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
];

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
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_twice_and_refuses_a_newer_schema() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seedbox.db");
        drop(Store::open(&path).unwrap());
        drop(Store::open(&path).unwrap());
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 999)
            .unwrap();
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
