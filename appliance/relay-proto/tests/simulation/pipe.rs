//! A carrier between two ends: ordered and reliable, until it stalls or breaks.

use std::collections::VecDeque;

use bytes::Bytes;

/// Frames that a pipe holds in each direction, as a socket's buffer would.
const DEPTH: usize = 48;

/// One direction.
#[derive(Debug, Default)]
struct Way {
    frames: VecDeque<(u64, Bytes)>,
    /// The sender has closed.
    closed: bool,
}

/// Both directions; end 0 opened it.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    ways: [Way; 2],
    delay: u64,
    stalled_until: u64,
}

impl Pipe {
    pub(crate) fn new(delay: u64) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }

    pub(crate) fn takes(&self, end: usize) -> bool {
        !self.ways[end].closed && self.ways[end].frames.len() < DEPTH
    }

    pub(crate) fn send(&mut self, end: usize, frame: Bytes, now: u64) {
        if !self.ways[end].closed {
            self.ways[end].frames.push_back((now + self.delay, frame));
        }
    }

    /// The next frame for this end.
    pub(crate) fn receive(&mut self, end: usize, now: u64) -> Option<Bytes> {
        if now < self.stalled_until {
            return None;
        }
        let way = &mut self.ways[1 - end];
        let (at, _) = way.frames.front()?;
        if *at > now {
            return None;
        }
        way.frames.pop_front().map(|(_, frame)| frame)
    }

    /// Whether this end learns that the other has closed.
    pub(crate) fn is_closed(&self, end: usize) -> bool {
        let way = &self.ways[1 - end];
        way.closed && way.frames.is_empty()
    }

    pub(crate) fn close(&mut self, end: usize) {
        self.ways[end].closed = true;
    }

    pub(crate) fn cut(&mut self) {
        for way in &mut self.ways {
            way.closed = true;
            way.frames.clear();
        }
    }

    pub(crate) fn stall(&mut self, until: u64) {
        self.stalled_until = until;
    }
}
