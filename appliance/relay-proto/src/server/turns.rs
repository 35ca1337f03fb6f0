//! Bandwidth, shared in turns: who has a frame to send stands in line and sends one cell.

use std::collections::{HashSet, VecDeque};

use super::{Limits, SessionId};
use crate::{Millis, rate::Rate};

/// Whether a frame may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It may go now.
    Now,
    /// The session stands in line and is named by [`Turns::next`] when it may.
    Wait,
}

/// The line of those who want to send.
#[derive(Debug)]
pub struct Turns {
    rate: Rate,
    line: VecDeque<(SessionId, usize)>,
    standing: HashSet<SessionId>,
}

/// Bytes of the longest frame with what carriers put around it.
const FRAME: u64 = 16_384;

impl Turns {
    /// Nobody waits.
    pub fn new(limits: &Limits, now: Millis) -> Self {
        let burst = (limits.bandwidth / 10).max(FRAME);
        Self {
            rate: Rate::new(limits.bandwidth.max(1), burst, now),
            line: VecDeque::new(),
            standing: HashSet::new(),
        }
    }

    fn take(&mut self, bytes: usize, now: Millis) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(FRAME).min(FRAME);
        self.rate.take(bytes, now)
    }

    /// Asks for a turn for a frame of so many bytes, or of the most it may have. Nobody passes
    /// those who stand in line, and nobody stands in it twice.
    pub fn ask(&mut self, id: SessionId, bytes: usize, now: Millis) -> Turn {
        if self.standing.contains(&id) {
            return Turn::Wait;
        }
        if self.line.is_empty() && self.take(bytes, now) {
            return Turn::Now;
        }
        self.line.push_back((id, bytes));
        self.standing.insert(id);
        Turn::Wait
    }

    /// The next whose turn it is; its bytes are paid for.
    pub fn next(&mut self, now: Millis) -> Option<SessionId> {
        loop {
            let (id, bytes) = *self.line.front()?;
            if self.standing.contains(&id) && !self.take(bytes, now) {
                return None;
            }
            self.line.pop_front();
            if self.standing.remove(&id) {
                return Some(id);
            }
        }
    }

    /// A session is gone.
    pub fn end(&mut self, id: SessionId) {
        self.standing.remove(&id);
    }

    /// Milliseconds until [`Turns::next`] may name somebody; `None` if nobody waits.
    pub fn wait(&self) -> Option<Millis> {
        let (_, bytes) = self.line.front()?;
        let bytes = u64::try_from(*bytes).unwrap_or(FRAME).min(FRAME);
        Some(self.rate.wait(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_much_waits_like_the_others() {
        let limits = Limits {
            bandwidth: 100_000,
            ..Limits::default()
        };
        let mut turns = Turns::new(&limits, 0);
        let (greedy, modest) = (SessionId(1), SessionId(2));
        assert_eq!(turns.ask(greedy, 16_384, 0), Turn::Now);
        assert_eq!(turns.ask(greedy, 10_000, 0), Turn::Wait);
        assert_eq!(turns.ask(modest, 240, 0), Turn::Wait);
        assert_eq!(turns.next(0), None);
        assert_eq!(turns.next(100), Some(greedy));
        assert_eq!(turns.ask(greedy, 10_000, 100), Turn::Wait);
        assert_eq!(turns.next(103), Some(modest), "one cell a turn");
        assert_eq!(turns.next(300), Some(greedy));
        assert_eq!(turns.wait(), None);
        assert_eq!(turns.ask(greedy, 16_384, 300), Turn::Wait);
        turns.end(greedy);
        assert_eq!(turns.next(300), None);
        assert_eq!(turns.ask(modest, 240, 900), Turn::Now);
    }
}
