//! Why a session, a circuit or a record ended: the codes of the protocol's section 9.

/// Bytes that the protocol does not know, in this place or at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not what the relay's protocol allows here")]
pub struct Malformed;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// A reason, as it travels.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Code { $($(#[$doc])* $name = $number,)* }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The number that travels.
            pub const fn number(self) -> u16 {
                match self { $(Self::$name => $number,)* }
            }
        }
    };
}

codes! {
    /// As wished.
    Bye = 1,
    /// Bytes that the protocol does not know.
    Malformed = 2,
    /// No common version.
    Version = 3,
    /// The box is at one of its limits.
    Busy = 4,
    /// Nothing came for too long.
    Timeout = 5,
    /// Far above the rates that the box grants.
    Quota = 6,
    /// The box cannot reach that node, or does not know it.
    Unreachable = 7,
    /// The box does not do this.
    Role = 8,
    /// A signature is wrong.
    Signature = 9,
    /// No ticket, an expired one, or not for this room.
    Ticket = 10,
    /// Blocked by the room's owner.
    Blocked = 11,
    /// The room is full.
    Full = 12,
    /// The same client key joined by another session.
    Replaced = 13,
    /// The box shuts down.
    Stopping = 14,
    /// Too few or too many hops.
    Hops = 15,
    /// The chain does not say that this wallet may enter.
    Entitlement = 16,
}

impl TryFrom<u16> for Code {
    type Error = Malformed;

    fn try_from(number: u16) -> Result<Self, Malformed> {
        Self::ALL
            .iter()
            .find(|code| code.number() == number)
            .copied()
            .ok_or(Malformed)
    }
}

impl From<Malformed> for Code {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}
