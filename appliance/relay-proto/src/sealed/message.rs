//! POSE, GROUP and DIRECT: their headers, and what is inside.

use super::{RoomKeys, kind};
use crate::{ClientSecret, Malformed, bytes_reader::Reader, keys::verify};

/// Bytes of a message's payload at most.
pub const PAYLOAD: usize = 12_288;

/// The open part of something on a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// See [`kind`].
    pub kind: u8,
    /// The sender's epoch.
    pub epoch: u32,
    /// The place on the chain.
    pub index: u64,
}

impl Sealed {
    /// Reads the header.
    pub fn parse(sealed: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(sealed);
        let header = Self {
            kind: reader.u8()?,
            epoch: reader.u32()?,
            index: reader.u64()?,
        };
        matches!(header.kind, kind::POSE | kind::GROUP | kind::DIRECT)
            .then_some(header)
            .ok_or(Malformed)
    }
}

/// A message to the room. Its signature goes with it when it is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Counts the sender's messages to the room, from 1.
    pub number: u64,
    /// By the sender's client key.
    pub signature: [u8; 64],
    /// What the application said.
    pub payload: Vec<u8>,
}

impl Group {
    /// Signs.
    pub fn new(room: &RoomKeys, client: &ClientSecret, number: u64, payload: Vec<u8>) -> Self {
        let fields: [&[u8]; 3] = [&room.id.0, &number.to_le_bytes(), &payload];
        Self {
            number,
            signature: client.sign("group", &fields),
            payload,
        }
    }

    /// Plaintext of a GROUP (`0x01`) or of an AGAIN (`0x02`).
    pub fn write(&self, tag: u8) -> Vec<u8> {
        let mut plain = Vec::with_capacity(73 + self.payload.len());
        plain.push(tag);
        plain.extend(self.number.to_le_bytes());
        plain.extend(self.signature);
        plain.extend(&self.payload);
        plain
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let group = Self {
            number: reader.u64()?,
            signature: reader.array()?,
            payload: reader.rest().to_vec(),
        };
        (group.payload.len() <= PAYLOAD)
            .then_some(group)
            .ok_or(Malformed)
    }

    /// Reads the plaintext of a GROUP.
    pub fn parse(plain: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(plain);
        if reader.u8()? != 1 {
            return Err(Malformed);
        }
        Self::read(&mut reader)
    }

    /// Whether this client key signed it.
    pub fn is_signed(&self, room: &RoomKeys, client: &[u8; 32]) -> bool {
        let number = self.number.to_le_bytes();
        let fields: [&[u8]; 3] = [&room.id.0, &number, &self.payload];
        verify(client, "group", &fields, &self.signature)
    }
}

/// What a DIRECT says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Direct {
    /// A message.
    Data {
        /// Counts the sender's messages to this receiver, from 1.
        number: u64,
        /// What the application said.
        payload: Vec<u8>,
    },
    /// A message to the room once more.
    Again(Group),
    /// What has come.
    Ack {
        /// The next message to the room that is expected.
        group_next: u64,
        /// The next message to the one who acknowledges.
        direct_next: u64,
        /// The newest epoch whose KEY is held.
        held: u32,
    },
    /// The sender goes, for good.
    Bye,
    /// The sender goes to another room box.
    Move(u8),
}

impl Direct {
    /// The plaintext.
    pub fn write(&self) -> Vec<u8> {
        match self {
            Self::Data { number, payload } => {
                let mut plain = vec![1];
                plain.extend(number.to_le_bytes());
                plain.extend(payload);
                plain
            }
            Self::Again(group) => group.write(2),
            Self::Ack {
                group_next,
                direct_next,
                held,
            } => {
                let mut plain = vec![3];
                plain.extend(group_next.to_le_bytes());
                plain.extend(direct_next.to_le_bytes());
                plain.extend(held.to_le_bytes());
                plain
            }
            Self::Bye => vec![4],
            Self::Move(position) => vec![5, *position],
        }
    }

    /// Reads the plaintext.
    pub fn parse(plain: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(plain);
        let direct = match reader.u8()? {
            1 => {
                let number = reader.u64()?;
                let payload = reader.rest().to_vec();
                if payload.len() > PAYLOAD {
                    return Err(Malformed);
                }
                Self::Data { number, payload }
            }
            2 => Self::Again(Group::read(&mut reader)?),
            3 => Self::Ack {
                group_next: reader.u64()?,
                direct_next: reader.u64()?,
                held: reader.u32()?,
            },
            4 => Self::Bye,
            5 => Self::Move(reader.u8()?),
            _ => return Err(Malformed),
        };
        reader.end()?;
        Ok(direct)
    }
}
