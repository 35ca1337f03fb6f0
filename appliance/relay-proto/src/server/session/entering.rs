//! How a session enters a room: tickets and signatures are checked here, what a rule wants is asked of the
//! chain.

use super::{JOIN, Note, Order, QUESTIONS, Session};
use crate::{
    Claim, Code, Delegation, Malformed, Millis, RoomName, Ticket,
    keys::verify,
    policy,
    record::{Join, Record},
    server::{
        Request,
        entitlement::{Entitlement, Step},
    },
};

impl Session {
    /// Checks what costs signatures, so that nobody has to under the rooms' lock.
    pub(super) fn join(&mut self, join: &Join<'_>, now: Millis) -> Result<(), Code> {
        if join.room.policy > 7 || self.is_asking() {
            return Err(Code::Malformed);
        }
        let checked = self.check(join, now);
        match checked {
            Err(code) => self.note(Note::Refused(Record::Join(*join).kind(), code)),
            Ok(ticket) => {
                let request = Request::Join {
                    room: join.room,
                    client: join.client,
                    ticket,
                };
                match claim(join)? {
                    Some(claim) => self.ask(claim, join.room, request, now),
                    None => {
                        self.enter(join.room, request);
                        Ok(())
                    }
                }
            }
        }
    }

    fn enter(&mut self, room: RoomName, join: Request) {
        self.room = Some(room);
        self.orders.push_back(Order::Room(join));
    }

    /// A join waits for what the chain says.
    fn is_asking(&self) -> bool {
        self.entitlement.as_ref().is_some_and(Entitlement::waits)
    }

    /// The chain has to be asked before somebody enters.
    fn ask(
        &mut self,
        claim: Claim,
        room: RoomName,
        join: Request,
        now: Millis,
    ) -> Result<(), Code> {
        if self.asked >= QUESTIONS {
            return Err(Code::Quota);
        }
        self.asked += 1;
        let mut asked = Entitlement::new(self.asked, claim, room, join);
        let ended = asked.tick(now);
        self.entitlement = Some(asked);
        self.step(ended.unwrap_or(Step::Ask(self.asked, claim)));
        Ok(())
    }

    /// What the chain says of a claim: that it is so; [`Code::Entitlement`], it is not;
    /// another code, that this cannot be known now.
    pub fn entitled(&mut self, number: u32, answer: Result<(), Code>, now: Millis) {
        let asked = self.entitlement.as_mut();
        let asked = asked.filter(|asked| asked.number == number);
        if let Some(step) = asked.and_then(|asked| asked.answered(answer, now)) {
            self.step(step);
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Enter(room, join) => self.enter(room, join),
            Step::Ask(number, claim) => self.orders.push_back(Order::Ask(number, claim)),
            Step::Refuse(code) => {
                self.entitlement = None;
                if let Err(code) = self.note(Note::Refused(JOIN, code)) {
                    self.close(code);
                }
            }
            Step::PutOut => {
                self.entitlement = None;
                let request = Request::PutOut(Code::Entitlement);
                self.orders.push_back(Order::Room(request));
            }
        }
    }

    fn check(&self, join: &Join<'_>, now: Millis) -> Result<Option<[u8; 32]>, Code> {
        let Join { room, client, .. } = join;
        if self.limits.roles & 4 == 0 {
            return Err(Code::Role);
        }
        if !self.limits.hosts(room.rule) {
            return Err(Code::Entitlement);
        }
        if self.depth == 0 && room.policy & policy::DIRECT == 0 {
            return Err(Code::Hops);
        }
        let id = room.id().0;
        if !verify(
            client,
            "join",
            &[self.transport.hash(), &id],
            &join.signature,
        ) {
            return Err(Code::Signature);
        }
        if join.ticket.is_empty() {
            let needed = room.policy & policy::TICKET != 0;
            return if needed { Err(Code::Ticket) } else { Ok(None) };
        }
        let ticket = Ticket::parse(join.ticket)?;
        ticket.check(room, client, now / 1_000)?;
        Ok(Some(ticket.key))
    }
}

/// What the chain has to be asked about.
fn claim(join: &Join<'_>) -> Result<Option<Claim>, Malformed> {
    let Some(rule) = join.room.rule else {
        return Ok(None);
    };
    Ok(Some(Claim {
        room: join.room.id(),
        client: join.client,
        rule,
        delegation: Delegation::parse(join.delegation)?,
    }))
}
