//! A client's own chains and receive keys, replaced when somebody left and by time.

use rand_chacha::{ChaCha20Rng, rand_core::Rng};

use super::Conversation;
use crate::{
    Millis,
    record::EVERYBODY,
    sealed::{Chain, Hello, ReceiveSecret},
};

/// Milliseconds that an epoch lives.
const LIFETIME: Millis = 600_000;
/// Milliseconds within which leaves make one epoch.
const TOGETHER: Millis = 2_000;
/// Milliseconds that an old receive key still opens.
const OLD: Millis = 60_000;
/// Old receive keys that are kept at most.
const OLD_KEYS: usize = 32;

/// What a client seals with.
#[derive(Debug)]
pub(super) struct Epoch {
    /// From 1.
    pub(super) number: u32,
    pub(super) pose: Chain,
    pub(super) group: Chain,
    /// The newest first, with when it was replaced.
    pub(super) receive: Vec<(u32, ReceiveSecret, Millis)>,
    ends: Millis,
}

pub(super) fn chain(stride: u64, rng: &mut ChaCha20Rng) -> Chain {
    let mut key = [0; 32];
    rng.fill_bytes(&mut key);
    Chain::new(stride, 0, key)
}

impl Epoch {
    pub(super) fn new(number: u32, rng: &mut ChaCha20Rng, now: Millis) -> Self {
        let mut secret = [0; 32];
        rng.fill_bytes(&mut secret);
        Self {
            number,
            pose: chain(64, rng),
            group: chain(1, rng),
            receive: vec![(number, ReceiveSecret::new(secret), Millis::MAX)],
            ends: now + LIFETIME,
        }
    }

    /// When the next one begins.
    pub(super) const fn ends(&self) -> Millis {
        self.ends
    }

    /// Somebody left: the next one begins soon.
    pub(super) fn end_soon(&mut self, now: Millis) {
        self.ends = self.ends.min(now + TOGETHER);
    }

    /// The receive key with this number.
    pub(super) fn receive(&self, number: u32) -> Option<&ReceiveSecret> {
        let found = self.receive.iter().find(|(own, ..)| *own == number);
        found.map(|(_, secret, _)| secret)
    }
}

impl Conversation {
    /// New chains, a new receive key, HELLO to all; KEYs follow.
    pub(super) fn renew(&mut self, now: Millis) {
        let next = Epoch::new(self.epoch.number + 1, &mut self.rng, now);
        let mut old = std::mem::replace(&mut self.epoch, next);
        if let Some((_, _, replaced)) = old.receive.first_mut() {
            *replaced = now;
        }
        self.epoch.receive.append(&mut old.receive);
        self.epoch.receive.truncate(OLD_KEYS);
        for peer in self.peers.values_mut() {
            peer.sending = chain(1, &mut self.rng);
            peer.renew(now);
        }
        if !self.slots.is_empty() {
            self.hello(EVERYBODY, false);
        }
    }

    /// Old receive keys are deleted.
    pub(super) fn forget_keys(&mut self, now: Millis) {
        self.epoch
            .receive
            .retain(|(_, _, replaced)| now < replaced.saturating_add(OLD));
    }

    /// Says who this client is.
    pub(super) fn hello(&mut self, to: u8, answer: bool) {
        let Some((number, secret, _)) = self.epoch.receive.first() else {
            return;
        };
        let hello = Hello {
            client: self.client,
            number: *number,
            receive: secret.public(),
            answer,
            profile: self.profile.clone(),
        };
        let random = self.random();
        let sealed = hello.seal(&self.room, &self.secret, random);
        self.post(to, sealed);
    }
}
