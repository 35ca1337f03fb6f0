//! Why the relay does not run.

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system gives no randomness; without it no key is safe.
    #[error("the system gives no randomness; the relay cannot run")]
    Randomness,
    /// The database fails.
    #[error("the relay cannot use the database: {0}")]
    Store(#[from] seedbox_store::Error),
    /// The mesh ended, by which other boxes are reached.
    #[error("the mesh ended under the relay")]
    Mesh,
}
