//! A box's side: four machines that share nothing but what their owner carries between them.
//!
//! - [`Admission`] knows how many are connected and decides who has to work before a handshake;
//! - a [`Session`] is one carrier with its circuits. It belongs to the carrier's task, so that the
//!   hot path, a frame that passes through a circuit, takes no lock;
//! - [`Rooms`] is all rooms of the box, behind a lock for the microseconds of a record;
//! - [`Turns`] shares the bandwidth between those who want to send.
//!
//! The owner of a carrier does, in this order and without end:
//! 1. a frame came and [`Session::reads_at`] allows it: [`Session::receive`]; then it carries out
//!    each [`Session::order`], takes [`Order::Room`] to [`Rooms::request`] and the answer back to
//!    [`Session::answer`], and [`Order::Ask`] to the chain and its word to [`Session::entitled`];
//! 2. the carrier can take a frame and the [`Turns`] allow it: [`Session::begin`], then
//!    [`Rooms::fill`] if [`Session::in_room`], then [`Session::finish`] gives the frame;
//! 3. [`Session::deadline`] has come: [`Session::tick`], then as in 2;
//! 4. the carrier is gone, or [`Session::is_over`]: [`Rooms::end`], [`Admission::end`],
//!    [`Turns::end`], and [`Admission::end_circuit`] for each circuit.
//!
//! Whoever holds the rooms wakes those whom [`Rooms::woken`] names, and calls [`Rooms::tick`] at
//! [`Rooms::deadline`].

mod admission;
mod budget;
mod circuits;
mod entitlement;
mod handshake;
mod limits;
mod mail;
mod meter;
mod room;
mod rooms;
mod session;
mod turns;

pub use admission::{Admission, Decision};
pub use budget::Budget;
pub use handshake::{Answer, Handshake, Identity};
pub use limits::Limits;
pub use rooms::{Reply, Request, Rooms};
pub use session::{Order, Session};
pub use turns::{Turn, Turns};

/// How a client reaches this box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// On a socket: this box is its entry.
    Socket,
    /// On a stream from another box that is at this hop: 1 or 2.
    Stream(u8),
}

impl Carrier {
    /// Circuits that a session on it runs through.
    pub const fn depth(self) -> u8 {
        match self {
            Self::Socket => 0,
            Self::Stream(hop) => hop,
        }
    }
}

/// Names a carrier inside this box, never twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);
