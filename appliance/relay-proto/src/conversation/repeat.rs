//! What time makes: repetitions, acknowledgements, the end of who is silent.

use super::{Conversation, Event, OUTBOX, peer::AGAIN};
use crate::{
    Millis,
    sealed::{Direct, Key, Parties},
};

/// Messages that are repeated at once.
const BATCH: usize = 8;

impl Conversation {
    /// Time has passed. Nothing happens outside of the room.
    pub fn tick(&mut self, now: Millis) {
        if self.slot.is_none() {
            return;
        }
        let lost: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.is_lost(now))
            .map(|(client, _)| *client)
            .collect();
        for client in lost {
            self.drop_peer(&client, now);
        }
        if now >= self.epoch.ends() {
            self.renew(now);
        }
        self.forget_keys(now);
        for (slot, client) in self.slots.clone() {
            self.tend(slot, &client, now);
        }
    }

    /// All that is due for one peer.
    fn tend(&mut self, slot: u8, client: &[u8; 32], now: Millis) {
        let full = self.outbox.len() >= OUTBOX / 2;
        let Some(peer) = self.peers.get_mut(client) else {
            return;
        };
        if full {
            // The box takes no more for the moment; saying things twice would not help.
            for repeat in [&mut peer.ask, &mut peer.key, &mut peer.again] {
                if repeat.at.is_some_and(|at| at <= now) {
                    repeat.at = Some(now + AGAIN);
                }
            }
            if peer.ack.is_some_and(|at| at <= now) {
                peer.ack = Some(now + AGAIN);
            }
            return;
        }
        let (ask, key) = (peer.ask.is_due(now), peer.key.is_due(now));
        let holds = peer.holds == self.epoch.number;
        let again = peer.again.is_due(now) && holds;
        let ack = peer.ack.is_some_and(|at| at <= now);
        if ask {
            self.hello(slot, true);
        }
        if key {
            self.give_key(slot, client, now);
        }
        if again {
            self.repeat(slot, client);
        }
        if ack {
            self.acknowledge(slot, client);
        }
    }

    fn give_key(&mut self, slot: u8, client: &[u8; 32], now: Millis) {
        let epoch = self.epoch.number;
        let Some(peer) = self.peers.get_mut(client) else {
            return;
        };
        let Some((number, receive, _)) = peer.hello.clone() else {
            peer.key.stop();
            return;
        };
        if peer.key_made.is_none() && self.epoch.pose.step().is_err() {
            return;
        }
        peer.key_made = Some(now);
        if !peer.owed {
            peer.owed = true;
            peer.group_from = self.next;
        }
        let key = Key {
            epoch,
            pose: self.epoch.pose.clone(),
            group: self.epoch.group.clone(),
            direct: peer.sending.clone(),
            group_floor: peer.group_from,
            direct_floor: peer.told_from(),
            held: peer.newest.as_ref().map_or(0, |theirs| theirs.epoch),
            group_next: peer.group.next.unwrap_or(1),
            direct_next: peer.direct.next.unwrap_or(1),
        };
        if peer.holds == epoch {
            // It was asked for floors only; an acknowledgement will not stop a repetition.
            peer.key.stop();
        }
        let parties = Parties {
            sender: &self.client,
            receiver: client,
            receive: &receive,
        };
        let sealed = key.seal(&self.room, &self.secret, parties, number, &mut self.rng);
        self.post(slot, sealed);
    }

    /// The lowest messages that were not acknowledged.
    fn repeat(&mut self, slot: u8, client: &[u8; 32]) {
        let Some(peer) = self.peers.get(client) else {
            return;
        };
        let from = peer.group_from;
        let said = self.said.iter().filter(|group| group.number >= from);
        let mut again: Vec<_> = said.take(BATCH).cloned().map(Direct::Again).collect();
        let told = peer.told.iter().take(BATCH - again.len());
        again.extend(told.map(|(number, payload)| Direct::Data {
            number: *number,
            payload: payload.clone(),
        }));
        for direct in again {
            self.direct(client, slot, &direct);
        }
    }

    fn acknowledge(&mut self, slot: u8, client: &[u8; 32]) {
        let Some(peer) = self.peers.get_mut(client) else {
            return;
        };
        peer.ack = None;
        let ack = Direct::Ack {
            group_next: peer.group.next.unwrap_or(1),
            direct_next: peer.direct.next.unwrap_or(1),
            held: peer.newest.as_ref().map_or(0, |theirs| theirs.epoch),
        };
        self.direct(client, slot, &ack);
    }

    /// Somebody is not waited for any longer, and must not hear what comes.
    pub(super) fn drop_peer(&mut self, client: &[u8; 32], now: Millis) {
        let Some(peer) = self.peers.get_mut(client) else {
            return;
        };
        let (member, given) = (peer.member, peer.key_made.is_some());
        peer.drop_out();
        if peer.slot.is_some() {
            peer.ask.start(now + AGAIN);
        }
        if given {
            self.epoch.end_soon(now);
        }
        if member {
            self.events.push_back(Event::Gone { client: *client });
        }
        self.trim();
    }

    /// Forgets what everybody has acknowledged.
    pub(super) fn trim(&mut self) {
        let owed = self.peers.values().filter(|peer| peer.owed);
        let lowest = owed.map(|peer| peer.group_from).min().unwrap_or(self.next);
        while self.said.front().is_some_and(|group| group.number < lowest) {
            if let Some(group) = self.said.pop_front() {
                self.said_bytes -= group.payload.len();
            }
        }
    }
}
