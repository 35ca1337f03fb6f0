//! What clients seal for each other: section 6 of the protocol. No box can open any of it.

mod chain;
mod hello;
mod key;
mod message;
mod note;
mod once;
mod wrap;

pub use chain::{Chain, STEPS};
pub use hello::{Hello, PROFILE};
pub use key::{Key, Parties};
pub use message::{Direct, Group, PAYLOAD, Sealed};
pub use note::{NOTE_PAYLOAD, Note};
use once::once_key;
pub use once::{open_once, seal_once};
pub use wrap::{ReceiveSecret, unwrap_key, wrap_key};

use crate::{RoomId, RoomSecret};

/// First byte of what is sealed.
pub mod kind {
    /// Who somebody is, under the room's secret.
    pub const HELLO: u8 = 1;
    /// A sender's keys, for one receiver.
    pub const KEY: u8 = 2;
    /// Where somebody is.
    pub const POSE: u8 = 3;
    /// For everybody.
    pub const GROUP: u8 = 4;
    /// For one.
    pub const DIRECT: u8 = 5;
    /// For who comes later, under the room's secret.
    pub const NOTE: u8 = 6;
}

/// What the room's secret gives to those who know it.
#[derive(Clone)]
pub struct RoomKeys {
    /// Bound into everything.
    pub id: RoomId,
    pub(crate) hello: zeroize::Zeroizing<[u8; 32]>,
    pub(crate) note: zeroize::Zeroizing<[u8; 32]>,
    pub(crate) psk: zeroize::Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for RoomKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RoomKeys")
    }
}

impl RoomKeys {
    /// Derives them.
    pub fn new(id: RoomId, secret: &RoomSecret) -> Self {
        Self {
            id,
            hello: secret.derive("hello").into(),
            note: secret.derive("note").into(),
            psk: secret.derive("psk").into(),
        }
    }
}
