//! What can go wrong with the seeder as a whole, and with one order to it.

use std::net::SocketAddr;

use seedbox_core::RefusalReason;

/// The seeder cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The peer port could not be opened.
    #[error("cannot listen for peers on {address}: {detail}. Choose another `peer_listen`")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        detail: String,
    },
    /// A configured tracker is no URL.
    #[error("the tracker \"{url}\" in `trackers` is not a URL: {detail}")]
    Tracker {
        /// As configured.
        url: String,
        /// What is wrong.
        detail: String,
    },
    /// The box's memory failed.
    #[error(transparent)]
    Store(#[from] seedbox_store::Error),
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The order is wrong; the text says what to change.
    #[error("{0}")]
    Invalid(String),
    /// What it names is not here.
    #[error("{0}")]
    NotFound(String),
    /// It contradicts the present state.
    #[error("{0}")]
    Conflict(String),
    /// The box refuses.
    #[error("{0}")]
    Refused(#[from] RefusalReason),
    /// The box failed.
    #[error("{0}")]
    Failed(String),
    /// The seeder has stopped.
    #[error("the seeder has stopped")]
    Stopped,
}

impl From<seedbox_store::Error> for OrderError {
    fn from(e: seedbox_store::Error) -> Self {
        OrderError::Failed(e.to_string())
    }
}

impl From<Error> for OrderError {
    fn from(e: Error) -> Self {
        OrderError::Failed(e.to_string())
    }
}
