//! Who asks the chain about those who stand before a room with a rule.

use std::{future::ready, sync::Mutex};

use futures::{FutureExt, future::BoxFuture};
use seedbox_relay_proto::{Claim, Code, Millis, rate::Rate};

/// Questions to the chain in a second, and at once, from all sessions: visitors of the map ask the
/// same endpoints.
const QUESTIONS: u64 = 4;
const BURST: u64 = 40;

/// What the chain says: that a claim is so; [`Code::Entitlement`], it is not; [`Code::Role`], it is
/// about another chain or contracts that the box does not know; [`Code::Busy`], it cannot be known now.
pub type Verdict = Result<(), Code>;

/// Knows the chain.
pub trait Gate: Send + Sync + 'static {
    /// Checks the claim's signature and asks the chain. Takes a few seconds at most.
    fn ask(&self, claim: Claim) -> BoxFuture<'static, Verdict>;
}

/// The gate, with a limit to what strangers may ask of it.
pub(crate) struct Doorkeeper {
    gate: Box<dyn Gate>,
    rate: Mutex<Rate>,
}

impl Doorkeeper {
    pub(crate) fn new(gate: Box<dyn Gate>, now: Millis) -> Self {
        Self {
            gate,
            rate: Mutex::new(Rate::new(QUESTIONS, BURST, now)),
        }
    }

    pub(crate) fn ask(&self, claim: Claim, now: Millis) -> BoxFuture<'static, Verdict> {
        let rate = self.rate.lock();
        let may = rate.is_ok_and(|mut rate| rate.take(1, now));
        if may {
            self.gate.ask(claim)
        } else {
            ready(Err(Code::Busy)).boxed()
        }
    }
}
