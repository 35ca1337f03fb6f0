//! Who may come in: counts of carriers and circuits, and work when too many ask.

use std::collections::{BTreeSet, HashMap};

use super::{Carrier, Limits, SessionId};
use crate::{
    Code, Millis,
    challenge::{challenge, is_solved},
    frame::{Challenge, Init, Solution, VERSION},
    rate::Rate,
};

/// What an `INIT` is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The handshake goes on.
    Accept,
    /// Work first.
    Challenge(Challenge),
    /// No.
    Refuse(Code),
}

/// Counts, and decides about handshakes.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    secret: [u8; 32],
    next: u64,
    half_open: BTreeSet<SessionId>,
    open: HashMap<SessionId, Carrier>,
    sockets: usize,
    streams: usize,
    circuits: usize,
    free: Rate,
    solved: Rate,
}

impl Admission {
    /// Nobody is there. `secret` are 32 random bytes that challenges are made with.
    pub fn new(limits: Limits, secret: [u8; 32], now: Millis) -> Self {
        Self {
            limits,
            secret,
            next: 0,
            half_open: BTreeSet::new(),
            open: HashMap::new(),
            sockets: 0,
            streams: 0,
            circuits: 0,
            free: Rate::new(limits.handshakes, limits.handshakes, now),
            solved: Rate::new(limits.solved_handshakes, limits.solved_handshakes, now),
        }
    }

    /// A carrier was opened. The second is the oldest that is still shaking hands, if there are too
    /// many: it has to be closed. Who is honest is through within moments, so he is never the oldest.
    pub fn begin(&mut self) -> (SessionId, Option<SessionId>) {
        let id = SessionId(self.next);
        self.next += 1;
        self.half_open.insert(id);
        let oldest = if self.half_open.len() > self.limits.half_open {
            self.half_open.pop_first()
        } else {
            None
        };
        (id, oldest)
    }

    /// Decides about an `INIT`. After [`Decision::Accept`] the carrier counts as open.
    pub fn decide(
        &mut self,
        id: SessionId,
        carrier: Carrier,
        init: &Init<'_>,
        now: Millis,
    ) -> Decision {
        if init.version != VERSION {
            return Decision::Refuse(Code::Version);
        }
        if !self.half_open.contains(&id) || !self.has_place(carrier) {
            return Decision::Refuse(Code::Busy);
        }
        let Ok(ephemeral) = init.ephemeral() else {
            return Decision::Refuse(Code::Malformed);
        };
        let bits = self.limits.bits;
        let worked = init.solution != Solution::default()
            && is_solved(&self.secret, &ephemeral, bits, &init.solution, now);
        let granted = if worked {
            self.solved.take(1, now)
        } else {
            self.free.take(1, now)
        };
        match (granted, worked) {
            (true, _) => {
                self.half_open.remove(&id);
                self.open.insert(id, carrier);
                *self.count(carrier) += 1;
                Decision::Accept
            }
            (false, true) => Decision::Refuse(Code::Busy),
            (false, false) => Decision::Challenge(challenge(&self.secret, &ephemeral, bits, now)),
        }
    }

    const fn has_place(&self, carrier: Carrier) -> bool {
        match carrier {
            Carrier::Socket => self.sockets < self.limits.sockets,
            Carrier::Stream(_) => self.streams < self.limits.circuits,
        }
    }

    const fn count(&mut self, carrier: Carrier) -> &mut usize {
        match carrier {
            Carrier::Socket => &mut self.sockets,
            Carrier::Stream(_) => &mut self.streams,
        }
    }

    /// The carrier is gone, however far it had come.
    pub fn end(&mut self, id: SessionId) {
        self.half_open.remove(&id);
        if let Some(carrier) = self.open.remove(&id) {
            *self.count(carrier) -= 1;
        }
    }

    /// Whether one more circuit to another box may be opened; it counts then.
    pub const fn begin_circuit(&mut self) -> bool {
        let free = self.circuits < self.limits.circuits;
        if free {
            self.circuits += 1;
        }
        free
    }

    /// A circuit is over.
    pub const fn end_circuit(&mut self) {
        self.circuits = self.circuits.saturating_sub(1);
    }

    /// Open sessions on sockets, on streams from boxes, and circuits to boxes.
    pub const fn counts(&self) -> (usize, usize, usize) {
        (self.sockets, self.streams, self.circuits)
    }

    /// Handshakes under way.
    pub fn half_open(&self) -> usize {
        self.half_open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::solve;

    fn init(solution: Solution, noise: &[u8]) -> Init<'_> {
        Init {
            version: VERSION,
            depth: 0,
            solution,
            noise,
        }
    }

    #[test]
    fn above_the_rate_there_is_work() {
        let limits = Limits {
            handshakes: 1,
            solved_handshakes: 1,
            bits: 4,
            ..Limits::default()
        };
        let mut admission = Admission::new(limits, [1; 32], 0);
        let mut decide = |solution| {
            let (id, _) = admission.begin();
            admission.decide(id, Carrier::Socket, &init(solution, &[7; 40]), 0)
        };
        assert_eq!(decide(Solution::default()), Decision::Accept);
        let Decision::Challenge(challenge) = decide(Solution::default()) else {
            panic!("no challenge");
        };
        let solution = solve(&challenge, &[7; 32]);
        assert_eq!(decide(solution), Decision::Accept);
        assert_eq!(decide(solution), Decision::Refuse(Code::Busy));
    }

    #[test]
    fn the_oldest_half_open_one_makes_room() {
        let limits = Limits {
            half_open: 2,
            sockets: 1,
            ..Limits::default()
        };
        let mut admission = Admission::new(limits, [1; 32], 0);
        let (first, none) = admission.begin();
        assert_eq!(none, None);
        let (second, _) = admission.begin();
        let (_, oldest) = admission.begin();
        assert_eq!(oldest, Some(first));
        let init = init(Solution::default(), &[7; 40]);
        let mut decide = |id| admission.decide(id, Carrier::Socket, &init, 0);
        assert_eq!(decide(first), Decision::Refuse(Code::Busy));
        assert_eq!(decide(second), Decision::Accept);
        let (third, _) = admission.begin();
        let decided = admission.decide(third, Carrier::Socket, &init, 0);
        assert_eq!(decided, Decision::Refuse(Code::Busy), "sockets are full");
        admission.end(second);
        let decided = admission.decide(third, Carrier::Socket, &init, 0);
        assert_eq!(decided, Decision::Accept);
        assert_eq!(admission.counts(), (1, 0, 0));
    }
}
