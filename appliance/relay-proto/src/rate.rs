//! A token bucket: what is granted a second, and how much of it may come at once.

use crate::Millis;

/// What is granted; the time is passed in.
#[derive(Debug, Clone)]
pub struct Rate {
    a_second: u64,
    burst: u64,
    /// Thousandths of a token, so that small rates lose nothing to rounding.
    tokens: u64,
    at: Millis,
}

impl Rate {
    /// A full bucket.
    pub const fn new(a_second: u64, burst: u64, now: Millis) -> Self {
        Self {
            a_second,
            burst,
            tokens: burst * 1_000,
            at: now,
        }
    }

    fn fill(&mut self, now: Millis) {
        let passed = now.saturating_sub(self.at);
        self.at = self.at.max(now);
        self.tokens = (self.burst * 1_000).min(
            self.tokens
                .saturating_add(passed.saturating_mul(self.a_second)),
        );
    }

    /// Takes `amount`, if that much is granted now.
    pub fn take(&mut self, amount: u64, now: Millis) -> bool {
        self.fill(now);
        let Some(rest) = self.tokens.checked_sub(amount * 1_000) else {
            return false;
        };
        self.tokens = rest;
        true
    }

    /// Milliseconds from now until `amount` is granted; nothing is taken.
    pub fn wait_at(&self, amount: u64, now: Millis) -> Millis {
        let mut later = self.clone();
        later.fill(now);
        later.wait(amount)
    }

    /// Milliseconds until `amount` is granted.
    pub fn wait(&self, amount: u64) -> Millis {
        (amount * 1_000)
            .saturating_sub(self.tokens)
            .div_ceil(self.a_second.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut rate = Rate::new(20, 3, 0);
        assert!((0..3).all(|_| rate.take(1, 0)));
        assert!(!rate.take(1, 0));
        assert_eq!(rate.wait(1), 50);
        assert!(!rate.take(1, 49));
        assert!(rate.take(1, 50));
        assert!(!rate.take(4, 1_000_000));
        assert!(rate.take(3, 1_000_000));
        assert!(!rate.take(1, 5), "a clock that goes back grants nothing");
    }
}
