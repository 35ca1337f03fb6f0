//! Frames: the four of the handshake, and the lengths that all later ones may have.

use crate::{Code, Malformed, bytes_reader::Reader};

/// The version that is spoken here.
pub const VERSION: u8 = 1;
/// Bytes of the longest frame on a carrier.
pub const LONGEST: usize = 15_360;
/// Bytes that one more circuit around a frame adds: `DATA`'s header and the tag.
pub const NESTING: usize = 23;
/// Circuits that a session may run through at most.
pub const DEEPEST: u8 = 2;
/// Bytes of the tag of ChaCha20-Poly1305.
pub const TAG: usize = 16;
/// Bytes of a handshake frame at depth 0.
const HANDSHAKE: usize = 240;
/// Where Noise message 1 begins in an `INIT`.
const INIT_HEADER: usize = 26;

/// Frame lengths at depth 0.
pub const CLASSES: [usize; 7] = [240, 480, 960, 1_920, 3_840, 7_680, 15_360];

/// Bytes of every handshake frame of a session at this depth.
pub const fn handshake_length(depth: u8) -> usize {
    HANDSHAKE - NESTING * depth as usize
}

/// The depth that an `INIT` of this length speaks of.
fn depth_of(length: usize) -> Result<u8, Malformed> {
    (0..=DEEPEST)
        .find(|depth| handshake_length(*depth) == length)
        .ok_or(Malformed)
}

/// Bytes of the smallest cell that holds `records` bytes, tag excluded; `None` if none does.
pub fn cell_length(records: usize, depth: u8) -> Option<usize> {
    let around = TAG + NESTING * usize::from(depth);
    CLASSES
        .iter()
        .map(|class| class - around)
        .find(|room| *room >= records)
}

/// Bytes of records that the largest cell holds.
pub const fn largest_cell(depth: u8) -> usize {
    LONGEST - TAG - NESTING * depth as usize
}

/// Whether a frame of a session at this depth may have this length.
pub fn is_class(length: usize, depth: u8) -> bool {
    CLASSES.contains(&(length + NESTING * usize::from(depth)))
}

/// A work that a client did to be let in: see [`crate::frame::Handshake::Challenge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Solution {
    /// The challenge's nonce; zeros if there was none.
    pub nonce: [u8; 16],
    /// The counter that makes the hash begin with zeros.
    pub counter: u64,
}

/// The first frame of a carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Init<'a> {
    /// The client's version.
    pub version: u8,
    /// Circuits that the session runs through, as the length says.
    pub depth: u8,
    /// Work done, or zeros.
    pub solution: Solution,
    /// Noise message 1.
    pub noise: &'a [u8],
}

impl<'a> Init<'a> {
    /// Reads an `INIT`.
    pub fn parse(frame: &'a [u8]) -> Result<Self, Malformed> {
        let depth = depth_of(frame.len())?;
        let mut reader = Reader::new(frame);
        if reader.u8()? != 1 {
            return Err(Malformed);
        }
        Ok(Self {
            version: reader.u8()?,
            depth,
            solution: Solution {
                nonce: reader.array()?,
                counter: reader.u64()?,
            },
            noise: reader.rest(),
        })
    }

    /// The frame.
    pub fn write(&self) -> Vec<u8> {
        let mut frame = Vec::with_capacity(INIT_HEADER + self.noise.len());
        frame.extend([1, self.version]);
        frame.extend(self.solution.nonce);
        frame.extend(self.solution.counter.to_le_bytes());
        frame.extend(self.noise);
        frame
    }

    /// The client's ephemeral key: what work is bound to.
    pub fn ephemeral(&self) -> Result<[u8; 32], Malformed> {
        Reader::new(self.noise).array()
    }
}

/// The work that a client does: SHA-256(nonce ‖ e ‖ counter) begins with `bits` zero bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge {
    /// Leading zero bits that are asked for.
    pub bits: u8,
    /// To be given back.
    pub nonce: [u8; 16],
}

/// What a box answers to an `INIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake<'a> {
    /// Noise message 2.
    Accept(&'a [u8]),
    /// Work first.
    Challenge(Challenge),
    /// No; with the lowest and the highest version of the box.
    Refuse {
        /// Versions that the box speaks.
        versions: (u8, u8),
        /// Why.
        code: Code,
    },
}

impl<'a> Handshake<'a> {
    /// Reads an answer to an `INIT`.
    pub fn parse(frame: &'a [u8]) -> Result<Self, Malformed> {
        depth_of(frame.len())?;
        let mut reader = Reader::new(frame);
        match reader.u8()? {
            2 if reader.u8()? == VERSION => Ok(Self::Accept(reader.rest())),
            3 => {
                let bits = reader.u8()?;
                if bits > crate::challenge::HARDEST {
                    return Err(Malformed);
                }
                let nonce = reader.array()?;
                Ok(Self::Challenge(Challenge { bits, nonce }))
            }
            4 => Ok(Self::Refuse {
                versions: (reader.u8()?, reader.u8()?),
                code: reader.code()?,
            }),
            _ => Err(Malformed),
        }
    }

    /// The frame, as long as the `INIT` of that depth.
    pub fn write(&self, depth: u8) -> Vec<u8> {
        let mut frame = Vec::with_capacity(HANDSHAKE);
        match self {
            Self::Accept(noise) => {
                frame.extend([2, VERSION]);
                frame.extend(*noise);
            }
            Self::Challenge(challenge) => {
                frame.extend([3, challenge.bits]);
                frame.extend(challenge.nonce);
            }
            Self::Refuse { versions, code } => {
                frame.extend([4, versions.0, versions.1]);
                frame.extend(code.number().to_le_bytes());
            }
        }
        frame.resize(handshake_length(depth), 0);
        frame
    }
}

/// What a box grants: the payload of `ACCEPT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// 1 entry, 2 middle, 4 room.
    pub roles: u8,
    /// Milliseconds between two deliveries of poses.
    pub tick: u16,
    /// Members a room.
    pub members: u8,
    /// Poses a second and session.
    pub poses: u16,
    /// Messages a second and session.
    pub messages: u16,
    /// Bytes of poses and messages a second and session.
    pub bytes: u32,
}

impl Grant {
    /// Reads the payload.
    pub fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(payload);
        Ok(Self {
            roles: reader.u8()?,
            tick: reader.u16()?,
            members: reader.u8()?,
            poses: reader.u16()?,
            messages: reader.u16()?,
            bytes: reader.u32()?,
        })
    }

    /// The payload, as long as this depth wants it.
    pub fn write(&self, depth: u8) -> Vec<u8> {
        let mut payload = vec![self.roles];
        payload.extend(self.tick.to_le_bytes());
        payload.push(self.members);
        payload.extend(self.poses.to_le_bytes());
        payload.extend(self.messages.to_le_bytes());
        payload.extend(self.bytes.to_le_bytes());
        payload.resize(accept_payload(depth), 0);
        payload
    }
}

/// Bytes of the payload of Noise message 1.
pub(crate) const fn init_payload(depth: u8) -> usize {
    handshake_length(depth) - INIT_HEADER - 32 - TAG
}

/// Bytes of the payload of Noise message 2.
pub(crate) const fn accept_payload(depth: u8) -> usize {
    handshake_length(depth) - 2 - 32 - TAG
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_in_a_circuit_is_as_long_as_a_class_outside() {
        for depth in 1..=DEEPEST {
            for class in CLASSES {
                let inner = class - NESTING * usize::from(depth);
                assert!(is_class(inner, depth));
                // type, length, circuit, frame, tag
                assert_eq!(
                    inner + 1 + 2 + 4 + TAG + NESTING * usize::from(depth - 1),
                    class
                );
            }
        }
        assert_eq!(init_payload(0), 166);
        assert_eq!(accept_payload(2), 190 - 46);
    }

    #[test]
    fn answers_read_back() {
        let challenge = Handshake::Challenge(Challenge {
            bits: 12,
            nonce: [7; 16],
        });
        let refuse = Handshake::Refuse {
            versions: (1, 1),
            code: Code::Busy,
        };
        for depth in 0..=DEEPEST {
            for answer in [challenge, refuse] {
                let frame = answer.write(depth);
                assert_eq!(frame.len(), handshake_length(depth));
                assert_eq!(Handshake::parse(&frame), Ok(answer));
            }
        }
    }
}
