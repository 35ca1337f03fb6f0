//! A token bucket for each client, in memory alone. No clock and no I/O.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::client_address::ClientNetwork;

/// Clients remembered; a full bucket needs no memory.
const CLIENTS: usize = 4096;

/// The buckets, each as the moment when it will be full again.
pub(super) struct RateLimit {
    /// Requests a client may send at once.
    burst: u32,
    /// Time after which a client may send one more.
    refill: Duration,
    full_at: HashMap<ClientNetwork, Instant>,
}

impl RateLimit {
    pub(super) fn new(burst: u32, refill: Duration) -> Self {
        Self {
            burst,
            refill,
            full_at: HashMap::new(),
        }
    }

    /// Takes one token of the client's, or says how long to wait for it.
    pub(super) fn take(&mut self, client: ClientNetwork, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.get(&client).copied().unwrap_or(now).max(now);
        let after = full_at + self.refill;
        let earliest = now + self.refill * self.burst;
        if after > earliest {
            return Err(after - earliest);
        }
        self.make_room(client, now);
        self.full_at.insert(client, after);
        Ok(())
    }

    /// Forgets full buckets, and then the fullest: that gives an attacker with many addresses
    /// least.
    fn make_room(&mut self, client: ClientNetwork, now: Instant) {
        if self.full_at.len() < CLIENTS || self.full_at.contains_key(&client) {
            return;
        }
        self.full_at.retain(|_, full_at| *full_at > now);
        if self.full_at.len() < CLIENTS {
            return;
        }
        let fullest = self.full_at.iter().min_by_key(|(_, full_at)| **full_at);
        if let Some((&fullest, _)) = fullest {
            self.full_at.remove(&fullest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const BURST: u32 = 60;
    const REFILL: Duration = Duration::from_secs(1);
    use crate::client_address::ClientAddress;

    fn client(n: u32) -> ClientNetwork {
        ClientAddress(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + n))).network()
    }

    #[test]
    fn a_burst_then_one_by_one() {
        let mut limit = RateLimit::new(BURST, REFILL);
        let now = Instant::now();
        for _ in 0..BURST {
            assert_eq!(limit.take(client(1), now), Ok(()));
        }
        assert_eq!(limit.take(client(1), now), Err(REFILL));
        assert_eq!(limit.take(client(2), now), Ok(()));
        let later = now + REFILL;
        assert_eq!(limit.take(client(1), later), Ok(()));
        assert_eq!(limit.take(client(1), later), Err(REFILL));
        let rested = later + REFILL * BURST;
        for _ in 0..BURST {
            assert_eq!(limit.take(client(1), rested), Ok(()));
        }
    }

    #[test]
    fn the_table_is_bounded_and_forgets_the_greedy_last() {
        let mut limit = RateLimit::new(BURST, REFILL);
        let now = Instant::now();
        while limit.take(client(0), now).is_ok() {}
        for n in 1..=10_000 {
            assert_eq!(limit.take(client(n), now), Ok(()));
        }
        assert!(limit.full_at.len() <= CLIENTS);
        assert!(limit.take(client(0), now).is_err());
    }
}
