//! What comes from boxes, session by session from the outside inwards; and what goes to the room.

use bytes::BytesMut;

use super::{Client, Way, leg::Came, way::Stage};
use crate::{
    Cell, Code, Malformed, Millis,
    record::{Record, records},
};

/// Why a way ends.
pub(super) type Ended = Result<(), Code>;

impl Client {
    /// A frame of the entry's session. An error is the end of the entry.
    pub(super) fn entry_frame(&mut self, frame: BytesMut, now: Millis) -> Ended {
        let entry = self.entry.as_mut().ok_or(Code::Bye)?;
        match entry.leg.receive(frame, now)? {
            Came::Work(init) => {
                self.out.push_back(init.into());
                Ok(())
            }
            Came::Open => Ok(()),
            Came::Cell(mut cell) => {
                entry.asked = None;
                if cell.first() == Some(&0x12) {
                    return self.circuit_frame(&mut cell, now);
                }
                self.entry_cell(&cell, now)
            }
        }
    }

    fn entry_cell(&mut self, cell: &[u8], now: Millis) -> Ended {
        for record in records(cell) {
            match record? {
                Record::Ping(token) => self.send(None, 0, &[Record::Pong(token)], now),
                Record::Pong(_) => {
                    if self.is_silent(now) {
                        self.home_failed(now);
                    }
                }
                Record::Close(code) => return Err(code),
                Record::Closed { circuit, code } => self.circuit_closed(circuit, code, now),
                // A circuit's work is asked for again by the attempt's end.
                Record::Slower { record: 0x10, .. } => {}
                record => {
                    // With one hop the entry is the room box.
                    let Some(mut way) = self.home.take_if(|way| way.legs.is_empty()) else {
                        return Err(Code::Malformed);
                    };
                    way.heard = now;
                    self.room_record(&mut way, &record, now)?;
                    self.home = Some(way);
                }
            }
        }
        if let Some(home) = self.home.as_mut().filter(|way| way.legs.is_empty()) {
            home.heard = now;
        }
        Ok(())
    }

    fn is_silent(&self, now: Millis) -> bool {
        self.home
            .as_ref()
            .is_some_and(|home| home.is_home() && home.heard + super::paths::SILENCE <= now)
    }

    /// Takes the way of a circuit out of its place, so that it can be worked on.
    fn take_way(&mut self, circuit: u32) -> Option<(Way, bool)> {
        let is = |way: &mut Way| way.circuit == circuit && !way.legs.is_empty();
        if let Some(way) = self.home.take_if(is) {
            return Some((way, true));
        }
        self.better.take_if(is).map(|way| (way, false))
    }

    fn circuit_closed(&mut self, circuit: u32, _code: Code, now: Millis) {
        if let Some((way, is_home)) = self.take_way(circuit) {
            self.way_failed(way, is_home, now);
        }
    }

    fn way_failed(&mut self, way: Way, is_home: bool, now: Millis) {
        if is_home {
            self.home = Some(way);
            self.home_failed(now);
        } else {
            self.better = Some(way);
            self.better_failed(now);
        }
    }

    /// A frame of a circuit; what is wrong about it ends the way, not the entry.
    fn circuit_frame(&mut self, cell: &mut BytesMut, now: Millis) -> Ended {
        let circuit = data_of(cell)?;
        let Some((mut way, was_home)) = self.take_way(circuit) else {
            return Ok(());
        };
        let frame = cell.split_off(7);
        let came = self.way_frame(&mut way, 1, frame, now);
        match came {
            Err(code) => {
                let is_refused = matches!(
                    code,
                    Code::Ticket | Code::Blocked | Code::Signature | Code::Entitlement
                );
                // It does not change so soon.
                self.is_refused |= is_refused;
                if is_refused || code == Code::Full {
                    self.refused(code);
                }
                self.way_failed(way, was_home, now);
            }
            Ok(()) if was_home => self.home = Some(way),
            Ok(()) if way.is_home() => self.change(way, now),
            Ok(()) => self.better = Some(way),
        }
        Ok(())
    }

    /// The better way is home now.
    fn change(&mut self, way: Way, now: Millis) {
        if let Some(mut old) = self.home.replace(way) {
            self.leave(&mut old, now);
        }
    }

    /// A frame of the session at a level of the way.
    fn way_frame(&mut self, way: &mut Way, level: usize, frame: BytesMut, now: Millis) -> Ended {
        let last = level == way.legs.len();
        let leg = way.legs.get_mut(level - 1).ok_or(Code::Malformed)?;
        match leg.receive(frame, now)? {
            Came::Work(init) => {
                self.wrap(Some(way), level, BytesMut::from(&init[..]), now);
                Ok(())
            }
            Came::Open if self.is_whole(way) => {
                self.join(way, now);
                Ok(())
            }
            Came::Open => self.next_leg(way, now).ok_or(Code::Malformed),
            Came::Cell(mut cell) => {
                if cell.first() == Some(&0x12) {
                    if last || data_of(&cell)? != way.circuit {
                        return Err(Code::Malformed);
                    }
                    let frame = cell.split_off(7);
                    return self.way_frame(way, level + 1, frame, now);
                }
                self.way_cell(way, level, &cell, now)
            }
        }
    }

    fn way_cell(&mut self, way: &mut Way, level: usize, cell: &[u8], now: Millis) -> Ended {
        let is_room = self.is_whole(way) && level == way.legs.len();
        if is_room {
            way.heard = now;
        }
        for record in records(cell) {
            match record? {
                Record::Ping(token) => self.send(Some(way), level, &[Record::Pong(token)], now),
                Record::Pong(_) => {}
                Record::Close(code) | Record::Closed { code, .. } => return Err(code),
                record if is_room => self.room_record(way, &record, now)?,
                _ => return Err(Code::Malformed),
            }
        }
        Ok(())
    }

    fn is_whole(&self, way: &Way) -> bool {
        let behind = match self.hops {
            super::Hops::One => 0,
            super::Hops::Two => 1,
            super::Hops::Three(_) => 2,
        };
        way.legs.len() == behind
    }

    fn room_record(&mut self, way: &mut Way, record: &Record<'_>, now: Millis) -> Ended {
        match (way.stage, record) {
            (Stage::Joining, Record::Joined { slot, others }) => {
                let leg = way.legs.last();
                let leg = leg.or(self.entry.as_ref().map(|entry| &entry.leg));
                let grant = leg.and_then(super::Leg::opened).map(|(grant, _)| *grant);
                let grant = grant.ok_or(Malformed)?;
                if let Some(mut home) = self.home.take() {
                    // Those who stayed behind are told where this client is.
                    self.conversation.moving(way.position);
                    self.flush_to(&mut home, now);
                    self.home = Some(home);
                }
                self.conversation.joined(*slot, others, &grant, now);
                self.arrived(way, now);
            }
            (_, Record::Refused { record: 0x20, code }) => return Err(*code),
            (_, Record::Refused { .. }) => {}
            (_, Record::Slower { record, pause }) => {
                if way.is_home() {
                    self.conversation.slower(*record, *pause, now);
                }
            }
            (Stage::Home, Record::Member { slot, client }) => {
                self.conversation.member(*slot, *client, now);
            }
            (Stage::Home, Record::Left { slot, code }) => {
                if self.conversation.is_own(*slot) {
                    return Err(*code);
                }
                self.conversation.left(*slot, now);
            }
            (Stage::Home, Record::PoseFrom { slot, sealed }) => {
                self.conversation.pose_from(*slot, sealed, now);
            }
            (Stage::Home, Record::Sent { from, sealed, .. }) => {
                self.conversation.sent(*from, sealed, now);
            }
            _ => return Err(Code::Malformed),
        }
        Ok(())
    }

    /// What the conversation has to send goes to the room.
    pub(super) fn flush(&mut self, now: Millis) {
        if let Some(mut home) = self.home.take() {
            if home.is_home() {
                self.flush_to(&mut home, now);
            }
            self.home = Some(home);
        }
    }

    fn flush_to(&mut self, way: &mut Way, now: Millis) {
        loop {
            let level = way.legs.len();
            let mut cell = Cell::new(u8::try_from(level).unwrap_or(u8::MAX));
            self.conversation.fill(&mut cell, now);
            if cell.is_empty() {
                return;
            }
            if let Some(frame) = self.seal(Some(way), level, cell, now) {
                self.wrap(Some(way), level, frame, now);
            }
        }
    }
}

/// The circuit of a cell that is one `DATA`.
fn data_of(cell: &[u8]) -> Result<u32, Malformed> {
    match records(cell).next() {
        Some(Ok(record @ Record::Data { circuit, .. })) if record.length() == cell.len() => {
            Ok(circuit)
        }
        _ => Err(Malformed),
    }
}
