//! Slows down guessing: the wait after failed attempts doubles, for each client and for all
//! together. Never a permanent ban, so that nobody can lock the owner out. No clock and no I/O.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::client_address::ClientNetwork;

/// Clients remembered; the one that was quiet longest is forgotten first.
const CLIENTS: usize = 1024;
/// Attempts of one client before it has to wait.
const CLIENT_FREE: u32 = 4;
/// Longest wait of one client.
const CLIENT_WAIT: Duration = Duration::from_secs(15 * 60);
/// Attempts of all clients together before everybody has to wait.
const GLOBAL_FREE: u32 = 32;
/// Longest wait of everybody: long enough to make guessing from many addresses hopeless, short
/// enough for the owner to wait.
const GLOBAL_WAIT: Duration = Duration::from_secs(10);
/// Failures are forgotten after so long without an attempt.
const FORGET: Duration = Duration::from_secs(60 * 60);

/// Failed attempts since the last success.
#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Failures {
    fn none(now: Instant) -> Self {
        Failures {
            count: 0,
            last: now,
        }
    }

    /// When the next attempt is welcome.
    fn next(&self, free: u32, longest: Duration) -> Instant {
        let over = self.count.saturating_sub(free);
        if self.count < free {
            return self.last;
        }
        let wait = Duration::from_secs(1).saturating_mul(1 << over.min(20));
        self.last + wait.min(longest)
    }

    fn add(&mut self, now: Instant) {
        self.count = self.count.saturating_add(1);
        self.last = now;
    }
}

/// The attempts to log in or claim, in memory alone.
#[derive(Default)]
pub(super) struct Throttle {
    clients: HashMap<ClientNetwork, Failures>,
    global: Option<Failures>,
}

impl Throttle {
    /// Counts an attempt as failed until [`Throttle::succeeded`], or says how long to wait. A
    /// refused attempt does not make the wait longer.
    pub(super) fn attempt(&mut self, client: ClientNetwork, now: Instant) -> Result<(), Duration> {
        self.forget(now);
        let mut own = self
            .clients
            .get(&client)
            .copied()
            .unwrap_or(Failures::none(now));
        let mut all = self.global.unwrap_or(Failures::none(now));
        let next = own
            .next(CLIENT_FREE, CLIENT_WAIT)
            .max(all.next(GLOBAL_FREE, GLOBAL_WAIT));
        if next > now {
            return Err(next - now);
        }
        own.add(now);
        all.add(now);
        self.make_room(client);
        self.clients.insert(client, own);
        self.global = Some(all);
        Ok(())
    }

    /// The client's attempt was right: it starts afresh. What others did stays counted.
    pub(super) fn succeeded(&mut self, client: ClientNetwork) {
        let Some(own) = self.clients.remove(&client) else {
            return;
        };
        if let Some(all) = &mut self.global {
            all.count = all.count.saturating_sub(own.count);
        }
    }

    fn forget(&mut self, now: Instant) {
        let recent = |failures: &Failures| now.duration_since(failures.last) < FORGET;
        self.clients.retain(|_, failures| recent(failures));
        self.global = self.global.filter(recent);
    }

    fn make_room(&mut self, client: ClientNetwork) {
        if self.clients.len() < CLIENTS || self.clients.contains_key(&client) {
            return;
        }
        let quietest = self
            .clients
            .iter()
            .min_by_key(|(_, failures)| failures.last);
        if let Some((&quietest, _)) = quietest {
            self.clients.remove(&quietest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::client_address::ClientAddress;

    fn client(n: u32) -> ClientNetwork {
        ClientAddress(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + n))).network()
    }

    #[test]
    fn the_wait_doubles_up_to_a_limit_and_ends() {
        let mut throttle = Throttle::default();
        let mut now = Instant::now();
        for _ in 0..CLIENT_FREE {
            assert_eq!(throttle.attempt(client(1), now), Ok(()));
        }
        let mut waits = Vec::new();
        for _ in 0..14 {
            let wait = throttle.attempt(client(1), now).unwrap_err();
            assert_eq!(throttle.attempt(client(1), now), Err(wait));
            waits.push(wait.as_secs());
            now += wait;
            assert_eq!(throttle.attempt(client(1), now), Ok(()));
        }
        assert_eq!(waits[..5], [1, 2, 4, 8, 16]);
        assert_eq!(waits[13], CLIENT_WAIT.as_secs());
    }

    #[test]
    fn one_client_does_not_slow_another_down() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        while throttle.attempt(client(1), now).is_ok() {}
        assert_eq!(throttle.attempt(client(2), now), Ok(()));
    }

    #[test]
    fn many_clients_are_slowed_down_together_but_never_for_long() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        let mut admitted = 0;
        for n in 0..10_000 {
            admitted += u32::from(throttle.attempt(client(n), now).is_ok());
        }
        assert_eq!(admitted, GLOBAL_FREE);
        let wait = throttle.attempt(client(10_001), now).unwrap_err();
        assert!(wait <= GLOBAL_WAIT);
        assert_eq!(throttle.attempt(client(10_001), now + wait), Ok(()));
    }

    #[test]
    fn a_success_starts_afresh() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        for _ in 0..100 {
            assert_eq!(throttle.attempt(client(1), now), Ok(()));
            throttle.succeeded(client(1));
        }
    }

    #[test]
    fn the_table_is_bounded_and_forgets_the_quietest_first() {
        let mut throttle = Throttle::default();
        let mut now = Instant::now();
        for n in 0..2000 {
            throttle.global = None;
            now += Duration::from_millis(1);
            assert_eq!(throttle.attempt(client(n), now), Ok(()));
        }
        assert_eq!(throttle.clients.len(), CLIENTS);
        assert!(!throttle.clients.contains_key(&client(0)));
        assert!(throttle.clients.contains_key(&client(1999)));
    }
}
