//! How many blocks one question is about, as many as make a good answer and the endpoint likes; and
//! how many questions are asked at once.

use tracing::info;

use crate::endpoint_error::EndpointError;

/// Blocks in one range of old ones, at first and at most.
const FIRST: u64 = 128;
const MOST: u64 = 50_000;

/// Logs in a range that are enough: some megabytes of JSON, which have to be held in memory.
const ENOUGH: u64 = 6_000;

/// Questions under way: one being answered, one under way, one being read.
const AT_ONCE: usize = 3;

/// The number of blocks to ask for next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    blocks: u64,
    /// An endpoint has complained; then it is approached slowly.
    refused: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            blocks: FIRST,
            refused: false,
        }
    }
}

impl Pace {
    /// Questions under way at the same time: several, so that the endpoint need not wait until an
    /// answer is read.
    pub(super) fn at_once(&self) -> usize {
        if self.refused { 1 } else { AT_ONCE }
    }

    /// Where a range from `from` on ends, at `last` at the latest.
    pub(super) fn end(&self, from: u64, last: u64) -> u64 {
        last.min(from.saturating_add(self.blocks - 1))
    }

    /// A range of so many blocks had so many logs.
    pub(super) fn got(&mut self, blocks: u64, logs: u64) {
        let fitting = (blocks * ENOUGH / logs.max(1)).max(1);
        if fitting < self.blocks {
            self.blocks = fitting;
        } else if blocks == self.blocks {
            // Only a range that was used in full says that a wider one may do.
            let step = if self.refused {
                self.blocks / 4 + 1
            } else {
                self.blocks
            };
            self.blocks = (self.blocks + step).min(fitting).min(MOST);
        }
    }

    /// A range of so many blocks was not answered; whether fewer of them may be, right now.
    pub(super) fn failed(&mut self, blocks: u64, error: &EndpointError) -> bool {
        let too_many = error.asks_for_less() && blocks > 1;
        if too_many || matches!(error, EndpointError::Timeout(_)) {
            *self = Self {
                blocks: (blocks / 2).max(1),
                refused: true,
            };
            info!(blocks = self.blocks, "reading fewer blocks at once");
        }
        self.refused |= matches!(error, EndpointError::RateLimited);
        too_many
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_grow_until_they_hold_enough() {
        let mut pace = Pace::default();
        pace.got(FIRST, 10);
        assert_eq!(pace.end(1, u64::MAX), 2 * FIRST);
        pace.got(FIRST, 10);
        assert_eq!(pace.blocks, 2 * FIRST, "asked before the width was known");
        pace.got(100, 100 * 100);
        assert_eq!(pace.blocks, ENOUGH / 100);
        assert_eq!(pace.end(1, 7), 7);
    }

    #[test]
    fn who_complains_is_asked_one_question_at_a_time() {
        let refused = EndpointError::Refused("too many blocks".into());
        let mut pace = Pace::default();
        assert!(pace.failed(100, &refused));
        assert_eq!((pace.blocks, pace.at_once()), (50, 1));
        assert!(!pace.failed(1, &refused), "there is nothing less than one");

        let mut pace = Pace::default();
        assert!(!pace.failed(100, &EndpointError::RateLimited));
        assert_eq!((pace.blocks, pace.at_once()), (FIRST, 1));
    }
}
