//! What a box allows: section 10 of the protocol, made for a Raspberry Pi 4 with 1 GB.

use crate::{Millis, Rule, Wants, frame::Grant};

/// Milliseconds within which a handshake has to be over.
pub(super) const HANDSHAKE: Millis = 5_000;
/// Milliseconds after which a silent session is closed.
pub(super) const IDLE: Millis = 30_000;
/// Milliseconds after which a member gets something, if need be an empty cell.
pub(super) const KEEP_ALIVE: Millis = 1_000;
/// Milliseconds that a session lives at most.
pub(super) const LIFETIME: Millis = 24 * 3_600_000;
/// Circuits of a session at a time.
pub(super) const CIRCUITS: usize = 8;
/// Frames of a circuit that wait in each direction.
pub(super) const CIRCUIT_FRAMES: usize = 32;
/// Bytes of a circuit that wait in each direction.
pub(super) const CIRCUIT_BYTES: usize = 128 * 1_024;
/// Messages that wait for a member.
pub(super) const WAITING: usize = 128;
/// Bytes of messages that wait for a member.
pub(super) const WAITING_BYTES: usize = 128 * 1_024;
/// Records about comings and goings that wait for a member; then it leaves.
pub(super) const WAITING_EVENTS: usize = 512;
/// Blocks that a room remembers.
pub(super) const BLOCKS: usize = 256;

/// What is a setting of the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// 1 entry, 2 middle, 4 room.
    pub roles: u8,
    /// Carriers from clients.
    pub sockets: usize,
    /// Streams from boxes, and as many circuits to boxes.
    pub circuits: usize,
    /// Streams from one box.
    pub peer_streams: usize,
    /// Rooms.
    pub rooms: usize,
    /// Only rooms whose rule wants at least this are hosted.
    pub rule: Option<Wants>,
    /// Members of a room, at most 255.
    pub members: u8,
    /// Milliseconds between two deliveries of poses, at least 1.
    pub tick: u16,
    /// Poses a second and session.
    pub poses: u16,
    /// Messages a second and session.
    pub messages: u16,
    /// Bytes of poses and messages a second and session.
    pub bytes: u32,
    /// Bytes of frames a second and session, each counted with 256 bytes more.
    pub carrier_bytes: u64,
    /// Messages a second and room.
    pub room_messages: u64,
    /// Bytes of poses and messages a second and room.
    pub room_bytes: u64,
    /// Bytes a second upwards, of all together.
    pub bandwidth: u64,
    /// Bytes of frames that wait in all circuits together.
    pub memory: usize,
    /// Handshakes a second without work.
    pub handshakes: u64,
    /// Handshakes a second with work.
    pub solved_handshakes: u64,
    /// Leading zero bits of that work.
    pub bits: u8,
    /// Handshakes that are begun and not over, at once.
    pub half_open: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            roles: 7,
            sockets: 300,
            circuits: 1_000,
            peer_streams: 250,
            rooms: 12,
            rule: None,
            members: 32,
            tick: 33,
            poses: 40,
            messages: 20,
            bytes: 65_536,
            carrier_bytes: 512 * 1_024,
            room_messages: 200,
            room_bytes: 512 * 1_024,
            bandwidth: 2_500_000,
            memory: 96 << 20,
            handshakes: 50,
            solved_handshakes: 200,
            bits: 12,
            half_open: 256,
        }
    }
}

impl Limits {
    /// Whether a room with this rule is hosted.
    pub(super) fn hosts(&self, rule: Option<Rule>) -> bool {
        self.rule
            .is_none_or(|least| rule.is_some_and(|rule| rule.wants.covers(&least)))
    }

    /// The payload of `ACCEPT`.
    pub const fn grant(&self) -> Grant {
        Grant {
            roles: self.roles,
            tick: self.tick,
            members: self.members,
            poses: self.poses,
            messages: self.messages,
            bytes: self.bytes,
        }
    }
}
