//! All rooms of a box: who is where, and when poses are due.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use super::{Limits, SessionId, room::Room};
use crate::{
    Code, Millis, RoomId, RoomName,
    cell::Cell,
    record::{Block, Record},
};

/// What a client wants of its room. [`super::Session`] makes them, after it has checked every
/// signature.
#[derive(Debug)]
pub enum Request {
    /// Into a room.
    Join {
        /// Its name.
        room: RoomName,
        /// The client key, proved.
        client: [u8; 32],
        /// The ticket key, if there was a valid ticket.
        ticket: Option<[u8; 32]>,
    },
    /// Out of it.
    Leave,
    /// It may not stay.
    PutOut(Code),
    /// A sealed pose.
    Pose(Bytes),
    /// A sealed message.
    Send {
        /// A slot, or everybody else.
        to: u8,
        /// What is passed on.
        sealed: Bytes,
    },
    /// The owner keeps a key out.
    Block(Block),
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// Nothing to say.
    Done,
    /// No.
    Refused {
        /// Type of the refused record.
        record: u8,
        /// Why.
        code: Code,
    },
    /// Dropped; the room is at its rate.
    Slower {
        /// Type of the dropped record.
        record: u8,
        /// Milliseconds to wait.
        pause: Millis,
    },
    /// The session has to end.
    End(Code),
}

/// Where a session is.
#[derive(Debug, Clone, Copy)]
enum Place {
    In(RoomId, u8),
    /// It was put out and has not been told yet.
    Out(u8, Code),
}

/// The rooms.
#[derive(Debug)]
pub struct Rooms {
    limits: Limits,
    rooms: HashMap<RoomId, Room>,
    places: HashMap<SessionId, Place>,
    due: BTreeSet<(Millis, RoomId)>,
    woken: Vec<SessionId>,
}

impl Rooms {
    /// No room.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            rooms: HashMap::new(),
            places: HashMap::new(),
            due: BTreeSet::new(),
            woken: Vec::new(),
        }
    }

    /// Carries out what a session's client wants. Outside of a room everything but a join is
    /// dropped without a word, because it may have been under way.
    pub fn request(&mut self, id: SessionId, request: Request, now: Millis) -> Reply {
        match request {
            Request::Join {
                room,
                client,
                ticket,
            } => return self.join(id, room, client, ticket, now),
            Request::Leave => {
                self.end(id);
                return Reply::Done;
            }
            _ => {}
        }
        let Some(Place::In(name, slot)) = self.places.get(&id).copied() else {
            return Reply::Done;
        };
        let Some(room) = self.rooms.get_mut(&name) else {
            return Reply::Done;
        };
        let reply = match request {
            Request::Pose(sealed) => {
                let reply = room.pose(slot, sealed, now);
                if let Some(due) = room.schedule(self.limits.tick, now) {
                    self.due.insert((due, name));
                }
                return reply;
            }
            Request::Send { to, sealed } => room.send(slot, to, &sealed, now, &mut self.woken),
            Request::Block(block) => {
                room.block(block, now / 1_000);
                Reply::Done
            }
            Request::PutOut(code) => {
                room.turn_out(slot, code);
                Reply::Done
            }
            Request::Join { .. } | Request::Leave => Reply::Done,
        };
        self.settle(name);
        reply
    }

    fn join(
        &mut self,
        id: SessionId,
        name: RoomName,
        client: [u8; 32],
        ticket: Option<[u8; 32]>,
        now: Millis,
    ) -> Reply {
        match self.places.get(&id) {
            Some(Place::In(..)) => return Reply::End(Code::Malformed),
            // It is told of that before it is told of the new room.
            Some(Place::Out(..)) | None => {}
        }
        let room_id = name.id();
        let refused = |code| Reply::Refused { record: 0x20, code };
        if !self.rooms.contains_key(&room_id) && self.rooms.len() >= self.limits.rooms {
            return refused(Code::Busy);
        }
        let limits = &self.limits;
        let room = self
            .rooms
            .entry(room_id)
            .or_insert_with(|| Room::new(limits, now));
        let before = match self.places.get(&id) {
            Some(Place::Out(slot, code)) => Some((*slot, *code)),
            _ => None,
        };
        let joined = room.join(id, client, ticket, before, now / 1_000, &mut self.woken);
        match joined {
            Ok(slot) => {
                self.places.insert(id, Place::In(room_id, slot));
                self.settle(room_id);
                Reply::Done
            }
            Err(code) => {
                self.settle(room_id);
                refused(code)
            }
        }
    }

    /// Notes who was put out of a room, and drops it if nobody is left.
    fn settle(&mut self, name: RoomId) {
        let Some(room) = self.rooms.get_mut(&name) else {
            return;
        };
        while let Some((id, slot, code)) = room.put_out(&mut self.woken) {
            self.places.insert(id, Place::Out(slot, code));
            self.woken.push(id);
        }
        if room.is_empty() {
            if let Some(due) = room.due() {
                self.due.remove(&(due, name));
            }
            self.rooms.remove(&name);
        }
    }

    /// A session leaves its room or is gone.
    pub fn end(&mut self, id: SessionId) {
        if let Some(Place::In(name, slot)) = self.places.remove(&id) {
            if let Some(room) = self.rooms.get_mut(&name) {
                room.leave(slot, Code::Bye, &mut self.woken);
            }
            self.settle(name);
        }
    }

    /// Adds to a cell what the room has for this session.
    pub fn fill(&mut self, id: SessionId, cell: &mut Cell) {
        match self.places.get(&id).copied() {
            Some(Place::In(name, slot)) => {
                if let Some(room) = self.rooms.get_mut(&name)
                    && room.fill(slot, cell)
                {
                    self.woken.push(id);
                }
            }
            Some(Place::Out(slot, code)) if cell.push(&Record::Left { slot, code }) => {
                self.places.remove(&id);
            }
            _ => {}
        }
    }

    /// When [`Rooms::tick`] has something to do.
    pub fn deadline(&self) -> Option<Millis> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Poses become due.
    pub fn tick(&mut self, now: Millis) {
        while let Some((due, name)) = self.due.first().copied() {
            if due > now {
                return;
            }
            self.due.pop_first();
            if let Some(room) = self.rooms.get_mut(&name) {
                room.tick(now, &mut self.woken);
            }
        }
    }

    /// Sessions for which something came to wait since this was asked last.
    pub fn woken(&mut self) -> std::vec::Drain<'_, SessionId> {
        self.woken.drain(..)
    }

    /// Rooms, and members of all rooms.
    pub fn counts(&self) -> (usize, usize) {
        let members = self.rooms.values().map(Room::members).sum();
        (self.rooms.len(), members)
    }
}
