//! What can go wrong with updates.

use std::{io, path::PathBuf};

/// An error that ends the service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The box's memory failed.
    #[error(transparent)]
    Store(#[from] seedbox_store::Error),
}

/// Why an order was not carried out. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// This box's system is updated by others: a package, a container.
    #[error("this box does not update itself; update it the way it was installed")]
    Unsupported,
    /// It does not fit what is going on.
    #[error("{0}")]
    Conflict(String),
    /// The bundle is older than what runs.
    #[error(
        "version {bundle} is older than {running}, which runs; say expressly that you want the older one"
    )]
    Downgrade {
        /// In the bundle.
        bundle: String,
        /// Running.
        running: String,
    },
    /// No such file is offered.
    #[error("{0} is not there any more; plug the disk in again")]
    NotFound(String),
    /// The bundle is too large.
    #[error("the file is larger than the {largest} bytes that an update may have")]
    TooLarge {
        /// Bytes.
        largest: u64,
    },
    /// The disk has no room for it.
    #[error(
        "the update needs {needed} bytes and the box's disk has {free} to spare; delete a model or two"
    )]
    NoRoom {
        /// Bytes.
        needed: u64,
        /// Bytes.
        free: u64,
    },
    /// The bundle ended early or its sender fell silent.
    #[error("the file did not arrive whole: {0}. Try again")]
    Broken(String),
    /// Its signature is not right, or it is no bundle.
    #[error("the file is no update for this box: {0}")]
    Untrusted(String),
    /// It could not be checked, which is not its fault.
    #[error(
        "the file is here but could not be checked: {0}. The box tries again by itself; if that goes on, restart it"
    )]
    Unchecked(String),
    /// The disk failed.
    #[error("{path} cannot be written: {source}")]
    Disk {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The service has ended.
    #[error("the updater is not running")]
    Stopped,
}

/// Why `rauc` did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RaucError {
    /// It looked, and said no.
    #[error("{0}")]
    Refused(String),
    /// It could not be asked, or came to no answer: this says nothing about a bundle.
    #[error("{0}")]
    Unavailable(String),
    /// It is writing a slot, and answers nothing meanwhile.
    #[error("rauc is writing an update")]
    Busy,
}
