//! What can go wrong with the chain service itself. A failing endpoint is no such error: that is
//! the ordinary course of things and shows in the status.

use std::path::PathBuf;

/// An error of the chain service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The deployment file is of no use.
    #[error(
        "cannot use the deployment file {path}: {reason}. Take the one written when the contracts were deployed"
    )]
    Deployment {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A configured endpoint is not an address. The address itself may hold a key and is not shown.
    #[error(
        "RPC endpoint number {number} cannot be used: {reason}. Give an http(s):// or ws(s):// URL"
    )]
    Endpoint {
        /// Its place in the configuration, from 1.
        number: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More wallets than one box follows.
    #[error("{limit} wallets are linked already, the most one box follows. Unlink one first")]
    TooManyWallets {
        /// The most wallets.
        limit: usize,
    },
    /// The box's memory failed.
    #[error(transparent)]
    Store(#[from] seedbox_store::Error),
    /// The service has ended and takes no orders.
    #[error("the chain service has stopped")]
    Stopped,
}
