//! Where a client goes next: section 8 of the protocol.

use super::{Client, Command, Entry, Hops, Leg, Way, way::Stage};
use crate::{
    Cell, Code, Delegation, Millis, RoomBox,
    conversation::Event,
    record::{Join, Record},
};

/// Milliseconds that an attempt has, and one that waits for a box that asks the chain.
const ATTEMPT: Millis = 1_500;
const ASKING_ATTEMPT: Millis = 6_000;
/// Milliseconds of silence at home.
pub(super) const SILENCE: Millis = 2_500;
/// Milliseconds that the entry has for a `PONG`.
const PONG: Millis = 1_000;
/// The pause after all positions were tried, at first and at most.
pub(super) const FIRST_PAUSE: Millis = 250;
const LAST_PAUSE: Millis = 4_000;
/// The pause if a box said that this client may not enter.
const REFUSED_PAUSE: Millis = 15_000;
/// Milliseconds until a lower position is tried, at first and at most.
pub(super) const TOGETHER: Millis = 4_000;
const LAST_TOGETHER: Millis = 80_000;

impl Client {
    pub(super) fn paths_deadline(&self) -> Millis {
        let Some(entry) = &self.entry else {
            return self.resume;
        };
        let mut soonest = if entry.leg.is_open() {
            entry.leg.keep_alive()
        } else {
            entry.began + ATTEMPT
        };
        if let Some(asked) = entry.asked {
            soonest = soonest.min(asked + PONG);
        }
        match &self.home {
            None if entry.leg.is_open() => soonest = soonest.min(self.resume),
            None => {}
            Some(home) if home.is_home() => {
                if entry.asked.is_none() {
                    soonest = soonest.min(home.heard + SILENCE);
                }
                if let Some(at) = self.together.filter(|_| self.better.is_none()) {
                    soonest = soonest.min(at);
                }
            }
            Some(home) => soonest = soonest.min(home.began + self.attempt()),
        }
        if let Some(better) = &self.better {
            soonest = soonest.min(better.began + self.attempt());
        }
        let ways = self.home.iter().chain(&self.better);
        let legs = ways.flat_map(|way| &way.legs);
        legs.filter(|leg| leg.is_open())
            .map(Leg::keep_alive)
            .fold(soonest, Millis::min)
    }

    /// How long a way to a room may take.
    const fn attempt(&self) -> Millis {
        if self.invitation.rule.is_some() {
            ASKING_ATTEMPT
        } else {
            ATTEMPT
        }
    }

    /// What has taken too long.
    pub(super) fn watch(&mut self, now: Millis) {
        let Some(entry) = &self.entry else {
            return;
        };
        if !entry.leg.is_open() {
            if now >= entry.began + ATTEMPT {
                self.entry_failed(now);
            }
            return;
        }
        if entry.asked.is_some_and(|asked| now >= asked + PONG) {
            self.entry_failed(now);
            return;
        }
        if self
            .better
            .as_ref()
            .is_some_and(|way| now >= way.began + self.attempt())
        {
            self.better_failed(now);
        }
        let (is_home, since) = match &self.home {
            None => return,
            Some(home) if home.is_home() => (true, home.heard + SILENCE),
            Some(home) => (false, home.began + self.attempt()),
        };
        if now < since {
            return;
        }
        if is_home && !matches!(self.hops, Hops::One) {
            if let Some(entry) = &mut self.entry
                && entry.asked.is_none()
            {
                entry.asked = Some(now);
                self.send(None, 0, &[Record::Ping(now.to_le_bytes())], now);
            }
        } else {
            self.home_failed(now);
        }
    }

    /// The entry lives, the room box is silent or gone: the next position.
    pub(super) fn home_failed(&mut self, now: Millis) {
        let Some(mut home) = self.home.take() else {
            return;
        };
        if home.is_home() {
            self.conversation.away();
            self.conversation.push_event(Event::Away);
        }
        self.better = None;
        self.position = home.position;
        self.next_position();
        if matches!(self.hops, Hops::One) {
            self.drop_entry();
        } else {
            self.leave(&mut home, now);
        }
        self.count_attempt(now);
    }

    pub(super) fn better_failed(&mut self, now: Millis) {
        if let Some(mut better) = self.better.take() {
            let next = better.position + 1;
            let home = self.home.as_ref().map_or(0, |home| home.position);
            self.leave(&mut better, now);
            if next < home {
                self.try_better(next, now);
            } else {
                self.together_pause = (self.together_pause * 2).min(LAST_TOGETHER);
                self.together = Some(now + self.together_pause);
            }
        }
    }

    pub(super) fn next_position(&mut self) {
        let count = u8::try_from(self.invitation.boxes.len()).unwrap_or(u8::MAX);
        self.position = (self.position + 1) % count.max(1);
    }

    /// After a round of attempts there is a pause.
    pub(super) fn count_attempt(&mut self, now: Millis) {
        self.attempts += 1;
        self.resume = now;
        let round = self.invitation.boxes.len().max(1);
        if self.attempts.is_multiple_of(round) && self.attempts > 1 {
            let refused = std::mem::take(&mut self.is_refused);
            self.resume = now + if refused { REFUSED_PAUSE } else { self.pause };
            self.pause = (self.pause * 2).min(LAST_PAUSE);
        }
    }

    /// Does what is to be done next, if it is time.
    pub(super) fn proceed(&mut self, now: Millis) {
        if self.over {
            return;
        }
        if let Some(position) = self.conversation.moved()
            && self.better.is_none()
            && self
                .home
                .as_ref()
                .is_some_and(|home| position < home.position)
        {
            self.try_better(position, now);
        }
        let Some(entry) = &self.entry else {
            if now >= self.resume {
                self.connect(now);
            }
            return;
        };
        if !entry.leg.is_open() {
            return;
        }
        if self.home.is_none() && now >= self.resume {
            self.home = self.open(self.position, now);
            if self.home.is_none() {
                // This guard is the room box itself, or the key is none.
                self.entry_failed(now);
            }
        } else if self.together.is_some_and(|at| now >= at)
            && self.better.is_none()
            && self.is_here()
            && !matches!(self.hops, Hops::One)
        {
            self.try_better(0, now);
        }
        self.keep_alive(now);
    }

    fn try_better(&mut self, position: u8, now: Millis) {
        if !matches!(self.hops, Hops::One) {
            self.better = self.open(position, now);
        }
    }

    fn connect(&mut self, now: Millis) {
        let Some(room) = self.place(self.position) else {
            return;
        };
        let guard = match self.hops {
            Hops::One => None,
            _ => self.guards.choose(room.node, now),
        };
        let place = match guard {
            Some(guard) => self.guards.place(guard),
            None if matches!(self.hops, Hops::One) => Some(room),
            None => None,
        };
        let seed = self.random();
        let Some((place, (leg, init))) =
            place.and_then(|place| Some((place, Leg::new(place, 0, seed, now)?)))
        else {
            // No guard for this room box; another one may do.
            self.next_position();
            self.count_attempt(now);
            self.resume = self.resume.max(now + FIRST_PAUSE);
            return;
        };
        self.socket += 1;
        let socket = self.socket;
        self.commands
            .push_back(Command::Connect { socket, to: place });
        self.entry = Some(Entry {
            socket,
            guard,
            leg,
            init: Some(init),
            began: now,
            asked: None,
        });
    }

    /// The boxes behind the entry on the way to a position.
    fn stations(&self, position: u8) -> Option<Vec<RoomBox>> {
        let room = self.place(position)?;
        Some(match self.hops {
            Hops::One => Vec::new(),
            Hops::Two => vec![room],
            Hops::Three(middle) => vec![middle, room],
        })
    }

    /// Begins a way. `None` if it cannot be.
    fn open(&mut self, position: u8, now: Millis) -> Option<Way> {
        let stations = self.stations(position)?;
        let guard = self.entry.as_ref()?.guard;
        let guard = guard.and_then(|guard| self.guards.place(guard));
        if guard.is_some_and(|guard| stations.iter().any(|station| station.node == guard.node)) {
            return None;
        }
        self.circuit += 1;
        let mut way = Way::new(position, self.circuit, now);
        if stations.is_empty() {
            self.join(&mut way, now);
        } else {
            self.next_leg(&mut way, now);
        }
        Some(way)
    }

    /// Opens a circuit to the next station and begins a session with it.
    pub(super) fn next_leg(&mut self, way: &mut Way, now: Millis) -> Option<()> {
        let stations = self.stations(way.position)?;
        let place = *stations.get(way.legs.len())?;
        let depth = u8::try_from(way.legs.len() + 1).ok()?;
        let seed = self.random();
        let (leg, init) = Leg::new(place, depth, seed, now)?;
        let open = Record::Open {
            circuit: way.circuit,
            node: place.node.0,
        };
        let level = way.legs.len();
        self.send(Some(way), level, &[open], now);
        way.legs.push(leg);
        self.wrap(Some(way), level + 1, bytes::BytesMut::from(&init[..]), now);
        Some(())
    }

    /// Asks to be let in, over the last session of the way.
    pub(super) fn join(&mut self, way: &mut Way, now: Millis) {
        way.stage = Stage::Joining;
        let leg = way
            .legs
            .last()
            .or(self.entry.as_ref().map(|entry| &entry.leg));
        let Some((_, hash)) = leg.and_then(Leg::opened) else {
            return;
        };
        let room = self.invitation.name();
        let client = self.secret.public();
        let ticket = self.invitation.ticket.as_ref();
        let ticket = ticket.map(|ticket| ticket.admit(room.id(), &client).write());
        // Without one the box says no, as it does to one that is worth nothing.
        let delegation = self.delegation.unwrap_or(Delegation::NONE);
        let delegation = room.rule.map(|_| delegation.write());
        let join = Record::Join(Join {
            room,
            client,
            signature: self.secret.sign_join(hash, room.id()),
            ticket: ticket.as_deref().unwrap_or_default(),
            delegation: delegation.as_ref().map_or(&[][..], |bytes| bytes),
        });
        let level = way.legs.len();
        self.send(Some(way), level, &[join], now);
    }

    /// The room box let this client in.
    pub(super) fn arrived(&mut self, way: &mut Way, now: Millis) {
        way.stage = Stage::Home;
        way.heard = now;
        self.attempts = 0;
        self.pause = FIRST_PAUSE;
        self.position = way.position;
        if let Some(entry) = &mut self.entry {
            entry.asked = None;
        }
        if self.together.is_none() || way.position == 0 {
            self.together_pause = TOGETHER;
        }
        self.together = (way.position > 0).then_some(now + self.together_pause);
        let position = way.position;
        self.conversation.push_event(Event::Here { position });
    }

    /// Leaves a room box without a word to the others.
    pub(super) fn leave(&mut self, way: &mut Way, now: Millis) {
        if matches!(self.hops, Hops::One) {
            self.send(None, 0, &[Record::Leave], now);
            return;
        }
        if way.is_home() {
            let level = way.legs.len();
            self.send(Some(way), level, &[Record::Leave], now);
        }
        let (circuit, code) = (way.circuit, Code::Bye);
        self.send(None, 0, &[Record::Closed { circuit, code }], now);
    }

    fn keep_alive(&mut self, now: Millis) {
        let Some(entry) = &self.entry else {
            return;
        };
        if now >= entry.leg.keep_alive() {
            self.send(None, 0, &[], now);
        }
        let mut ways = [self.home.take(), self.better.take()];
        for way in ways.iter_mut().flatten() {
            for level in 1..=way.legs.len() {
                let leg = &way.legs[level - 1];
                if leg.is_open() && now >= leg.keep_alive() {
                    self.send(Some(way), level, &[], now);
                }
            }
        }
        let [home, better] = ways;
        (self.home, self.better) = (home, better);
    }

    /// Sends records in the session at a level: 0 is the entry's.
    pub(super) fn send(
        &mut self,
        mut way: Option<&mut Way>,
        level: usize,
        records: &[Record<'_>],
        now: Millis,
    ) {
        let depth = u8::try_from(level).unwrap_or(u8::MAX);
        let mut cell = Cell::new(depth);
        cell.want();
        for record in records {
            cell.push(record);
        }
        if let Some(frame) = self.seal(way.as_deref_mut(), level, cell, now) {
            self.wrap(way, level, frame, now);
        }
    }

    pub(super) fn seal(
        &mut self,
        way: Option<&mut Way>,
        level: usize,
        cell: Cell,
        now: Millis,
    ) -> Option<bytes::BytesMut> {
        let leg = match (level.checked_sub(1), way) {
            (None, _) => &mut self.entry.as_mut()?.leg,
            (Some(index), Some(way)) => way.legs.get_mut(index)?,
            (Some(_), None) => return None,
        };
        leg.seal(cell, now)
    }

    /// Sends a frame of the session at a level through the circuits below it.
    pub(super) fn wrap(
        &mut self,
        mut way: Option<&mut Way>,
        level: usize,
        mut frame: bytes::BytesMut,
        now: Millis,
    ) {
        for below in (0..level).rev() {
            let Some(circuit) = way.as_deref().map(|way| way.circuit) else {
                return;
            };
            let depth = u8::try_from(below).unwrap_or(u8::MAX);
            let cell = Cell::data(depth, circuit, &frame);
            let Some(outer) = self.seal(way.as_deref_mut(), below, cell, now) else {
                return;
            };
            frame = outer;
        }
        self.out.push_back(frame.freeze());
    }
}
