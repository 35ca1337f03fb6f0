//! A carrier before it is a session.

use std::sync::Arc;

use super::{Budget, Carrier, Decision, Limits, Session, limits};
use crate::{
    Code, Millis, NodeId, NoiseSecret,
    frame::{Handshake as Frame, Init, VERSION},
    noise::respond,
};

/// Who this box is, and what all its sessions share.
#[derive(Debug)]
pub struct Identity {
    /// Its name.
    pub node: NodeId,
    /// Its key for sessions.
    pub secret: NoiseSecret,
    /// What it allows.
    pub limits: Limits,
    /// Bytes that wait in its circuits.
    pub budget: Budget,
}

/// What comes of a frame.
#[derive(Debug)]
pub enum Answer {
    /// Send this, and go on with the session.
    Accept(Box<Session>, Vec<u8>),
    /// Send this; the handshake begins again on the same carrier, once.
    Challenge(Vec<u8>),
    /// Send this and close the carrier.
    Refuse(Vec<u8>),
    /// Close the carrier.
    Close,
}

/// A carrier that has sent nothing yet.
#[derive(Debug)]
pub struct Handshake {
    carrier: Carrier,
    deadline: Millis,
    challenged: bool,
}

impl Handshake {
    /// A carrier was opened.
    pub const fn new(carrier: Carrier, now: Millis) -> Self {
        Self {
            carrier,
            deadline: now + limits::HANDSHAKE,
            challenged: false,
        }
    }

    /// When the carrier is to be closed if nothing has come of it.
    pub const fn deadline(&self) -> Millis {
        self.deadline
    }

    /// Takes the next frame. `decide` asks [`super::Admission::decide`], which is quick; the work
    /// of the handshake is done after it. `seed` are 32 fresh random bytes.
    pub fn receive(
        &mut self,
        identity: &Arc<Identity>,
        frame: &[u8],
        seed: [u8; 32],
        now: Millis,
        decide: impl FnOnce(Carrier, &Init<'_>) -> Decision,
    ) -> Answer {
        let depth = self.carrier.depth();
        let Ok(init) = Init::parse(frame) else {
            return Answer::Close;
        };
        if init.depth != depth {
            return Answer::Close;
        }
        match decide(self.carrier, &init) {
            Decision::Accept => {
                let grant = identity.limits.grant();
                let answer = respond(identity.node, &identity.secret, &init, &grant, seed);
                answer.map_or(Answer::Close, |(transport, message)| {
                    let session = Session::new(transport, depth, identity, now);
                    Answer::Accept(Box::new(session), Frame::Accept(&message).write(depth))
                })
            }
            Decision::Challenge(challenge) if !self.challenged => {
                self.challenged = true;
                Answer::Challenge(Frame::Challenge(challenge).write(depth))
            }
            Decision::Challenge(_) => refuse(Code::Busy, depth),
            Decision::Refuse(code) => refuse(code, depth),
        }
    }
}

fn refuse(code: Code, depth: u8) -> Answer {
    let versions = (VERSION, VERSION);
    Answer::Refuse(Frame::Refuse { versions, code }.write(depth))
}
