//! Why a mesh does not start or a stream does not open. No error names an address of a peer.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::NodeId;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node key cannot be read or made.
    #[error("cannot use the node key {}; check the folder's owner and the disk", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there and holds something else.
    #[error("{} is not a node key of 32 bytes; restore it from a backup or remove it, and the box gets a new name", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The listener cannot be opened.
    #[error("the mesh cannot listen on {address} (UDP): {detail}; is another program there?")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the engine said.
        detail: String,
    },
    /// A relay that is none.
    #[error("\"{0}\" is no relay for the mesh; write an address like https://relay.example/")]
    Relay(String),
    /// The protocol was not declared to the service.
    #[error("the mesh does not speak {0}; declare it before the service runs")]
    Protocol(&'static str),
    /// A node ID that is no Ed25519 key, or our own.
    #[error("{0} cannot be called: it is this box itself or no key")]
    Peer(NodeId),
    /// No place for a further link.
    #[error("the mesh has as many links as it may; try again once one is closed")]
    Full,
    /// Nobody answered in time, or another than was called.
    #[error("box {0} cannot be reached; try again later or another box")]
    Unreachable(NodeId),
    /// The peer grants no further stream in time.
    #[error("box {0} grants no further stream; try again later")]
    Busy(NodeId),
    /// The mesh has stopped.
    #[error("the mesh has stopped")]
    Stopped,
}
