//! The circuits of a session: frames that pass, in both directions, with a limit and in turns.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    Budget,
    limits::{CIRCUIT_BYTES, CIRCUIT_FRAMES, CIRCUITS},
};
use crate::Code;

/// Frames under way in one direction.
#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
}

impl Queue {
    fn push(&mut self, frame: Bytes, budget: &Budget) {
        self.bytes += frame.len();
        budget.add(frame.len());
        self.frames.push_back(frame);
    }

    fn pop(&mut self, budget: &Budget) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.len();
        budget.remove(frame.len());
        // An idle circuit keeps no memory of a busy hour.
        if self.frames.is_empty() && self.frames.capacity() > 4 {
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    fn has_room(&self, budget: &Budget) -> bool {
        self.frames.is_empty()
            || (self.frames.len() < CIRCUIT_FRAMES
                && self.bytes < CIRCUIT_BYTES
                && budget.is_free())
    }
}

#[derive(Debug)]
struct Circuit {
    number: u32,
    to_box: Queue,
    to_client: Queue,
    /// The box at the end is gone; what it said before still waits.
    ended: Option<Code>,
}

/// All circuits of a session.
#[derive(Debug)]
pub(super) struct Circuits {
    open: Vec<Circuit>,
    /// The highest number that was ever asked for; numbers only rise.
    highest: Option<u32>,
    /// Which one's turn it is.
    turn: usize,
    budget: Budget,
}

impl Circuits {
    pub(super) const fn new(budget: Budget) -> Self {
        Self {
            open: Vec::new(),
            highest: None,
            turn: 0,
            budget,
        }
    }

    /// Notes that this number was asked for; `false` if it is not above the ones before.
    pub(super) fn is_new(&mut self, number: u32) -> bool {
        let new = self.highest.is_none_or(|highest| number > highest);
        if new {
            self.highest = Some(number);
        }
        new
    }

    pub(super) fn was_asked(&self, number: u32) -> bool {
        self.highest.is_some_and(|highest| number <= highest)
    }

    /// `false` if there are too many.
    pub(super) fn open(&mut self, number: u32) -> bool {
        let free = self.open.len() < CIRCUITS;
        if free {
            self.open.push(Circuit {
                number,
                to_box: Queue::default(),
                to_client: Queue::default(),
                ended: None,
            });
        }
        free
    }

    /// `false` if it was not open.
    pub(super) fn close(&mut self, number: u32) -> bool {
        let found = self
            .open
            .iter()
            .position(|circuit| circuit.number == number);
        let Some(mut circuit) = found.map(|index| self.open.remove(index)) else {
            return false;
        };
        while circuit.to_box.pop(&self.budget).is_some() {}
        while circuit.to_client.pop(&self.budget).is_some() {}
        true
    }

    /// A frame from the client; `None` if the circuit is not open, else whether it is the only one
    /// that waits.
    pub(super) fn push_to_box(&mut self, number: u32, frame: Bytes) -> Option<bool> {
        let queue = &mut find(&mut self.open, number)?.to_box;
        queue.push(frame, &self.budget);
        Some(queue.frames.len() == 1)
    }

    /// The next frame for the box at the end.
    pub(super) fn for_box(&mut self, number: u32) -> Option<Bytes> {
        find(&mut self.open, number)?.to_box.pop(&self.budget)
    }

    /// A frame from the box at the end; `false` if the circuit is not open or has no room.
    pub(super) fn push_to_client(&mut self, number: u32, frame: Bytes) -> bool {
        let Some(circuit) = find(&mut self.open, number) else {
            return false;
        };
        let room = circuit.ended.is_none() && circuit.to_client.has_room(&self.budget);
        if room {
            circuit.to_client.push(frame, &self.budget);
        }
        room
    }

    /// Whether [`Circuits::push_to_client`] takes a frame.
    pub(super) fn has_room(&self, number: u32) -> bool {
        let found = self.open.iter().find(|circuit| circuit.number == number);
        found.is_some_and(|circuit| circuit.to_client.has_room(&self.budget))
    }

    /// Whether every circuit takes another frame from the client.
    pub(super) fn all_have_room(&self) -> bool {
        self.open
            .iter()
            .all(|circuit| circuit.to_box.has_room(&self.budget))
    }

    /// The box at the end is gone. `true` if nothing of it waits, so that the circuit is over now.
    pub(super) fn ended(&mut self, number: u32, code: Code) -> bool {
        let Some(circuit) = find(&mut self.open, number) else {
            return false;
        };
        if circuit.to_client.frames.is_empty() {
            return self.close(number);
        }
        circuit.ended = Some(code);
        false
    }

    /// The next frame for the client, of one circuit after the other; and the code if it was the
    /// last one of a circuit that had ended.
    pub(super) fn for_client(&mut self) -> Option<(u32, Bytes, Option<Code>)> {
        for step in 0..self.open.len() {
            let index = (self.turn + step) % self.open.len();
            let circuit = &mut self.open[index];
            if let Some(frame) = circuit.to_client.pop(&self.budget) {
                let number = circuit.number;
                let last = circuit.to_client.frames.is_empty();
                let ended = circuit.ended.filter(|_| last);
                self.turn = index + 1;
                if ended.is_some() {
                    self.close(number);
                }
                return Some((number, frame, ended));
            }
        }
        None
    }

    /// Whether something waits for the client.
    pub(super) fn waits(&self) -> bool {
        self.open
            .iter()
            .any(|circuit| !circuit.to_client.frames.is_empty())
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.open.iter().map(|circuit| circuit.number)
    }
}

fn find(open: &mut [Circuit], number: u32) -> Option<&mut Circuit> {
    open.iter_mut().find(|circuit| circuit.number == number)
}

impl Drop for Circuits {
    fn drop(&mut self) {
        for number in self.numbers().collect::<Vec<_>>() {
            self.close(number);
        }
    }
}
