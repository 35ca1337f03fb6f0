//! Notices an endpoint that keeps new blocks back: what is vouched for by others has to reach it
//! within a while, or its head is not the newest, whatever it says.

use std::collections::VecDeque;

use seedbox_core::{BlockRef, UnixTime};

use super::Reader;
use crate::endpoint_error::EndpointError;

/// Heights that are remembered until everybody should have them.
const MOST: usize = 256;

/// Which height everybody should have by now.
#[derive(Default)]
pub(super) struct Withholding {
    /// Seconds that a block may take to reach an endpoint.
    pub(super) patience: u64,
    /// Heights that were vouched for lately, and since when; ascending.
    recent: VecDeque<(UnixTime, u64)>,
    /// The highest that everybody should have.
    expected: u64,
}

impl Withholding {
    /// A block of this height is vouched for at this time. Gives the height that everybody should
    /// have by then.
    fn note(&mut self, height: u64, now: UnixTime) -> u64 {
        if self.recent.back().is_none_or(|(_, last)| *last < height) {
            self.recent.push_back((now, height));
        }
        let patience = self.patience;
        let due = |(since, _): &(UnixTime, u64)| now.seconds_since(*since) > patience;
        while let Some((_, height)) = self.recent.front().filter(|first| due(first)).copied() {
            self.expected = height;
            self.recent.pop_front();
        }
        if self.recent.len() > MOST {
            self.recent.pop_front();
        }
        self.expected
    }
}

impl Reader {
    /// What is wrong with a source whose newest block is `head`, if others have long had newer ones.
    pub(super) fn withheld(&mut self, head: &BlockRef, now: UnixTime) -> Option<EndpointError> {
        let newest = self.corroborators().last()?.block.number;
        let vouched = self.withholding.note(newest, now);
        let head = head.number;
        (head < vouched).then_some(EndpointError::Withholds { head, vouched })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_expected_when_it_had_time_to_arrive() {
        let mut withholding = Withholding {
            patience: 12,
            ..Withholding::default()
        };
        let mut note = |height, second| withholding.note(height, UnixTime(second));
        assert_eq!(note(5, 100), 0);
        assert_eq!(note(6, 112), 0);
        assert_eq!(note(6, 113), 5);
        // However fast the chain goes on, what is late is late.
        let late = (7..40).map(|height| note(height, 107 + height)).last();
        assert_eq!(late, Some(26));
        assert_eq!(note(1, 1_000), 39);
    }
}
