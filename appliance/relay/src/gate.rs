//! Who asks the chain about those who stand before a room with a rule.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{FutureExt, future::BoxFuture};
use seedbox_relay_proto::{Claim, Code, Millis, rate::Rate};

/// Questions to the chain in a second, and at once, from all sessions: visitors of the map ask the
/// same endpoints.
const QUESTIONS: u64 = 4;
const BURST: u64 = 40;
/// Verdicts that are remembered.
const KNOWN: usize = 512;
/// Milliseconds for which they are: who is refused tries again and again, who moves house comes back.
const LIFE: Millis = 30_000;

/// What the chain says: that a claim is so; [`Code::Entitlement`], it is not; [`Code::Signature`], the
/// wallet did not sign it; [`Code::Role`], it is about another chain or contracts that the box does not
/// know; [`Code::Busy`], it cannot be known now.
pub type Verdict = Result<(), Code>;

/// Knows the chain.
pub trait Gate: Send + Sync + 'static {
    /// Checks the claim's signature and asks the chain. Takes a few seconds at most.
    fn ask(&self, claim: Claim) -> BoxFuture<'static, Verdict>;
}

/// The gate, with a memory, and a limit to what strangers may ask of it.
pub(crate) struct Doorkeeper {
    gate: Box<dyn Gate>,
    state: Mutex<State>,
}

struct State {
    rate: Rate,
    known: HashMap<Claim, (Verdict, Millis)>,
}

impl Doorkeeper {
    pub(crate) fn new(gate: Box<dyn Gate>, now: Millis) -> Self {
        let state = State {
            rate: Rate::new(QUESTIONS, BURST, now),
            known: HashMap::new(),
        };
        Self {
            gate,
            state: state.into(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ask(self: &Arc<Self>, claim: Claim, now: Millis) -> BoxFuture<'static, Verdict> {
        let door = Arc::clone(self);
        async move {
            if let Some(verdict) = door.state().known(&claim, now) {
                return verdict;
            }
            let verdict = door.gate.ask(claim).await;
            door.state().remember(claim, verdict, now);
            verdict
        }
        .boxed()
    }
}

impl State {
    /// What can be said without asking: what was heard lately, or that too many ask.
    fn known(&mut self, claim: &Claim, now: Millis) -> Option<Verdict> {
        if let Some((verdict, until)) = self.known.get(claim)
            && now < *until
        {
            return Some(*verdict);
        }
        (!self.rate.take(1, now)).then_some(Err(Code::Busy))
    }

    fn remember(&mut self, claim: Claim, verdict: Verdict, now: Millis) {
        if verdict == Err(Code::Busy) {
            return;
        }
        if self.known.len() >= KNOWN {
            self.known.retain(|_, (_, until)| now < *until);
        }
        if self.known.len() < KNOWN {
            self.known.insert(claim, (verdict, now + LIFE));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use seedbox_relay_proto::{Delegation, RoomId, Rule, Wants};

    use super::*;

    /// Says no and counts.
    #[derive(Clone, Default)]
    struct No(Arc<AtomicU64>);

    impl Gate for No {
        fn ask(&self, _: Claim) -> BoxFuture<'static, Verdict> {
            self.0.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Err(Code::Entitlement)).boxed()
        }
    }

    fn claim(number: u64) -> Claim {
        Claim {
            room: RoomId([1; 16]),
            client: [2; 32],
            rule: Rule {
                chain: number,
                wants: Wants::Land(1),
            },
            delegation: Delegation::NONE,
        }
    }

    #[tokio::test]
    async fn who_asks_again_is_answered_from_memory() {
        let no = No::default();
        let door = Arc::new(Doorkeeper::new(Box::new(no.clone()), 0));
        let asked = |no: &No| no.0.load(Ordering::Relaxed);
        for _ in 0..100 {
            assert_eq!(door.ask(claim(1), 0).await, Err(Code::Entitlement));
        }
        assert_eq!(asked(&no), 1);
        door.ask(claim(1), LIFE).await.unwrap_err();
        assert_eq!(asked(&no), 2);
        // Strangers without end.
        let mut busy = 0;
        for number in 2..100 {
            busy += u64::from(door.ask(claim(number), LIFE).await == Err(Code::Busy));
        }
        assert_eq!(asked(&no) + busy, 100);
        assert!(busy > 50, "{busy}");
        assert_eq!(door.ask(claim(1), LIFE).await, Err(Code::Entitlement));
    }
}
