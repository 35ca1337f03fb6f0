//! What comes from other clients through a box that may lie, lose, double and reorder.

use super::{
    Conversation, Event,
    peer::{AGAIN, Peer, Theirs},
};
use crate::{
    Malformed, Millis,
    sealed::{Direct, Group, Hello, Key, Parties, Sealed, kind},
};

/// Milliseconds that an acknowledgement waits for company.
const ACK: Millis = 100;

impl Conversation {
    /// A sealed message of a slot. Whatever is wrong about it, it is dropped.
    pub fn sent(&mut self, from: u8, sealed: &[u8], now: Millis) {
        let Some(client) = self.slots.get(&from).copied() else {
            return;
        };
        let _dropped = match sealed.first() {
            Some(&kind::HELLO) => self.take_hello(from, client, sealed, now),
            Some(&kind::KEY) => self.take_key(client, sealed, now),
            Some(&kind::GROUP) => self.take_group(client, sealed, now),
            Some(&kind::DIRECT) => self.take_direct(client, sealed, now),
            _ => Err(Malformed),
        };
    }

    /// A sealed pose of a slot.
    pub fn pose_from(&mut self, slot: u8, sealed: &[u8], now: Millis) {
        if let Some(client) = self.slots.get(&slot).copied()
            && sealed.first() == Some(&kind::POSE)
            && let Ok(payload) = self.open(&client, sealed, now)
        {
            self.events.push_back(Event::Pose { client, payload });
        }
    }

    /// Opens something on a chain of a peer; it lives, then.
    fn open(
        &mut self,
        client: &[u8; 32],
        sealed: &[u8],
        now: Millis,
    ) -> Result<Vec<u8>, Malformed> {
        let header = Sealed::parse(sealed)?;
        let peer = self.peers.get_mut(client).ok_or(Malformed)?;
        let newest = peer.newest.as_mut();
        let is_newest = newest.as_ref().is_some_and(|own| own.epoch == header.epoch);
        let theirs = if is_newest {
            newest
        } else {
            peer.older.as_mut()
        };
        let theirs = theirs
            .filter(|theirs| theirs.epoch == header.epoch)
            .ok_or(Malformed)?;
        let chain = match header.kind {
            kind::POSE => &mut theirs.pose,
            kind::GROUP => &mut theirs.group,
            _ => &mut theirs.direct,
        };
        let plain = chain.open(header.index, client, sealed)?;
        if is_newest
            && header.kind == kind::POSE
            && let Some(older) = &mut peer.older
        {
            // A pose of the epoch before would be an older one.
            older.pose = crate::sealed::Chain::new(64, u64::MAX, [0; 32]);
        }
        if !peer.alive {
            peer.alive = true;
            peer.want_key(now);
        }
        self.admit(client);
        Ok(plain)
    }

    /// Tells the application of a peer once it is proved to be there.
    fn admit(&mut self, client: &[u8; 32]) {
        if let Some(peer) = self.peers.get_mut(client)
            && let Some((_, _, profile)) = &peer.hello
            && !peer.member
            && peer.alive
            && peer.newest.is_some()
        {
            peer.member = true;
            let (client, profile) = (*client, profile.clone());
            self.events.push_back(Event::Member { client, profile });
        }
    }

    fn take_hello(
        &mut self,
        slot: u8,
        client: [u8; 32],
        sealed: &[u8],
        now: Millis,
    ) -> Result<(), Malformed> {
        let hello = Hello::open(&self.room, sealed)?;
        let peer = self.peers.get_mut(&client).ok_or(Malformed)?;
        let known = peer.hello.as_ref().map_or(0, |(number, ..)| *number);
        if hello.client != client || hello.number < known {
            return Err(Malformed);
        }
        peer.ask.stop();
        let profile = peer.hello.as_ref().map(|(_, _, profile)| profile);
        let changed = peer.member && profile != Some(&hello.profile);
        peer.hello = Some((hello.number, hello.receive, hello.profile.clone()));
        if peer.holds < self.epoch.number {
            peer.want_key(now);
        }
        let answer = hello.answer && peer.answered.is_none_or(|last| now >= last + AGAIN);
        if answer {
            peer.answered = Some(now);
        }
        if changed {
            let profile = hello.profile;
            self.events.push_back(Event::Member { client, profile });
        }
        self.admit(&client);
        if answer {
            self.hello(slot, false);
        }
        Ok(())
    }

    fn take_key(&mut self, client: [u8; 32], sealed: &[u8], now: Millis) -> Result<(), Malformed> {
        let receive = self.epoch.receive(Key::number(sealed)?).ok_or(Malformed)?;
        let parties = Parties {
            sender: &client,
            receiver: &self.client,
            receive: &receive.public(),
        };
        let key = Key::open(&self.room, receive, parties, sealed)?;
        let (epoch, next) = (self.epoch.number, self.next);
        let peer = self.peers.get_mut(&client).ok_or(Malformed)?;
        let (held, group_next, direct_next) = (key.held, key.group_next, key.direct_next);
        let floors = (key.group_floor, key.direct_floor);
        install(peer, key)?;
        peer.ack.get_or_insert(now + ACK);
        peer.holds = held.min(epoch);
        if peer.holds < epoch {
            peer.want_key(now);
        } else if peer.owed {
            peer.key.stop();
        }
        if peer.owed && held > 0 {
            peer.acknowledged(group_next, direct_next, next, now);
        }
        self.raise(&client, floors);
        self.admit(&client);
        self.trim();
        Ok(())
    }

    /// The sender gives nothing below its floors any more.
    fn raise(&mut self, client: &[u8; 32], floors: (u64, u64)) {
        let Some(peer) = self.peers.get_mut(client) else {
            return;
        };
        for (direct, floor) in [(false, floors.0), (true, floors.1)] {
            let stream = peer.stream(direct);
            if let Some(from) = stream.raise(floor) {
                self.events.push_back(Event::Missed {
                    client: *client,
                    direct,
                    from,
                    to: floor,
                });
            }
            let ready = stream.ready();
            deliver(&mut self.events, client, direct, ready);
        }
    }

    fn take_group(
        &mut self,
        client: [u8; 32],
        sealed: &[u8],
        now: Millis,
    ) -> Result<(), Malformed> {
        let plain = self.open(&client, sealed, now)?;
        self.group(client, Group::parse(&plain)?, now)
    }

    fn group(&mut self, client: [u8; 32], group: Group, now: Millis) -> Result<(), Malformed> {
        if !group.is_signed(&self.room, &client) {
            return Err(Malformed);
        }
        self.deliver(client, false, group.number, group.payload, now)
    }

    fn deliver(
        &mut self,
        client: [u8; 32],
        direct: bool,
        number: u64,
        payload: Vec<u8>,
        now: Millis,
    ) -> Result<(), Malformed> {
        let peer = self.peers.get_mut(&client).ok_or(Malformed)?;
        let stream = peer.stream(direct);
        match stream.take(number, payload) {
            None => peer.ack = Some(now),
            Some(ready) => {
                peer.ack.get_or_insert(now + ACK);
                deliver(&mut self.events, &client, direct, ready);
            }
        }
        Ok(())
    }

    fn take_direct(
        &mut self,
        client: [u8; 32],
        sealed: &[u8],
        now: Millis,
    ) -> Result<(), Malformed> {
        let plain = self.open(&client, sealed, now)?;
        match Direct::parse(&plain)? {
            Direct::Data { number, payload } => {
                self.deliver(client, true, number, payload, now)?;
            }
            Direct::Again(group) => self.group(client, group, now)?,
            Direct::Ack {
                group_next,
                direct_next,
                held,
            } => self.acknowledged(&client, (group_next, direct_next), held, now),
            Direct::Bye => self.drop_peer(&client, now),
            Direct::Move(position) => {
                self.moved = Some(self.moved.map_or(position, |moved| moved.min(position)));
            }
        }
        Ok(())
    }

    fn acknowledged(&mut self, client: &[u8; 32], next: (u64, u64), held: u32, now: Millis) {
        let epoch = self.epoch.number;
        if let Some(peer) = self.peers.get_mut(client) {
            let held = held.min(epoch);
            if held == epoch && peer.holds < epoch {
                peer.holds = held;
                peer.key.stop();
                if peer.stuck.is_some() {
                    peer.again.start(now);
                }
            } else if held < epoch && peer.hello.is_some() {
                peer.holds = held;
                peer.want_key(now);
            }
            if peer.owed {
                peer.acknowledged(next.0, next.1, self.next, now);
            }
        }
        self.trim();
    }
}

/// A KEY's chains: those of a new epoch, or further ones of the newest.
fn install(peer: &mut Peer, key: Key) -> Result<(), Malformed> {
    let theirs = Theirs {
        epoch: key.epoch,
        pose: key.pose,
        group: key.group,
        direct: key.direct,
    };
    match &mut peer.newest {
        Some(newest) if newest.epoch > theirs.epoch => return Err(Malformed),
        Some(newest) if newest.epoch == theirs.epoch => {
            newest.pose.forward(theirs.pose);
            newest.group.forward(theirs.group);
            newest.direct.forward(theirs.direct);
        }
        _ => {
            peer.older = peer.newest.replace(theirs);
            peer.alive = true;
        }
    }
    Ok(())
}

fn deliver(
    events: &mut std::collections::VecDeque<Event>,
    client: &[u8; 32],
    direct: bool,
    ready: Vec<(u64, Vec<u8>)>,
) {
    let client = *client;
    events.extend(ready.into_iter().map(|(number, payload)| {
        if direct {
            Event::Told {
                client,
                number,
                payload,
            }
        } else {
            Event::Said {
                client,
                number,
                payload,
            }
        }
    }));
}
