//! What a session may bring into a room: rates, and patience with who exceeds them.

use super::Limits;
use crate::{Code, Millis, rate::Rate};

/// A session's rates.
#[derive(Debug)]
pub(super) struct Meter {
    poses: Rate,
    messages: Rate,
    bytes: Rate,
    /// What is above the rates: three times as much again, then it is enough.
    patience: Rate,
    /// When `SLOWER` was last said.
    said: Option<Millis>,
}

/// What becomes of a record.
pub(super) enum Verdict {
    /// It passes.
    Pass,
    /// It is dropped; tell the client to wait so many milliseconds.
    Slower(u16),
    /// It is dropped without a word.
    Drop,
}

impl Meter {
    pub(super) fn new(limits: &Limits, now: Millis) -> Self {
        let (poses, messages) = (u64::from(limits.poses), u64::from(limits.messages));
        let all = 3 * (poses + messages);
        Self {
            poses: Rate::new(poses, poses, now),
            messages: Rate::new(messages, messages * 16 / 5, now),
            bytes: Rate::new(u64::from(limits.bytes), 4 * u64::from(limits.bytes), now),
            patience: Rate::new(all, 4 * all, now),
            said: None,
        }
    }

    /// Counts a record of so many bytes.
    pub(super) fn count(&mut self, pose: bool, bytes: usize, now: Millis) -> Result<Verdict, Code> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX / 1_000);
        let rate = if pose {
            &mut self.poses
        } else {
            &mut self.messages
        };
        if rate.take(1, now) && self.bytes.take(bytes, now) {
            return Ok(Verdict::Pass);
        }
        let pause = rate.wait(1).max(self.bytes.wait(bytes)).max(1);
        if !self.patience.take(1, now) {
            return Err(Code::Quota);
        }
        Ok(self.verdict(pause, now))
    }

    /// A verdict of no; said once a second.
    pub(super) fn verdict(&mut self, pause: Millis, now: Millis) -> Verdict {
        if self.said.is_some_and(|said| now < said + 1_000) {
            return Verdict::Drop;
        }
        self.said = Some(now);
        Verdict::Slower(u16::try_from(pause).unwrap_or(u16::MAX))
    }
}
