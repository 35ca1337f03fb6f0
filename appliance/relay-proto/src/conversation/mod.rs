//! A client in its room: who is there, what was said, what has to be said again. Sections 6 and 7 of
//! the protocol. It knows of boxes only that they pass records on; it outlives every session.

mod epoch;
mod incoming;
mod peer;
mod repeat;

use std::collections::{BTreeMap, VecDeque};

use rand_chacha::{ChaCha20Rng, rand_core::Rng, rand_core::SeedableRng};

use self::{epoch::Epoch, peer::Peer};
use crate::{
    Cell, ClientSecret, Code, Invitation, Malformed, Millis,
    frame::Grant,
    rate::Rate,
    record::{EVERYBODY, HEADER, Record},
    sealed::{Direct, Group, PAYLOAD, RoomKeys, kind},
};

/// Messages that wait for acknowledgement, to the room and to each member.
pub const WINDOW: usize = 64;
/// Bytes of them.
pub const WINDOW_BYTES: usize = 256 * 1_024;
/// Client keys that are remembered.
const PEERS: usize = 320;
/// Sealed messages that wait for the rate.
const OUTBOX: usize = 128;
/// Bytes of a pose.
pub const POSE: usize = 483;

/// What the application is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// In the room, at the box with this position in the invitation.
    Here {
        /// Position.
        position: u8,
    },
    /// Not in the room for the moment; the client is on its way.
    Away,
    /// The room refused: it makes no sense to go on without a change.
    Refused(Code),
    /// Somebody is there, or has changed its profile.
    Member {
        /// Client key.
        client: [u8; 32],
        /// See section 12 of the protocol.
        profile: Vec<u8>,
    },
    /// Somebody is gone; what it has not acknowledged is lost.
    Gone {
        /// Client key.
        client: [u8; 32],
    },
    /// Messages of somebody will not come any more.
    Missed {
        /// Client key.
        client: [u8; 32],
        /// To this client alone, or to the room.
        direct: bool,
        /// The first number that is missing.
        from: u64,
        /// The first that is not.
        to: u64,
    },
    /// Where somebody is.
    Pose {
        /// Client key.
        client: [u8; 32],
        /// What it said.
        payload: Vec<u8>,
    },
    /// A message to the room.
    Said {
        /// Client key.
        client: [u8; 32],
        /// Counts that client's messages to the room.
        number: u64,
        /// What it said.
        payload: Vec<u8>,
    },
    /// A message to this client alone.
    Told {
        /// Client key.
        client: [u8; 32],
        /// Counts that client's messages to this one.
        number: u64,
        /// What it said.
        payload: Vec<u8>,
    },
}

/// Why something was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Too much waits for acknowledgement.
    #[error(
        "too many messages are not acknowledged yet; wait for members to answer, then send again"
    )]
    Full,
    /// The payload is too long.
    #[error("a message has at most 12,288 bytes and a pose at most 483; send less or in parts")]
    Long,
    /// Nobody with that client key is a member.
    #[error("no member has that client key; wait until it comes")]
    Absent,
}

/// A client's end of everything that is sealed.
#[derive(Debug)]
pub struct Conversation {
    room: RoomKeys,
    secret: ClientSecret,
    client: [u8; 32],
    profile: Vec<u8>,
    rng: ChaCha20Rng,
    epoch: Epoch,
    peers: BTreeMap<[u8; 32], Peer>,
    slots: BTreeMap<u8, [u8; 32]>,
    /// This client's slot while it is in the room.
    slot: Option<u8>,
    /// Messages to the room that somebody has not acknowledged.
    said: VecDeque<Group>,
    said_bytes: usize,
    /// The number of the next message to the room.
    next: u64,
    pose: Option<Vec<u8>>,
    poses: Rate,
    /// When poses are granted again after the box asked for less.
    poses_from: Millis,
    outbox: VecDeque<(u8, Vec<u8>)>,
    messages: Rate,
    messages_from: Millis,
    events: VecDeque<Event>,
    /// A lower room box that a member has gone to.
    moved: Option<u8>,
}

impl Conversation {
    /// Nobody is known yet. `seed` are 32 fresh random bytes; `secret` is fresh too.
    pub fn new(
        invitation: &Invitation,
        secret: ClientSecret,
        profile: Vec<u8>,
        seed: [u8; 32],
        now: Millis,
    ) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let epoch = Epoch::new(1, &mut rng, now);
        Self {
            room: RoomKeys::new(invitation.name().id(), &invitation.secret),
            client: secret.public(),
            secret,
            profile,
            rng,
            epoch,
            peers: BTreeMap::new(),
            slots: BTreeMap::new(),
            slot: None,
            said: VecDeque::new(),
            said_bytes: 0,
            next: 1,
            pose: None,
            poses: Rate::new(0, 0, now),
            poses_from: 0,
            outbox: VecDeque::new(),
            messages: Rate::new(0, 0, now),
            messages_from: 0,
            events: VecDeque::new(),
            moved: None,
        }
    }

    /// This client's key.
    pub const fn client(&self) -> [u8; 32] {
        self.client
    }

    /// The client keys of all members.
    pub fn members(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.peers
            .iter()
            .filter(|(_, peer)| peer.member)
            .map(|(client, _)| client)
    }

    /// What happened.
    pub fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(crate) fn push_event(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// The lowest position that a member went to, once.
    pub(crate) const fn moved(&mut self) -> Option<u8> {
        self.moved.take()
    }

    /// This client's newest pose; it replaces one that has not left.
    pub fn pose(&mut self, payload: Vec<u8>) -> Result<(), NotTaken> {
        if payload.is_empty() || payload.len() > POSE {
            return Err(NotTaken::Long);
        }
        self.pose = Some(payload);
        Ok(())
    }

    /// Says something to the room; gives its number. Who is a member now gets it once, in order.
    pub fn say(&mut self, payload: Vec<u8>, now: Millis) -> Result<u64, NotTaken> {
        if payload.len() > PAYLOAD {
            return Err(NotTaken::Long);
        }
        if self.said.len() >= WINDOW || self.said_bytes + payload.len() > WINDOW_BYTES {
            return Err(NotTaken::Full);
        }
        let number = self.next;
        self.next += 1;
        let group = Group::new(&self.room, &self.secret, number, payload);
        let plain = group.write(1);
        if self.peers.values().any(|peer| peer.owed) {
            self.said_bytes += group.payload.len();
            self.said.push_back(group);
            for peer in self.peers.values_mut().filter(|peer| peer.owed) {
                peer.owe(now);
            }
            if self.slot.is_some() && self.outbox.len() < OUTBOX {
                let number = self.epoch.number;
                let sealed = self
                    .epoch
                    .group
                    .seal(kind::GROUP, number, &self.client, &[&plain]);
                self.post(EVERYBODY, sealed);
            }
        }
        Ok(number)
    }

    /// Says something to one member; gives its number.
    pub fn tell(
        &mut self,
        client: &[u8; 32],
        payload: Vec<u8>,
        now: Millis,
    ) -> Result<u64, NotTaken> {
        if payload.len() > PAYLOAD {
            return Err(NotTaken::Long);
        }
        let peer = self.peers.get_mut(client).filter(|peer| peer.member);
        let peer = peer.ok_or(NotTaken::Absent)?;
        let number = peer.tell(payload.clone(), now).ok_or(NotTaken::Full)?;
        let slot = peer.slot;
        if self.slot.is_some()
            && let Some(slot) = slot
            && self.outbox.len() < OUTBOX
        {
            self.direct(client, slot, &Direct::Data { number, payload });
        }
        Ok(number)
    }

    /// Tells every member that this client goes for good.
    pub fn bye(&mut self) {
        self.tell_all(&Direct::Bye);
    }

    /// Tells every member that this client goes to another room box.
    pub(crate) fn moving(&mut self, position: u8) {
        self.tell_all(&Direct::Move(position));
    }

    fn tell_all(&mut self, direct: &Direct) {
        let members: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.member)
            .filter_map(|(client, peer)| Some((*client, peer.slot?)))
            .collect();
        for (client, slot) in members {
            self.direct(&client, slot, direct);
        }
    }

    /// Seals for one member and puts it into the outbox.
    fn direct(&mut self, client: &[u8; 32], slot: u8, direct: &Direct) {
        let number = self.epoch.number;
        if let Some(peer) = self.peers.get_mut(client) {
            let sealed = peer
                .sending
                .seal(kind::DIRECT, number, &self.client, &[&direct.write()]);
            self.post(slot, sealed);
        }
    }

    fn post(&mut self, to: u8, sealed: Result<Vec<u8>, Malformed>) {
        // A chain at its end or a wrong length: neither can happen within a lifetime.
        if let Ok(sealed) = sealed {
            self.outbox.push_back((to, sealed));
        }
    }

    fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// The room box let this client in; what it has granted counts from now.
    pub fn joined(&mut self, slot: u8, others: &[u8], grant: &Grant, now: Millis) {
        let (poses, messages) = (u64::from(grant.poses), u64::from(grant.messages));
        // A little less than granted, because clocks and ways differ.
        self.poses = Rate::new((poses * 9 / 10).max(1), (poses / 4).max(1), now);
        self.messages = Rate::new((messages * 9 / 10).max(1), (messages * 2).max(1), now);
        self.poses_from = now;
        self.messages_from = now;
        self.slot = Some(slot);
        self.outbox.clear();
        self.slots.clear();
        for peer in self.peers.values_mut() {
            peer.disconnect(now);
        }
        for other in others.chunks_exact(33) {
            if let Some((slot, client)) = other.split_first()
                && let Ok(client) = client.try_into()
            {
                self.arrive(*slot, client, now);
            }
        }
        if !self.slots.is_empty() {
            self.hello(EVERYBODY, true);
        }
    }

    /// Somebody has come or has come back.
    pub fn member(&mut self, slot: u8, client: [u8; 32], now: Millis) {
        if client == self.client {
            return;
        }
        if let Some(old) = self.slots.get(&slot).copied()
            && old != client
        {
            self.left(slot, now);
        }
        self.arrive(slot, client, now);
    }

    fn arrive(&mut self, slot: u8, client: [u8; 32], now: Millis) {
        if client == self.client || Some(slot) == self.slot || slot == EVERYBODY {
            return;
        }
        self.forget_one(&client);
        self.slots
            .retain(|other, known| *other == slot || *known != client);
        self.slots.insert(slot, client);
        let next = self.next;
        let peer = self
            .peers
            .entry(client)
            .or_insert_with(|| Peer::new(next, &mut self.rng));
        peer.connect(slot, now);
    }

    /// Room for one more client key: of those that are gone, the one that went first.
    fn forget_one(&mut self, but: &[u8; 32]) {
        if self.peers.len() < PEERS || self.peers.contains_key(but) {
            return;
        }
        let oldest = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.slot.is_none() && !peer.member)
            .min_by_key(|(_, peer)| peer.gone)
            .map(|(client, _)| *client);
        if let Some(oldest) = oldest {
            self.peers.remove(&oldest);
        }
    }

    /// Somebody has left, as the room box says.
    pub fn left(&mut self, slot: u8, now: Millis) {
        if let Some(client) = self.slots.remove(&slot)
            && let Some(peer) = self.peers.get_mut(&client)
        {
            peer.disconnect(now);
        }
    }

    /// The session with the room box is over. Nobody is gone for that.
    pub fn away(&mut self) {
        self.slot = None;
        self.slots.clear();
        self.outbox.clear();
        for peer in self.peers.values_mut() {
            peer.slot = None;
            peer.gone = None;
        }
    }

    pub(crate) fn is_own(&self, slot: u8) -> bool {
        self.slot == Some(slot)
    }

    /// The box wants less of something.
    pub fn slower(&mut self, record: u8, pause: u16, now: Millis) {
        let until = now + Millis::from(pause);
        if record == 0x25 {
            self.poses_from = until;
        } else {
            self.messages_from = until;
        }
    }

    /// Adds to a cell what has to be sent.
    pub fn fill(&mut self, cell: &mut Cell, now: Millis) {
        if self.slot.is_none() {
            return;
        }
        while now >= self.messages_from
            && let Some((to, sealed)) = self.outbox.front()
        {
            let record = Record::Send { to: *to, sealed };
            if record.length() > cell.room() || !self.messages.take(1, now) {
                break;
            }
            cell.push(&record);
            self.outbox.pop_front();
        }
        if let Some(pose) = &self.pose
            && now >= self.poses_from
            && cell.room() >= HEADER + 30 + pose.len()
            && self.poses.take(1, now)
        {
            let epoch = self.epoch.number;
            let sealed = self
                .epoch
                .pose
                .seal(kind::POSE, epoch, &self.client, &[pose]);
            if let Ok(sealed) = sealed {
                cell.push(&Record::Pose(&sealed));
            }
            self.pose = None;
        }
    }

    /// When [`Conversation::fill`] has something, or [`Conversation::tick`] something to do.
    pub fn deadline(&self, now: Millis) -> Option<Millis> {
        self.slot?;
        let mut soonest = self.epoch.ends();
        if !self.outbox.is_empty() {
            let at = now + self.messages.wait_at(1, now);
            soonest = soonest.min(at.max(self.messages_from));
        }
        if self.pose.is_some() {
            let at = now + self.poses.wait_at(1, now);
            soonest = soonest.min(at.max(self.poses_from));
        }
        let peers = self.peers.values().filter_map(Peer::deadline);
        Some(peers.fold(soonest, Millis::min))
    }
}
