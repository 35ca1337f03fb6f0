//! What the chain has to say before somebody enters a room with a rule, and again while he is there.

use super::Request;
use crate::{Claim, Code, Millis, RoomName};

/// Milliseconds after which the chain is asked again about a member.
const AGAIN: Millis = 10 * 60_000;
/// Milliseconds after which it is asked again if it could not say.
const SOON: Millis = 60_000;

/// One session's right to be in its room.
#[derive(Debug)]
pub(super) struct Entitlement {
    /// Names the question, so that an answer to an older one is known.
    pub(super) number: u32,
    claim: Claim,
    room: RoomName,
    /// What waits for the first answer.
    join: Option<Request>,
    /// When the chain is asked again; never while it is asked.
    ask_at: Millis,
}

/// What comes of it.
#[derive(Debug)]
pub(super) enum Step {
    /// In.
    Enter(RoomName, Request),
    /// Not in.
    Refuse(Code),
    /// Is it still so?
    Ask(u32, Claim),
    /// Out.
    PutOut,
}

impl Entitlement {
    /// The chain is being asked.
    pub(super) const fn new(number: u32, claim: Claim, room: RoomName, join: Request) -> Self {
        Self {
            number,
            claim,
            room,
            join: Some(join),
            ask_at: Millis::MAX,
        }
    }

    /// Somebody stands before the door.
    pub(super) const fn waits(&self) -> bool {
        self.join.is_some()
    }

    const fn ends(&self) -> Millis {
        self.claim.delegation.expires.saturating_mul(1_000)
    }

    pub(super) fn deadline(&self) -> Millis {
        self.ask_at.min(self.ends())
    }

    pub(super) fn answered(&mut self, answer: Result<(), Code>, now: Millis) -> Option<Step> {
        self.ask_at = now + if answer.is_ok() { AGAIN } else { SOON };
        match (self.join.take(), answer) {
            (Some(join), Ok(())) => Some(Step::Enter(self.room, join)),
            (Some(_), Err(code)) => Some(Step::Refuse(code)),
            (None, Err(Code::Entitlement)) => Some(Step::PutOut),
            // Not to know is no "no".
            (None, _) => None,
        }
    }

    pub(super) fn tick(&mut self, now: Millis) -> Option<Step> {
        if now >= self.ends() {
            return Some(match self.join.take() {
                Some(_) => Step::Refuse(Code::Entitlement),
                None => Step::PutOut,
            });
        }
        if now < self.ask_at {
            return None;
        }
        self.ask_at = Millis::MAX;
        Some(Step::Ask(self.number, self.claim))
    }
}
