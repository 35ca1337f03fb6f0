//! A client with somebody behind it who keeps a diary of all that must be true.

use std::collections::BTreeMap;

use bytes::BytesMut;
use rand_chacha::{ChaCha20Rng, rand_core::Rng};
use seedbox_relay_proto::{
    client::{Client, Command, Settings},
    conversation::Event,
};

use crate::boxes::{PipeId, Pipes, chance};

type Key = [u8; 32];

pub(crate) struct Person {
    pub(crate) client: Client,
    pub(crate) key: Key,
    /// The socket, once it is open.
    socket: Option<(u32, PipeId)>,
    pose: u32,
    /// The position of the room box that it is at.
    pub(crate) position: Option<u8>,
    /// By sender: the next number to the room, the next to this one alone, the newest pose.
    group: BTreeMap<Key, u64>,
    direct: BTreeMap<Key, u64>,
    poses: BTreeMap<Key, u32>,
    /// By receiver: the next number.
    told: BTreeMap<Key, u64>,
    /// What it heard last of whom, for the end.
    pub(crate) last: BTreeMap<Key, (u64, u64)>,
}

/// What is said under a number, so that a receiver can tell that it is right.
fn words(sender: &Key, number: u64, to: Option<&Key>) -> Vec<u8> {
    let mut words = sender.to_vec();
    words.extend(number.to_le_bytes());
    words.extend(to.map_or([0; 32], |key| *key));
    let length = usize::try_from(number * 37 % 900).unwrap();
    words.resize(words.len() + length, 7);
    words
}

impl Person {
    pub(crate) fn new(settings: Settings, now: u64) -> Self {
        let client = Client::new(settings, now);
        Self {
            key: client.client(),
            client,
            socket: None,
            pose: 0,
            position: None,
            group: BTreeMap::new(),
            direct: BTreeMap::new(),
            poses: BTreeMap::new(),
            told: BTreeMap::new(),
            last: BTreeMap::new(),
        }
    }

    /// Moves about, talks.
    pub(crate) fn act(&mut self, rng: &mut ChaCha20Rng, talk: u32, now: u64) {
        if chance(rng, 5) {
            self.pose += 1;
            let payload = [&self.key[..], &self.pose.to_le_bytes()].concat();
            self.client.pose(payload).unwrap();
        }
        if chance(rng, talk) {
            self.say(now);
        }
        if chance(rng, talk) {
            let others: Vec<_> = self.client.members().copied().collect();
            if !others.is_empty() {
                self.tell(&others[rng.next_u32() as usize % others.len()], now);
            }
        }
    }

    /// The numbers are the client's own, so they are tried first.
    pub(crate) fn say(&mut self, now: u64) -> Option<u64> {
        let next = self.group.get(&self.key).copied().unwrap_or(1);
        let said = self.client.say(words(&self.key, next, None), now).ok()?;
        assert_eq!(said, next);
        self.group.insert(self.key, next + 1);
        Some(said)
    }

    pub(crate) fn tell(&mut self, to: &Key, now: u64) -> Option<u64> {
        let number = self.told.get(to).copied().unwrap_or(1);
        let payload = words(&self.key, number, Some(to));
        let told = self.client.tell(to, payload, now).ok()?;
        assert_eq!(told, number);
        self.told.insert(*to, number + 1);
        Some(told)
    }

    /// Sockets, frames, time. A box that was asked for is given by its place among `boxes`.
    pub(crate) fn step(
        &mut self,
        pipes: &mut Pipes,
        now: u64,
        mut connect: impl FnMut(&mut Pipes, &seedbox_relay_proto::RoomBox) -> Option<PipeId>,
    ) {
        if let Some((socket, pipe)) = self.socket {
            let pipe = pipes.all.get_mut(&pipe).unwrap();
            while let Some(frame) = pipe.receive(0, now) {
                self.client.receive(socket, BytesMut::from(&frame[..]), now);
            }
            if pipe.is_closed(0) {
                pipe.close(0);
                self.socket = None;
                self.client.disconnected(socket, now);
            }
        }
        if now >= self.client.deadline(now) {
            self.client.tick(now);
        }
        while let Some(command) = self.client.command() {
            match command {
                Command::Connect { socket, to } => match connect(pipes, &to) {
                    Some(pipe) => {
                        self.socket = Some((socket, pipe));
                        self.client.connected(socket, now);
                    }
                    None => self.client.disconnected(socket, now),
                },
                Command::Disconnect { socket } => {
                    if let Some((own, pipe)) = self.socket
                        && own == socket
                    {
                        pipes.all.get_mut(&pipe).unwrap().close(0);
                        self.socket = None;
                    }
                }
            }
        }
        if let Some((_, pipe)) = self.socket {
            let pipe = pipes.all.get_mut(&pipe).unwrap();
            while pipe.takes(0)
                && let Some(frame) = self.client.transmit(now)
            {
                pipe.send(0, frame, now);
            }
        }
        while let Some(event) = self.client.event() {
            self.note(event);
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Here { position } => self.position = Some(position),
            Event::Away => self.position = None,
            Event::Said {
                client,
                number,
                payload,
            } => {
                assert_ne!(client, self.key);
                assert_eq!(payload, words(&client, number, None), "not what was said");
                let next = self.group.entry(client).or_insert(number);
                assert_eq!(*next, number, "out of order, or twice");
                *next += 1;
                self.last.entry(client).or_default().0 = number;
            }
            Event::Told {
                client,
                number,
                payload,
            } => {
                let own = self.key;
                assert_eq!(payload, words(&client, number, Some(&own)), "for another");
                let next = self.direct.entry(client).or_insert(number);
                assert_eq!(*next, number, "out of order, or twice");
                *next += 1;
                self.last.entry(client).or_default().1 = number;
            }
            Event::Missed {
                client,
                direct,
                from,
                to,
            } => {
                let numbers = if direct {
                    &mut self.direct
                } else {
                    &mut self.group
                };
                let next = numbers.entry(client).or_insert(from);
                assert!(*next == from && from < to);
                *next = to;
            }
            Event::Pose { client, payload } => {
                let (sender, number) = payload.split_at(32);
                assert_eq!(sender, client, "a pose of somebody else");
                let number = u32::from_le_bytes(number.try_into().unwrap());
                let newest = self.poses.entry(client).or_insert(0);
                assert!(number > *newest, "an old pose");
                *newest = number;
            }
            Event::Member { client, .. } | Event::Gone { client } => {
                assert_ne!(client, self.key);
            }
            Event::Refused(code) => panic!("refused: {code:?}"),
        }
    }
}
