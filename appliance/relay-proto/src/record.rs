//! Records: what a cell holds, between a client and a box.

use bytes::BufMut;

use crate::{
    Code, Malformed,
    bytes_reader::Reader,
    entitlement::{DELEGATION, RULE},
    room::{RoomName, rule_of},
};

/// Bytes before a record's body.
pub const HEADER: usize = 3;
/// Bytes of a sealed pose.
pub const POSE: std::ops::RangeInclusive<usize> = 30..=512;
/// Bytes of a sealed message.
pub const MESSAGE: std::ops::RangeInclusive<usize> = 30..=12_544;
/// Bytes that a sealed note may have.
pub const NOTES: [usize; 4] = [512, 1_024, 2_048, 4_096];
/// The slot that means everybody else.
pub const EVERYBODY: u8 = 255;

/// A client wants to enter a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Join<'a> {
    /// What the room's id is made of.
    pub room: RoomName,
    /// Ed25519 public key.
    pub client: [u8; 32],
    /// By the client key over the session's hash and the room id.
    pub signature: [u8; 64],
    /// Empty or 168 bytes.
    pub ticket: &'a [u8],
    /// A [`Delegation`](crate::Delegation) if the room has a rule, else empty.
    pub delegation: &'a [u8],
}

/// The owner keeps a key out of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// A client key or a ticket key.
    pub key: [u8; 32],
    /// Unix seconds; of several the last issued counts.
    pub issued: u64,
    /// Unix seconds.
    pub until: u64,
    /// By the owner.
    pub signature: [u8; 64],
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Record<'a> {
    /// Asks for a [`Record::Pong`].
    Ping([u8; 8]),
    /// The answer.
    Pong([u8; 8]),
    /// The session is over.
    Close(Code),
    /// A circuit to another box, please.
    Open { circuit: u32, node: [u8; 32] },
    /// A circuit is over.
    Closed { circuit: u32, code: Code },
    /// A frame of what runs through a circuit.
    Data { circuit: u32, frame: &'a [u8] },
    /// Into a room.
    Join(Join<'a>),
    /// In the room, with these others: 33 bytes each, slot and client key.
    Joined { slot: u8, others: &'a [u8] },
    /// Somebody has come, or has come back.
    Member { slot: u8, client: [u8; 32] },
    /// Somebody has gone.
    Left { slot: u8, code: Code },
    /// Out of the room.
    Leave,
    /// A sealed pose for the room.
    Pose(&'a [u8]),
    /// A sealed pose of a member.
    PoseFrom { slot: u8, sealed: &'a [u8] },
    /// A sealed message for a slot or [`EVERYBODY`].
    Send { to: u8, sealed: &'a [u8] },
    /// A sealed message of a member.
    Sent { from: u8, to: u8, sealed: &'a [u8] },
    /// Keeps a key out.
    Block(Block),
    /// A record was refused.
    Refused { record: u8, code: Code },
    /// A record was dropped; wait so many milliseconds.
    Slower { record: u8, pause: u16 },
    /// A sealed note for who comes later.
    Keep(&'a [u8]),
    /// It is kept, under this number.
    Kept(u64),
    /// Notes with a higher number, please.
    Fetch(u64),
    /// A note and when it was kept, Unix seconds. An empty one ends an answer: up to which number it goes, and
    /// 1 if there are more.
    Note {
        number: u64,
        kept: u64,
        sealed: &'a [u8],
    },
}

impl<'a> Record<'a> {
    /// The type that travels.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Ping(_) => 0x01,
            Self::Pong(_) => 0x02,
            Self::Close(_) => 0x03,
            Self::Open { .. } => 0x10,
            Self::Closed { .. } => 0x11,
            Self::Data { .. } => 0x12,
            Self::Join(_) => 0x20,
            Self::Joined { .. } => 0x21,
            Self::Member { .. } => 0x22,
            Self::Left { .. } => 0x23,
            Self::Leave => 0x24,
            Self::Pose(_) => 0x25,
            Self::PoseFrom { .. } => 0x26,
            Self::Send { .. } => 0x27,
            Self::Sent { .. } => 0x28,
            Self::Block(_) => 0x29,
            Self::Refused { .. } => 0x2a,
            Self::Slower { .. } => 0x2b,
            Self::Keep(_) => 0x2c,
            Self::Kept(_) => 0x2d,
            Self::Fetch(_) => 0x2e,
            Self::Note { .. } => 0x2f,
        }
    }

    /// Bytes of header and body.
    pub const fn length(&self) -> usize {
        HEADER
            + match self {
                Self::Ping(_) | Self::Pong(_) | Self::Kept(_) | Self::Fetch(_) => 8,
                Self::Close(_) => 2,
                Self::Open { .. } => 36,
                Self::Closed { .. } => 6,
                Self::Data { frame, .. } => 4 + frame.len(),
                Self::Join(join) => join.length(),
                Self::Joined { others, .. } => 2 + others.len(),
                Self::Member { .. } => 33,
                Self::Left { .. } | Self::Refused { .. } | Self::Slower { .. } => 3,
                Self::Leave => 0,
                Self::Pose(sealed) | Self::Keep(sealed) => sealed.len(),
                Self::Note { sealed, .. } => 16 + sealed.len(),
                Self::PoseFrom { sealed, .. } | Self::Send { sealed, .. } => 1 + sealed.len(),
                Self::Sent { sealed, .. } => 2 + sealed.len(),
                Self::Block(_) => 112,
            }
    }

    /// Appends header and body.
    pub fn write(&self, cell: &mut impl BufMut) {
        cell.put_u8(self.kind());
        cell.put_u16_le(u16::try_from(self.length() - HEADER).unwrap_or(u16::MAX));
        self.write_body(cell);
    }

    fn write_body(&self, cell: &mut impl BufMut) {
        match self {
            Self::Ping(token) | Self::Pong(token) => cell.put_slice(token),
            Self::Close(code) => cell.put_u16_le(code.number()),
            Self::Open { circuit, node } => {
                cell.put_u32_le(*circuit);
                cell.put_slice(node);
            }
            Self::Closed { circuit, code } => {
                cell.put_u32_le(*circuit);
                cell.put_u16_le(code.number());
            }
            Self::Data { circuit, frame } => {
                cell.put_u32_le(*circuit);
                cell.put_slice(frame);
            }
            Self::Join(join) => join.write(cell),
            Self::Joined { slot, others } => {
                cell.put_u8(*slot);
                cell.put_u8(u8::try_from(others.len() / 33).unwrap_or(u8::MAX));
                cell.put_slice(others);
            }
            Self::Member { slot, client } => {
                cell.put_u8(*slot);
                cell.put_slice(client);
            }
            Self::Left { slot: byte, code } | Self::Refused { record: byte, code } => {
                cell.put_u8(*byte);
                cell.put_u16_le(code.number());
            }
            Self::Leave => {}
            Self::Pose(sealed) | Self::Keep(sealed) => cell.put_slice(sealed),
            Self::Kept(number) | Self::Fetch(number) => cell.put_u64_le(*number),
            Self::Note {
                number,
                kept,
                sealed,
            } => {
                cell.put_u64_le(*number);
                cell.put_u64_le(*kept);
                cell.put_slice(sealed);
            }
            Self::PoseFrom { slot: byte, sealed } | Self::Send { to: byte, sealed } => {
                cell.put_u8(*byte);
                cell.put_slice(sealed);
            }
            Self::Sent { from, to, sealed } => {
                cell.put_slice(&[*from, *to]);
                cell.put_slice(sealed);
            }
            Self::Block(block) => block.write(cell),
            Self::Slower { record, pause } => {
                cell.put_u8(*record);
                cell.put_u16_le(*pause);
            }
        }
    }

    fn parse(kind: u8, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let record = match kind {
            0x01 => Self::Ping(reader.array()?),
            0x02 => Self::Pong(reader.array()?),
            0x03 => Self::Close(reader.code()?),
            0x10 => Self::Open {
                circuit: reader.u32()?,
                node: reader.array()?,
            },
            0x11 => Self::Closed {
                circuit: reader.u32()?,
                code: reader.code()?,
            },
            0x12 => Self::Data {
                circuit: reader.u32()?,
                frame: reader.rest(),
            },
            0x20 => Self::Join(Join::parse(&mut reader)?),
            0x21 => {
                let slot = reader.u8()?;
                let length = usize::from(reader.u8()?) * 33;
                let others = reader.take(length)?;
                Self::Joined { slot, others }
            }
            0x22 => Self::Member {
                slot: reader.u8()?,
                client: reader.array()?,
            },
            0x23 => Self::Left {
                slot: reader.u8()?,
                code: reader.code()?,
            },
            0x24 => Self::Leave,
            0x25 => Self::Pose(within(reader.rest(), POSE)?),
            0x26 => Self::PoseFrom {
                slot: reader.u8()?,
                sealed: within(reader.rest(), POSE)?,
            },
            0x27 => Self::Send {
                to: reader.u8()?,
                sealed: within(reader.rest(), MESSAGE)?,
            },
            0x28 => Self::Sent {
                from: reader.u8()?,
                to: reader.u8()?,
                sealed: within(reader.rest(), MESSAGE)?,
            },
            0x29 => Self::Block(Block::parse(&mut reader)?),
            0x2a => Self::Refused {
                record: reader.u8()?,
                code: reader.code()?,
            },
            0x2b => Self::Slower {
                record: reader.u8()?,
                pause: reader.u16()?,
            },
            0x2c => Self::Keep(note(reader.rest())?),
            0x2d => Self::Kept(reader.u64()?),
            0x2e => Self::Fetch(reader.u64()?),
            0x2f => {
                let (number, kept) = (reader.u64()?, reader.u64()?);
                let sealed = match reader.rest() {
                    [] => &[],
                    sealed => note(sealed)?,
                };
                Self::Note {
                    number,
                    kept,
                    sealed,
                }
            }
            _ => return Err(Malformed),
        };
        reader.end()?;
        Ok(record)
    }
}

fn within(body: &[u8], lengths: std::ops::RangeInclusive<usize>) -> Result<&[u8], Malformed> {
    lengths
        .contains(&body.len())
        .then_some(body)
        .ok_or(Malformed)
}

fn note(body: &[u8]) -> Result<&[u8], Malformed> {
    NOTES.contains(&body.len()).then_some(body).ok_or(Malformed)
}

impl<'a> Join<'a> {
    const fn length(&self) -> usize {
        let rule = if self.room.rule.is_some() { RULE } else { 0 };
        161 + rule + self.ticket.len() + self.delegation.len()
    }

    fn parse(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (policy, owner, salt) = (reader.u8()?, reader.array()?, reader.array()?);
        let rule = rule_of(policy, reader)?;
        let (client, signature) = (reader.array()?, reader.array()?);
        let tail = reader.rest();
        let delegation = if rule.is_some() { DELEGATION } else { 0 };
        let ticket = tail.len().checked_sub(delegation).ok_or(Malformed)?;
        let (ticket, delegation) = tail.split_at(ticket);
        let join = Self {
            room: RoomName {
                policy,
                owner,
                salt,
                rule,
            },
            client,
            signature,
            ticket,
            delegation,
        };
        matches!(join.ticket.len(), 0 | 168)
            .then_some(join)
            .ok_or(Malformed)
    }

    fn write(&self, cell: &mut impl BufMut) {
        cell.put_u8(self.room.policy);
        cell.put_slice(&self.room.owner);
        cell.put_slice(&self.room.salt);
        if let Some(rule) = self.room.rule {
            cell.put_slice(&rule.write());
        }
        cell.put_slice(&self.client);
        cell.put_slice(&self.signature);
        cell.put_slice(self.ticket);
        cell.put_slice(self.delegation);
    }
}

impl Block {
    fn parse(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            key: reader.array()?,
            issued: reader.u64()?,
            until: reader.u64()?,
            signature: reader.array()?,
        })
    }

    fn write(&self, cell: &mut impl BufMut) {
        cell.put_slice(&self.key);
        cell.put_u64_le(self.issued);
        cell.put_u64_le(self.until);
        cell.put_slice(&self.signature);
    }
}

/// The records of a cell, one after the other. Ends after the first error.
#[derive(Debug)]
pub struct Records<'a>(Option<&'a [u8]>);

/// Reads a cell.
pub const fn records(cell: &[u8]) -> Records<'_> {
    Records(Some(cell))
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = Reader::new(self.0.take()?);
        if reader.is_empty() {
            return None;
        }
        let mut read = || {
            let kind = reader.u8()?;
            if kind == 0 {
                return Ok(None);
            }
            let length = reader.u16()?;
            let body = reader.take(usize::from(length))?;
            let record = Record::parse(kind, body)?;
            self.0 = Some(reader.rest());
            Ok(Some(record))
        };
        read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is read can be written, and gives the same bytes.
        #[test]
        fn one_spelling(cell in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut again = Vec::new();
            for record in records(&cell) {
                let Ok(record) = record else { break };
                let before = again.len();
                record.write(&mut again);
                prop_assert_eq!(again.len() - before, record.length());
            }
            prop_assert_eq!(&cell[..again.len()], &again[..]);
        }

        #[test]
        fn data_reads_back(circuit: u32, frame in proptest::collection::vec(any::<u8>(), 0..900)) {
            let record = Record::Data { circuit, frame: &frame };
            let mut cell = Vec::new();
            record.write(&mut cell);
            cell.extend([0; 40]);
            let read: Vec<_> = records(&cell).collect();
            prop_assert_eq!(read, vec![Ok(record)]);
        }
    }

    #[test]
    fn lengths_are_checked() {
        let pose = |length: usize| {
            let sealed = vec![1; length];
            let mut cell = Vec::new();
            Record::Pose(&sealed).write(&mut cell);
            records(&cell).next().unwrap().is_ok()
        };
        assert!(!pose(29) && pose(30) && pose(512) && !pose(513));
        assert_eq!(records(&[0x24, 1, 0, 9]).next(), Some(Err(Malformed)));
        assert_eq!(records(&[0x99, 0, 0]).next(), Some(Err(Malformed)));
        assert_eq!(records(&[0x24, 0]).next(), Some(Err(Malformed)));
        assert_eq!(records(&[]).next(), None);
        assert_eq!(records(&[0, 1, 2]).next(), None);
    }
}
