//! What can go wrong with the service itself. What goes wrong with a request is a `Problem`.

use std::{io, net::SocketAddr};

/// An error of the http service. Each says what failed, on what, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address could not be listened on.
    #[error(
        "cannot listen on {address} for the {listener} listener: {source}. Check that no other program uses the port, or choose another in the configuration"
    )]
    Bind {
        /// `admin` or `public`.
        listener: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A listener could not be used.
    #[error("the {listener} listener cannot be used: {source}")]
    Listener {
        /// `admin` or `public`.
        listener: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The preset claim code is not one.
    #[error(
        "the preset claim code is not valid: it must be 16 characters out of 0-9 and A-Z without U"
    )]
    ClaimCode,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers: {0}")]
    Random(String),
    /// The password could not be hashed or its stored hash not be read.
    #[error("the password could not be hashed or compared: {0}")]
    Password(String),
    /// The box's memory failed.
    #[error(transparent)]
    Store(#[from] seedbox_store::Error),
}
