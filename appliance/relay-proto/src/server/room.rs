//! One room: members in slots, the newest pose of each, messages that wait, blocks.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    Limits, Reply, SessionId,
    limits::{BLOCKS, WAITING, WAITING_BYTES, WAITING_EVENTS},
};
use crate::{
    Code, Millis,
    cell::Cell,
    rate::Rate,
    record::{Block, EVERYBODY, Record},
};

/// What waits for a member, in order.
#[derive(Debug)]
enum Waiting {
    Joined(u8, Bytes),
    Member(u8, [u8; 32]),
    Left(u8, Code),
    Sent { from: u8, to: u8, sealed: Bytes },
}

impl Waiting {
    fn record(&self) -> Record<'_> {
        match self {
            Self::Joined(slot, others) => Record::Joined {
                slot: *slot,
                others,
            },
            Self::Member(slot, client) => Record::Member {
                slot: *slot,
                client: *client,
            },
            Self::Left(slot, code) => Record::Left {
                slot: *slot,
                code: *code,
            },
            Self::Sent { from, to, sealed } => Record::Sent {
                from: *from,
                to: *to,
                sealed,
            },
        }
    }
}

#[derive(Debug)]
struct Member {
    session: SessionId,
    client: [u8; 32],
    ticket: Option<[u8; 32]>,
    /// The newest, and its place in the room's order of poses.
    pose: Option<(u64, Bytes)>,
    /// Up to where it got the others' poses.
    seen: u64,
    /// A tick came since it was last asked what it wants.
    due: bool,
    queue: VecDeque<Waiting>,
    messages: usize,
    bytes: usize,
    woken: bool,
}

impl Member {
    fn wake(&mut self, woken: &mut Vec<SessionId>) {
        if !self.woken {
            self.woken = true;
            woken.push(self.session);
        }
    }

    /// `false` if it does not read what it gets.
    fn tell(&mut self, event: Waiting, woken: &mut Vec<SessionId>) -> bool {
        self.queue.push_back(event);
        self.wake(woken);
        self.queue.len() - self.messages <= WAITING_EVENTS
    }

    fn pass(&mut self, from: u8, to: u8, sealed: Bytes, woken: &mut Vec<SessionId>) {
        if self.messages >= WAITING || self.bytes + sealed.len() > WAITING_BYTES {
            return;
        }
        self.messages += 1;
        self.bytes += sealed.len();
        self.queue.push_back(Waiting::Sent { from, to, sealed });
        self.wake(woken);
    }
}

/// A room with somebody in it.
#[derive(Debug)]
pub(super) struct Room {
    slots: Vec<Option<Member>>,
    /// Freed slots, the one that is free for longest first.
    free: VecDeque<u8>,
    largest: u8,
    blocks: Vec<Block>,
    messages: Rate,
    bytes: Rate,
    /// Counts poses.
    poses: u64,
    last: Millis,
    due: Option<Millis>,
    /// Slots that are to be emptied, and why.
    leaving: Vec<(u8, Code)>,
    /// Sessions that were put out and have to be told.
    out: Vec<(SessionId, u8, Code)>,
}

impl Room {
    pub(super) fn new(limits: &Limits, now: Millis) -> Self {
        Self {
            slots: Vec::new(),
            free: VecDeque::new(),
            largest: limits.members,
            blocks: Vec::new(),
            messages: Rate::new(limits.room_messages, limits.room_messages, now),
            bytes: Rate::new(limits.room_bytes, 2 * limits.room_bytes, now),
            poses: 0,
            last: now,
            due: None,
            leaving: Vec::new(),
            out: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members() == 0
    }

    pub(super) fn members(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    fn each(&mut self) -> impl Iterator<Item = (u8, &mut Member)> {
        (0_u8..)
            .zip(&mut self.slots)
            .filter_map(|(slot, member)| Some((slot, member.as_mut()?)))
    }

    /// Gives a slot; `before` is another room's goodbye that the session has not been told yet.
    pub(super) fn join(
        &mut self,
        session: SessionId,
        client: [u8; 32],
        ticket: Option<[u8; 32]>,
        before: Option<(u8, Code)>,
        unix: u64,
        woken: &mut Vec<SessionId>,
    ) -> Result<u8, Code> {
        let keys = [Some(client), ticket];
        let hit = |block: &Block| unix < block.until && keys.contains(&Some(block.key));
        if self.blocks.iter().any(hit) {
            return Err(Code::Blocked);
        }
        let slot = self.slot_for(&client)?;
        let mut member = Member {
            session,
            client,
            ticket,
            pose: None,
            seen: 0,
            due: true,
            queue: VecDeque::new(),
            messages: 0,
            bytes: 0,
            woken: false,
        };
        if let Some((slot, code)) = before {
            member.tell(Waiting::Left(slot, code), woken);
        }
        member.tell(Waiting::Joined(slot, self.others(slot)), woken);
        if let Some(old) = self.slots[usize::from(slot)].replace(member) {
            self.out.push((old.session, slot, Code::Replaced));
        }
        self.announce(slot, || Waiting::Member(slot, client), woken);
        Ok(slot)
    }

    /// The slot that the client key has, or one that is free for longest.
    fn slot_for(&mut self, client: &[u8; 32]) -> Result<u8, Code> {
        let taken = self.each().find(|(_, member)| member.client == *client);
        if let Some((slot, _)) = taken {
            return Ok(slot);
        }
        let next = u8::try_from(self.slots.len()).unwrap_or(EVERYBODY);
        if next < self.largest {
            self.slots.push(None);
            return Ok(next);
        }
        self.free.pop_front().ok_or(Code::Full)
    }

    fn others(&mut self, but: u8) -> Bytes {
        let mut others = Vec::with_capacity(self.members() * 33);
        for (slot, member) in self.each().filter(|(slot, _)| *slot != but) {
            others.push(slot);
            others.extend(member.client);
        }
        others.into()
    }

    /// Tells everybody but one. Who does not read it is put out.
    fn announce(&mut self, but: u8, event: impl Fn() -> Waiting, woken: &mut Vec<SessionId>) {
        let mut deaf = Vec::new();
        for (slot, member) in self.each().filter(|(slot, _)| *slot != but) {
            if !member.tell(event(), woken) {
                deaf.push((slot, Code::Busy));
            }
        }
        self.leaving.extend(deaf);
    }

    /// A member goes of its own will, or its session is gone.
    pub(super) fn leave(&mut self, slot: u8, code: Code, woken: &mut Vec<SessionId>) {
        let member = self.slots.get_mut(usize::from(slot)).and_then(Option::take);
        if member.is_some() {
            self.free.push_back(slot);
            self.announce(slot, || Waiting::Left(slot, code), woken);
        }
    }

    /// A member may not stay.
    pub(super) fn turn_out(&mut self, slot: u8, code: Code) {
        self.leaving.push((slot, code));
    }

    /// The next who was put out and has to be told: session, slot, reason.
    pub(super) fn put_out(&mut self, woken: &mut Vec<SessionId>) -> Option<(SessionId, u8, Code)> {
        while let Some((slot, code)) = self.leaving.pop() {
            if let Some(Some(member)) = self.slots.get(usize::from(slot)) {
                self.out.push((member.session, slot, code));
                self.leave(slot, code, woken);
            }
        }
        self.out.pop()
    }

    pub(super) fn block(&mut self, block: Block, unix: u64) {
        match self.blocks.iter_mut().find(|old| old.key == block.key) {
            Some(old) if old.issued >= block.issued => return,
            Some(old) => *old = block,
            None => {
                self.blocks.retain(|block| unix < block.until);
                if self.blocks.len() >= BLOCKS {
                    self.blocks.remove(0);
                }
                self.blocks.push(block);
            }
        }
        if unix >= block.until {
            return;
        }
        let hit = |member: &Member| [Some(member.client), member.ticket].contains(&Some(block.key));
        let hit: Vec<_> = self
            .each()
            .filter(|(_, member)| hit(member))
            .map(|(slot, _)| (slot, Code::Blocked))
            .collect();
        self.leaving.extend(hit);
    }

    /// Takes from the room's rates.
    fn passes(&mut self, kind: u8, messages: u64, bytes: usize, now: Millis) -> Option<Reply> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX / 1_000);
        if self.messages.take(messages, now) && self.bytes.take(bytes, now) {
            return None;
        }
        let pause = self.messages.wait(messages).max(self.bytes.wait(bytes));
        Some(Reply::Slower {
            record: kind,
            pause: pause.max(1),
        })
    }

    /// The member's newest pose; one that still waits is forgotten.
    pub(super) fn pose(&mut self, slot: u8, sealed: Bytes, now: Millis) -> Reply {
        if let Some(slower) = self.passes(0x25, 0, sealed.len(), now) {
            return slower;
        }
        self.poses += 1;
        let number = self.poses;
        if let Some(Some(member)) = self.slots.get_mut(usize::from(slot)) {
            member.pose = Some((number, sealed));
        }
        Reply::Done
    }

    /// When the next tick is due, if none was scheduled yet.
    pub(super) fn schedule(&mut self, tick: u16, now: Millis) -> Option<Millis> {
        if self.due.is_some() {
            return None;
        }
        let due = (self.last + Millis::from(tick.max(1))).max(now);
        self.due = Some(due);
        Some(due)
    }

    pub(super) const fn due(&self) -> Option<Millis> {
        self.due
    }

    pub(super) fn tick(&mut self, now: Millis, woken: &mut Vec<SessionId>) {
        self.due = None;
        self.last = now;
        let newest = self.poses;
        for (_, member) in self.each() {
            let own = member.pose.as_ref().map_or(0, |(number, _)| *number);
            if member.seen < newest && !(own == newest && member.seen + 1 == newest) {
                member.due = true;
                member.wake(woken);
            }
        }
    }

    /// Passes a message on to one or to everybody else.
    pub(super) fn send(
        &mut self,
        from: u8,
        to: u8,
        sealed: &Bytes,
        now: Millis,
        woken: &mut Vec<SessionId>,
    ) -> Reply {
        if let Some(slower) = self.passes(0x27, 1, sealed.len(), now) {
            return slower;
        }
        for (slot, member) in self.each() {
            if slot != from && (to == EVERYBODY || to == slot) {
                member.pass(from, to, sealed.clone(), woken);
            }
        }
        Reply::Done
    }

    /// Adds to a cell what waits for a member; `true` if something is left that did not fit.
    pub(super) fn fill(&mut self, slot: u8, cell: &mut Cell) -> bool {
        let Some(Some(member)) = self.slots.get_mut(usize::from(slot)) else {
            return false;
        };
        member.woken = false;
        while let Some(waiting) = member.queue.front() {
            if !cell.push(&waiting.record()) {
                member.woken = true;
                return true;
            }
            if let Some(Waiting::Sent { sealed, .. }) = member.queue.pop_front() {
                member.messages -= 1;
                member.bytes -= sealed.len();
            }
        }
        // An idle member keeps no memory of a busy hour.
        if member.queue.capacity() > 8 {
            member.queue = VecDeque::new();
        }
        member.due && self.fill_poses(slot, cell)
    }

    fn fill_poses(&mut self, slot: u8, cell: &mut Cell) -> bool {
        let Some(Some(member)) = self.slots.get(usize::from(slot)) else {
            return false;
        };
        let mut seen = member.seen;
        let mut waiting: Vec<(u64, u8, &Bytes)> = (0_u8..)
            .zip(&self.slots)
            .filter(|(other, _)| *other != slot)
            .filter_map(|(other, member)| {
                let (number, sealed) = member.as_ref()?.pose.as_ref()?;
                (*number > seen).then_some((*number, other, sealed))
            })
            .collect();
        waiting.sort_unstable_by_key(|(number, ..)| *number);
        let mut left = false;
        for (number, slot, sealed) in waiting {
            if !cell.push(&Record::PoseFrom { slot, sealed }) {
                left = true;
                break;
            }
            seen = number;
        }
        if !left {
            seen = self.poses;
        }
        if let Some(Some(member)) = self.slots.get_mut(usize::from(slot)) {
            member.seen = seen;
            member.due = left;
            member.woken = left;
        }
        left
    }
}
