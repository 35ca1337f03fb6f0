//! Holds what the events add up to against what a block's hash proves, before any of it is shown.
//!
//! One account proof a contract says it all: if the storage root is right, every parcel is. If it
//! is not, an event was left out or changed on the way; then the box goes back to the last state
//! that was proved and has the blocks since told by somebody else.

use std::{collections::VecDeque, sync::Arc};

use seedbox_core::{BlockRef, Trust, VouchedBlock};
use tokio::time::Instant;
use tracing::debug;

use super::{Failure, Reader, bisection::differing, forks::same};
use crate::{
    access::Anchor,
    endpoint_error::EndpointError,
    evidence::Evidence,
    headers::VouchedHeader,
    source::Source,
    storage::{Roots, Storage},
};

/// Proved states that a vouched header may still be about: at one a block, an hour of Ethereum.
const MAX_STATES: usize = 300;

/// A state of the contracts with its proof.
#[derive(Debug, Clone)]
pub(crate) struct Proved {
    /// The proof of the storage roots.
    pub(crate) evidence: Evidence,
    /// Every word below the roots.
    pub(crate) storage: Arc<Storage>,
    /// Who vouches for the block.
    pub(crate) trust: Trust,
}

impl Proved {
    /// The part of it that the owner is shown.
    pub(crate) fn shown(&self) -> VouchedBlock {
        VouchedBlock {
            block: self.evidence.block,
            trust: self.trust,
            slot: None,
        }
    }
}

/// The roots that were proved for a run of blocks.
struct State {
    first: u64,
    last: u64,
    roots: Roots,
}

/// What was proved so far, newest last.
#[derive(Default)]
pub(crate) struct Ledger {
    states: VecDeque<State>,
    /// The blocks that are vouched for and whose state was held against ours.
    vouched: Vec<BlockRef>,
}

impl Ledger {
    /// The state up to `tip` is proved; its last change was in block `changed`.
    fn enter(&mut self, changed: u64, tip: u64, roots: Roots) {
        self.states.retain(|state| state.first <= tip);
        match self.states.back_mut() {
            Some(state) if state.roots == roots => state.last = tip,
            _ => self.states.push_back(State {
                first: changed,
                last: tip,
                roots,
            }),
        }
        if self.states.len() > MAX_STATES {
            self.states.pop_front();
        }
    }

    fn at(&self, block: u64) -> Option<&State> {
        let mut states = self.states.iter().rev();
        states.find(|state| (state.first..=state.last).contains(&block))
    }
}

impl Reader {
    /// Refuses a source whose chain does not hold the blocks that are vouched for.
    pub(super) async fn identify(
        &mut self,
        source: &impl Source,
        head: u64,
    ) -> Result<(), Failure> {
        for VouchedHeader { block, .. } in self.corroborators() {
            if block.number > head || self.ledger.vouched.contains(&block) {
                continue;
            }
            if !same(source, &block).await? {
                let block = block.number;
                return Err(EndpointError::Contradicts { block }.into());
            }
        }
        Ok(())
    }

    /// Proves the state at the tip, or takes it back.
    pub(super) async fn audit(&mut self, source: &impl Source) -> Result<(), Failure> {
        let Some(tip) = self.working.tip.filter(|_| self.proves) else {
            return Ok(());
        };
        if self.working.proved == Some(tip) && self.view.borrow().proved.is_some() {
            return Ok(());
        }
        let evidence = source.evidence(&tip).await?;
        let roots = self.roots().await;
        if roots != evidence.roots {
            let contracts = differing(&roots, &evidence.roots);
            return self.distrust(source, tip.number, contracts).await;
        }
        self.working.proved = Some(tip);
        let (changed, _) = self.working.changed_by();
        let first = changed.map_or(tip.number, |block| block.number);
        self.ledger.enter(first, tip.number, roots);
        let header = Some(Arc::new(Anchor::of(&evidence, Trust::Rpc)));
        self.view.send_modify(|view| view.tip_header = header);
        self.show(Proved {
            evidence,
            storage: self.working.projection.storage().clone(),
            trust: Trust::Rpc,
        });
        Ok(())
    }

    /// Holds states that were proved against the blocks that are vouched for.
    pub(super) async fn corroborate(&mut self, source: &impl Source) -> Result<(), Failure> {
        let headers = self.corroborators();
        let still = |block: &BlockRef| headers.iter().any(|header| header.block == *block);
        self.ledger.vouched.retain(still);
        for header in headers {
            if !self.ledger.vouched.contains(&header.block) {
                self.hold_against(source, &header).await?;
            }
        }
        Ok(())
    }

    async fn hold_against(
        &mut self,
        source: &impl Source,
        header: &VouchedHeader,
    ) -> Result<(), Failure> {
        let block = header.block;
        let Some(state) = self.ledger.at(block.number) else {
            return Ok(()); // a block between two looks; a later one will do
        };
        let (roots, newest) = (state.roots, Some(state.roots) == self.working.roots);
        let evidence = source.evidence(&block).await?;
        if evidence.state_root.0 != header.state_root || evidence.roots != roots {
            let contracts = differing(&roots, &evidence.roots);
            return self.distrust(source, block.number, contracts).await;
        }
        self.ledger.vouched.push(block);
        let anchor = Arc::new(Anchor::of(&evidence, header.trust));
        self.view.send_modify(|view| {
            let newer = |known: VouchedBlock| known.block.number <= block.number;
            if view.vouched.is_none_or(newer) {
                view.vouched = Some(header.shown());
                view.vouched_header = Some(anchor);
            }
        });
        if newest {
            self.show(Proved {
                evidence,
                storage: self.working.projection.storage().clone(),
                trust: header.trust,
            });
        }
        Ok(())
    }

    /// The headers that somebody else than the endpoint vouches for, ascending.
    pub(super) fn corroborators(&self) -> Vec<VouchedHeader> {
        let vouched = self.vouched.borrow();
        let headers = [vouched.header, vouched.signed].into_iter().flatten();
        let mut headers: Vec<_> = headers.filter(|header| header.trust > Trust::Rpc).collect();
        headers.sort_by_key(|header| header.block.number);
        headers
    }

    fn show(&self, proved: Proved) {
        let proved = Arc::new(proved);
        self.view.send_modify(|view| {
            // The same state, proved by somebody better: the newer block adds nothing.
            let known = view.proved.as_ref().is_some_and(|old| {
                old.trust > proved.trust && old.evidence.roots == proved.evidence.roots
            });
            if !known {
                view.proved = Some(proved);
            }
        });
    }

    /// The storage roots at the tip.
    async fn roots(&mut self) -> Roots {
        if let Some(roots) = self.working.roots {
            return roots;
        }
        let storage = self.working.projection.storage().clone();
        let started = Instant::now();
        let computed = tokio::task::spawn_blocking(move || storage.roots()).await;
        // It fails only when the runtime ends; then nothing is proved any more.
        let roots = computed.unwrap_or_default();
        let milliseconds = started.elapsed().as_secs_f64() * 1e3;
        debug!(milliseconds, "computed the storage roots");
        self.working.roots = Some(roots);
        roots
    }
}
