//! Another client: what is known of it, what it is owed, what is expected from it.

use std::collections::{BTreeMap, VecDeque};

use rand_chacha::ChaCha20Rng;

use super::{WINDOW, WINDOW_BYTES, epoch::chain};
use crate::{Millis, sealed::Chain};

/// Milliseconds until something is said again for the first time.
pub(super) const AGAIN: Millis = 500;
/// Milliseconds between two repetitions at most.
const SLOWEST: Millis = 4_000;
/// Milliseconds after which who is gone is dropped.
const GONE: Millis = 10_000;
/// Milliseconds after which who acknowledges nothing is dropped.
const STUCK: Millis = 30_000;

/// Something that is repeated until it worked, ever more slowly.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Repeat {
    pub(super) at: Option<Millis>,
    pause: Millis,
}

impl Repeat {
    /// Begins, or begins again, at a time.
    pub(super) const fn start(&mut self, at: Millis) {
        self.at = Some(at);
        self.pause = AGAIN;
    }

    pub(super) const fn stop(&mut self) {
        self.at = None;
    }

    /// Whether it is time; the next time is set then.
    pub(super) fn is_due(&mut self, now: Millis) -> bool {
        let due = self.at.is_some_and(|at| at <= now);
        if due {
            self.at = Some(now + self.pause);
            self.pause = (self.pause * 2).min(SLOWEST);
        }
        due
    }
}

/// The chains of an epoch of the other client.
#[derive(Debug)]
pub(super) struct Theirs {
    pub(super) epoch: u32,
    pub(super) pose: Chain,
    pub(super) group: Chain,
    pub(super) direct: Chain,
}

/// Messages of one stream that come: what is next, and what came early.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// `None` until the sender has said where it begins.
    pub(super) next: Option<u64>,
    early: BTreeMap<u64, Vec<u8>>,
}

impl Stream {
    /// Takes a message. Gives what can be delivered now, in order; `None` if it came before.
    pub(super) fn take(&mut self, number: u64, payload: Vec<u8>) -> Option<Vec<(u64, Vec<u8>)>> {
        let mut next = self.next?;
        if number < next {
            return None;
        }
        let window = u64::try_from(WINDOW).unwrap_or_default();
        if number - next < window {
            self.early.entry(number).or_insert(payload);
        }
        let mut ready = Vec::new();
        while let Some(payload) = self.early.remove(&next) {
            ready.push((next, payload));
            next = next.checked_add(1)?;
        }
        self.next = Some(next);
        Some(ready)
    }

    /// The sender gives nothing below `floor` any more. Gives what was expected and will not come.
    pub(super) fn raise(&mut self, floor: u64) -> Option<u64> {
        let next = *self.next.get_or_insert(floor);
        if floor <= next {
            return None;
        }
        self.early.retain(|number, _| *number >= floor);
        self.next = Some(floor);
        Some(next)
    }

    /// What came early and can be delivered now.
    pub(super) fn ready(&mut self) -> Vec<(u64, Vec<u8>)> {
        let mut ready = Vec::new();
        while let Some(next) = self.next
            && let Some(payload) = self.early.remove(&next)
        {
            ready.push((next, payload));
            self.next = next.checked_add(1);
        }
        ready
    }
}

/// Another client.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) slot: Option<u8>,
    /// Since when it has no slot, while this client is in the room.
    pub(super) gone: Option<Millis>,
    /// The application knows of it.
    pub(super) member: bool,
    /// It said something that cannot be a recording, since it was dropped last.
    pub(super) alive: bool,

    /// Number, receive key and profile of its newest HELLO.
    pub(super) hello: Option<(u32, [u8; 32], Vec<u8>)>,
    /// Its HELLO is asked for.
    pub(super) ask: Repeat,
    /// When its wish for an answer was granted last.
    pub(super) answered: Option<Millis>,

    /// Its newest epoch, and the one before.
    pub(super) newest: Option<Theirs>,
    pub(super) older: Option<Theirs>,

    /// This client's newest epoch that it holds.
    pub(super) holds: u32,
    /// This client's KEY is repeated.
    pub(super) key: Repeat,
    pub(super) key_made: Option<Millis>,
    /// This client's chain of messages to it.
    pub(super) sending: Chain,

    /// It has been given a floor and is owed what is said from there on.
    pub(super) owed: bool,
    /// The lowest message to the room that it has not acknowledged.
    pub(super) group_from: u64,
    /// Messages to it alone that it has not acknowledged.
    pub(super) told: VecDeque<(u64, Vec<u8>)>,
    told_bytes: usize,
    /// The number of the next message to it alone.
    pub(super) told_next: u64,
    pub(super) again: Repeat,
    /// Since when something waits for it without any progress.
    pub(super) stuck: Option<Millis>,

    pub(super) group: Stream,
    pub(super) direct: Stream,
    pub(super) ack: Option<Millis>,
}

impl Peer {
    /// Its messages to this client alone, or to all.
    pub(super) const fn stream(&mut self, direct: bool) -> &mut Stream {
        if direct {
            &mut self.direct
        } else {
            &mut self.group
        }
    }

    pub(super) fn new(next: u64, rng: &mut ChaCha20Rng) -> Self {
        Self {
            slot: None,
            gone: None,
            member: false,
            alive: false,
            hello: None,
            ask: Repeat::default(),
            answered: None,
            newest: None,
            older: None,
            holds: 0,
            key: Repeat::default(),
            key_made: None,
            sending: chain(1, rng),
            owed: false,
            group_from: next,
            told: VecDeque::new(),
            told_bytes: 0,
            told_next: 1,
            again: Repeat::default(),
            stuck: None,
            group: Stream::default(),
            direct: Stream::default(),
            ack: None,
        }
    }

    /// The lowest message to it alone that it has not acknowledged.
    pub(super) fn told_from(&self) -> u64 {
        self.told
            .front()
            .map_or(self.told_next, |(number, _)| *number)
    }

    /// It has a slot.
    pub(super) fn connect(&mut self, slot: u8, now: Millis) {
        self.slot = Some(slot);
        self.gone = None;
        self.ask.start(now + AGAIN);
        if self.hello.is_some() {
            self.key.start(now);
        }
        if self.stuck.is_some() {
            self.stuck = Some(now);
            self.again.start(now);
        }
    }

    /// It has none any more.
    pub(super) const fn disconnect(&mut self, now: Millis) {
        if self.slot.take().is_some() || self.gone.is_none() {
            self.gone = Some(now);
        }
        if self.stuck.is_some() {
            self.stuck = Some(now);
        }
    }

    /// This client has new chains.
    pub(super) const fn renew(&mut self, now: Millis) {
        self.key_made = None;
        if self.hello.is_some() {
            self.key.start(now);
        }
    }

    /// A message waits for it.
    pub(super) fn owe(&mut self, now: Millis) {
        if self.stuck.is_none() {
            self.stuck = Some(now);
            self.again.start(now + AGAIN);
        }
    }

    /// Notes a message to it alone; gives its number unless too much waits.
    pub(super) fn tell(&mut self, payload: Vec<u8>, now: Millis) -> Option<u64> {
        if self.told.len() >= WINDOW || self.told_bytes + payload.len() > WINDOW_BYTES {
            return None;
        }
        let number = self.told_next;
        self.told_next += 1;
        self.told_bytes += payload.len();
        self.told.push_back((number, payload));
        self.owe(now);
        Some(number)
    }

    /// It expects these numbers next; `next` is what this client will say next to the room.
    pub(super) fn acknowledged(&mut self, group: u64, direct: u64, next: u64, now: Millis) {
        let mut progress = false;
        if group > self.group_from && group <= next {
            self.group_from = group;
            progress = true;
        }
        while self
            .told
            .front()
            .is_some_and(|(number, _)| *number < direct)
        {
            if let Some((_, payload)) = self.told.pop_front() {
                self.told_bytes -= payload.len();
            }
            progress = true;
        }
        if group < self.group_from || direct < self.told_from() {
            // It waits for what it will not get: a KEY tells it where to go on.
            self.want_key(now);
        }
        if self.group_from == next && self.told.is_empty() {
            self.stuck = None;
            self.again.stop();
        } else if progress {
            self.stuck = Some(now);
            self.again.start(now + AGAIN);
        }
    }

    /// A KEY is needed, but not at once after the last.
    pub(super) fn want_key(&mut self, now: Millis) {
        let soonest = self.key_made.map_or(now, |made| now.max(made + AGAIN));
        if self.key.at.is_none_or(|at| at > soonest) {
            self.key.start(soonest);
        }
    }

    /// It is not waited for any longer. What it sealed with stays known, so that nothing of it can
    /// come twice.
    pub(super) fn drop_out(&mut self) {
        self.member = false;
        self.alive = false;
        self.owed = false;
        self.told.clear();
        self.told_bytes = 0;
        self.stuck = None;
        self.gone = None;
        self.again.stop();
        self.key.stop();
        self.ack = None;
        self.group.early.clear();
        self.direct.early.clear();
    }

    /// Whether it has been gone or silent for too long.
    pub(super) fn is_lost(&self, now: Millis) -> bool {
        self.lost_at().is_some_and(|at| at <= now)
    }

    fn lost_at(&self) -> Option<Millis> {
        let gone = self.gone.filter(|_| self.owed || self.member);
        let gone = gone.map(|gone| gone + GONE);
        let stuck = self.stuck.map(|stuck| stuck + STUCK);
        [gone, stuck].into_iter().flatten().min()
    }

    /// When something is to be done about it.
    pub(super) fn deadline(&self) -> Option<Millis> {
        let lost = self.lost_at();
        if self.slot.is_none() {
            return lost;
        }
        [lost, self.ask.at, self.key.at, self.again.at, self.ack]
            .into_iter()
            .flatten()
            .min()
    }
}
