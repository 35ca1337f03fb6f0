//! Who may have a model's content or enter a parcel. A pass of the standard gate is proved against
//! the state root of a header that the box has; what a stranger's gate says is told by endpoints,
//! and says so. No answer is no "no": if nobody can be believed, nothing is known.
//!
//! Visitors cannot make the box hammer its endpoints: few questions are asked at a time, only so
//! many in a while, and what was learnt of a block is kept as long as that block is the newest.

pub(crate) mod balances;
mod gate;
mod pass;
pub(crate) mod voices;

use std::{collections::HashMap, sync::Arc, time::Duration};

use alloy::primitives::B256;
use futures::{StreamExt, stream::FuturesUnordered};
use seedbox_core::{Access, Basis, BlockRef, Subject, Trust, UnixTime, WalletAddress};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use self::{
    pass::Passes,
    voices::{Told, Voices},
};
use crate::{
    Config, Deployment, Error, endpoint_error::EndpointError, evidence::Evidence, view::View,
};

/// Visitors who may wait.
pub(crate) const QUEUE: usize = 256;

/// Questions that are put to endpoints at the same time.
const AT_ONCE: usize = 4;

/// Questions that are put to endpoints: so many at once, and then one after each pause.
const BURST: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// Answers of strangers' gates that are remembered, all of one block.
const MOST_TOLD: usize = 1_024;

/// Seconds by which the block that is vouched for may lag behind the newest and still be the one
/// that is asked about: until then, more trust is worth more than a newer state. Finality takes 13
/// to 20 minutes.
const LONGEST_LAG: u64 = 25 * 60;

/// A header that questions are asked about: its hash was checked, and `trust` vouches for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) block: BlockRef,
    /// The header in RLP.
    pub(crate) header: Vec<u8>,
    pub(crate) state_root: B256,
    pub(crate) trust: Trust,
}

impl Anchor {
    /// The header that was proved to be a block's.
    pub(crate) fn of(evidence: &Evidence, trust: Trust) -> Self {
        Self {
            block: evidence.block,
            header: evidence.header.clone(),
            state_root: evidence.state_root,
            trust,
        }
    }
}

/// A visitor's question.
pub(crate) struct Question {
    pub(crate) subject: Subject,
    pub(crate) wallet: WalletAddress,
    /// The model's gate, or the standard one.
    pub(crate) gate: WalletAddress,
    pub(crate) answer: oneshot::Sender<Result<Access, Error>>,
}

type StrangersQuestion = (WalletAddress, Subject, WalletAddress);

/// Answers questions about access.
pub(crate) struct Doorkeeper {
    voices: Voices,
    passes: Option<Passes>,
    told: HashMap<StrangersQuestion, Told>,
    told_at: Option<[u8; 32]>,
    /// When the burst is whole again.
    full_at: Instant,
    stale_after: Duration,
    view: watch::Receiver<View>,
    questions: mpsc::Receiver<Question>,
}

/// What was learnt by asking.
enum Learnt {
    Proof(Box<alloy::rpc::types::EIP1186AccountProofResponse>),
    Told(Told),
}

struct Asked {
    question: Question,
    standing: Standing,
    learnt: Result<Learnt, EndpointError>,
}

/// What the question is asked about.
#[derive(Clone)]
struct Standing {
    anchor: Arc<Anchor>,
    /// Of the state that names the gate.
    grid_trust: Trust,
    observed_at: UnixTime,
}

impl Doorkeeper {
    /// # Errors
    /// [`Error::Endpoint`] if an address is no URL.
    pub(crate) fn new(
        config: &Config,
        deployment: &Deployment,
        stale_after: Duration,
        view: watch::Receiver<View>,
        questions: mpsc::Receiver<Question>,
    ) -> Result<Self, Error> {
        Ok(Self {
            voices: Voices::new(config, deployment, config.trust.voices())?,
            passes: deployment.access_pass.map(Passes::of),
            told: HashMap::new(),
            told_at: None,
            full_at: Instant::now(),
            stale_after,
            view,
            questions,
        })
    }

    /// Answers until there is nobody left who could ask.
    pub(crate) async fn run(&mut self) {
        let voices = &self.voices;
        let mut desk = Desk {
            passes: self.passes.as_mut(),
            told: &mut self.told,
            told_at: &mut self.told_at,
            full_at: &mut self.full_at,
            stale_after: self.stale_after,
            view: &self.view,
        };
        let mut asking = FuturesUnordered::new();
        loop {
            tokio::select! {
                question = self.questions.recv(), if asking.len() < AT_ONCE => {
                    let Some(question) = question else { break };
                    if let Some((question, standing)) = desk.answer(question) {
                        let contract = desk.passes.as_ref().map(|passes| passes.contract());
                        asking.push(ask(voices, contract, question, standing));
                    }
                }
                Some(asked) = asking.next() => desk.learn(asked),
            }
        }
    }
}

/// Puts a question to the endpoints.
async fn ask(
    voices: &Voices,
    pass: Option<WalletAddress>,
    question: Question,
    standing: Standing,
) -> Asked {
    let anchor = &standing.anchor;
    let Question {
        subject,
        wallet,
        gate,
        ..
    } = question;
    let learnt = match subject {
        Subject::Model(model) if pass != Some(gate) => {
            let code = gate::question(gate, model, wallet);
            voices.told(code, anchor).await.map(Learnt::Told)
        }
        subject => {
            let slot = pass::slot(subject, wallet);
            // Checked here so that a liar does not keep the next one from being asked.
            let check = |told: alloy::rpc::types::EIP1186AccountProofResponse| {
                Passes::of(gate).learn(anchor, slot, told.clone())?;
                Ok(told)
            };
            let proof = voices.proof(gate, slot, anchor, check).await;
            proof.map(|told| Learnt::Proof(Box::new(told)))
        }
    };
    Asked {
        question,
        standing,
        learnt,
    }
}

/// What is known without asking.
struct Desk<'a> {
    passes: Option<&'a mut Passes>,
    told: &'a mut HashMap<StrangersQuestion, Told>,
    told_at: &'a mut Option<[u8; 32]>,
    full_at: &'a mut Instant,
    stale_after: Duration,
    view: &'a watch::Receiver<View>,
}

impl Desk<'_> {
    /// Answers a question, or gives it back with what it is to be asked about.
    fn answer(&mut self, question: Question) -> Option<(Question, Standing)> {
        if question.answer.is_closed() {
            return None; // who went away needs none
        }
        let standing = match self.standing() {
            Ok(standing) => standing,
            Err(error) => {
                drop(question.answer.send(Err(error)));
                return None;
            }
        };
        if let Some(access) = self.known(&question, &standing) {
            drop(question.answer.send(Ok(access)));
            return None;
        }
        if !self.may_ask() {
            drop(question.answer.send(Err(Error::Busy)));
            return None;
        }
        Some((question, standing))
    }

    /// Keeps what was learnt and answers who asked.
    fn learn(&mut self, asked: Asked) {
        let Asked {
            question,
            standing,
            learnt,
        } = asked;
        let outcome = learnt.and_then(|learnt| {
            match learnt {
                Learnt::Proof(told) => {
                    let slot = pass::slot(question.subject, question.wallet);
                    if let Some(passes) = &mut self.passes {
                        passes.learn(&standing.anchor, slot, *told)?;
                    }
                }
                Learnt::Told(told) => self.keep_told(&question, &standing, told),
            }
            Ok(())
        });
        let answer = match outcome {
            Ok(()) => self.known(&question, &standing).ok_or(Error::Busy),
            Err(error) => Err(Error::Unanswered {
                block: standing.anchor.block.number,
                age: seedbox_clock::now().seconds_since(standing.observed_at),
                reason: error.to_string(),
            }),
        };
        drop(question.answer.send(answer));
    }

    /// The header to ask about now.
    fn standing(&self) -> Result<Standing, Error> {
        standing(&self.view.borrow(), self.stale_after)
    }

    fn known(&self, question: &Question, standing: &Standing) -> Option<Access> {
        let Question {
            subject,
            wallet,
            gate,
            ..
        } = *question;
        let anchor = &standing.anchor;
        let passes = self
            .passes
            .as_ref()
            .filter(|passes| passes.contract() == gate);
        let (allowed, basis) = match passes {
            Some(passes) => {
                let proof = passes.known(anchor, pass::slot(subject, wallet))?;
                let valid = proof.is_valid_at(anchor.block.timestamp);
                (valid, Basis::Proved(Box::new(proof)))
            }
            None => {
                let fresh = *self.told_at == Some(anchor.block.hash);
                let told = self.told.get(&(gate, subject, wallet)).filter(|_| fresh)?;
                let Told { open, agree, of } = *told;
                (open, Basis::Told { gate, agree, of })
            }
        };
        // Which gate a model has is as good as the state that says so, and no better.
        let trust = match subject {
            Subject::Model(_) => anchor.trust.min(standing.grid_trust),
            Subject::Parcel(_) => anchor.trust,
        };
        Some(Access {
            subject,
            wallet,
            allowed,
            block: anchor.block,
            trust: Some(trust),
            observed_at: standing.observed_at,
            basis,
        })
    }

    fn keep_told(&mut self, question: &Question, standing: &Standing, told: Told) {
        let block = standing.anchor.block.hash;
        if *self.told_at != Some(block) || self.told.len() >= MOST_TOLD {
            self.told.clear();
            *self.told_at = Some(block);
        }
        let key = (question.gate, question.subject, question.wallet);
        self.told.insert(key, told);
    }

    /// Whether the endpoints may be asked one more time.
    fn may_ask(&mut self) -> bool {
        let now = Instant::now();
        let after = (*self.full_at).max(now) + PAUSE;
        let may = after <= now + PAUSE * BURST;
        if may {
            *self.full_at = after;
        }
        may
    }
}

/// What may be asked about now.
fn standing(view: &View, stale_after: Duration) -> Result<Standing, Error> {
    let (Some(as_of), Some(proved)) = (view.as_of, &view.proved) else {
        return Err(Error::Unproved);
    };
    let age = seedbox_clock::now().seconds_since(as_of.observed_at);
    if age > stale_after.as_secs() {
        let block = as_of.block.number;
        return Err(Error::Stale { block, age });
    }
    Ok(Standing {
        anchor: anchor(view).ok_or(Error::Unproved)?,
        grid_trust: proved.trust,
        observed_at: as_of.observed_at,
    })
}

/// The best header there is: the one that is vouched for, unless it is too old.
fn anchor(view: &View) -> Option<Arc<Anchor>> {
    match (&view.vouched_header, &view.tip_header) {
        (Some(vouched), Some(tip)) => {
            let lag = tip.block.timestamp.seconds_since(vouched.block.timestamp);
            Some(if lag <= LONGEST_LAG { vouched } else { tip }.clone())
        }
        (vouched, tip) => vouched.as_ref().or(tip.as_ref()).cloned(),
    }
}
