//! What can go wrong with the box's memory.

use std::path::PathBuf;

/// An error of the store. Each says what failed, on what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be opened or created.
    #[error(
        "cannot open the database {path}: {source}. Check that the folder exists and is writable"
    )]
    Open {
        /// The database file.
        path: PathBuf,
        /// What SQLite or the system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file was written by a newer box.
    #[error(
        "the database {path} is of schema {found}, newer than the {known} this box knows. Install the newer box again"
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Schema in the file.
        found: usize,
        /// Newest schema known here.
        known: usize,
    },
    /// A question or order failed.
    #[error("the database failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A stored value is not what was written.
    #[error("the database holds a damaged value in {place}: {detail}")]
    Damaged {
        /// Table and column.
        place: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// The writer thread has ended.
    #[error("the database is closed")]
    Closed,
}
