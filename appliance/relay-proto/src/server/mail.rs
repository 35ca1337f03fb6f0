//! What the mailbox has for a session: answers that wait for room in a cell.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{Code, cell::Cell, record::Record};

/// Types of the records that are answered.
const KEEP: u8 = 0x2c;
const FETCH: u8 = 0x2e;

#[derive(Debug)]
enum Waiting {
    Kept(u64),
    Note(u64, u64, Bytes),
    Refused(u8, Code),
}

/// One session's dealings with the mailbox.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// Something was asked for, and not all of the answer has left.
    busy: bool,
    waiting: VecDeque<Waiting>,
}

impl Mail {
    /// Something is asked for; `false` while something else is.
    pub(super) fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.busy, true)
    }

    pub(super) fn kept(&mut self, kept: Result<u64, Code>) {
        self.waiting.push_back(match kept {
            Ok(number) => Waiting::Kept(number),
            Err(code) => Waiting::Refused(KEEP, code),
        });
    }

    pub(super) fn fetched(&mut self, notes: Vec<(u64, u64, Bytes)>, last: u64, more: bool) {
        let notes = notes.into_iter();
        self.waiting
            .extend(notes.map(|(number, kept, sealed)| Waiting::Note(number, kept, sealed)));
        let end = Waiting::Note(last, u64::from(more), Bytes::new());
        self.waiting.push_back(end);
    }

    pub(super) fn not_fetched(&mut self, code: Code) {
        self.waiting.push_back(Waiting::Refused(FETCH, code));
    }

    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Adds to a cell what fits.
    pub(super) fn fill(&mut self, cell: &mut Cell) {
        while let Some(next) = self.waiting.front() {
            let fits = cell.push(&match next {
                Waiting::Kept(number) => Record::Kept(*number),
                Waiting::Refused(record, code) => Record::Refused {
                    record: *record,
                    code: *code,
                },
                Waiting::Note(number, kept, sealed) => Record::Note {
                    number: *number,
                    kept: *kept,
                    sealed,
                },
            });
            if !fits {
                return;
            }
            self.waiting.pop_front();
            if self.waiting.is_empty() {
                *self = Self::default();
            }
        }
    }
}
