//! Holds what the events add up to against what a block's hash proves, before any of it is shown.
//!
//! One account proof a contract says it all: if the storage root is right, every parcel is. If it
//! is not, an event was left out or changed on the way; then the box goes back to the last state
//! that was proved and has the blocks since told by somebody else.

use std::{collections::VecDeque, sync::Arc};

use seedbox_core::{BlockRef, Trust, VouchedBlock};
use seedbox_store::chain::Contract;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::{Failure, Reader, forks::same};
use crate::{
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
    vouched: Option<BlockRef>,
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

/// Says in the log whose events do not add up.
fn name_contracts(events: &Roots, proved: &Roots) {
    for ((contract, ours), theirs) in Contract::ALL.iter().zip(events).zip(proved) {
        if ours != theirs {
            warn!(
                ?contract,
                ?ours,
                ?theirs,
                "its events do not add up to its storage"
            );
        }
    }
}

impl Reader {
    /// Refuses a source whose chain does not hold the block that is vouched for.
    pub(super) async fn identify(
        &mut self,
        source: &impl Source,
        head: u64,
    ) -> Result<(), Failure> {
        let Some(block) = self.corroborator().map(|header| header.block) else {
            return Ok(());
        };
        if block.number > head || self.ledger.vouched == Some(block) {
            return Ok(());
        }
        if !same(source, &block).await? {
            let block = block.number;
            return Err(EndpointError::Contradicts { block }.into());
        }
        Ok(())
    }

    /// Proves the state at the tip, or takes it back.
    pub(super) async fn audit(&mut self, source: &impl Source) -> Result<(), Failure> {
        let Some(tip) = self.working.tip.filter(|_| self.proves) else {
            return Ok(());
        };
        if self.working.proved == Some(tip) {
            return Ok(());
        }
        let evidence = source.evidence(&tip).await?;
        let roots = self.roots().await;
        if roots != evidence.roots {
            name_contracts(&roots, &evidence.roots);
            return self.distrust(source, tip.number).await;
        }
        self.working.proved = Some(tip);
        let (changed, _) = self.working.changed_by();
        let first = changed.map_or(tip.number, |block| block.number);
        self.ledger.enter(first, tip.number, roots);
        self.show(Proved {
            evidence,
            storage: self.working.projection.storage().clone(),
            trust: Trust::Rpc,
        });
        Ok(())
    }

    /// Holds a state that was proved at the tip against the block that is vouched for.
    pub(super) async fn corroborate(&mut self, source: &impl Source) -> Result<(), Failure> {
        let Some(header) = self.corroborator() else {
            return Ok(());
        };
        let block = header.block;
        if self.ledger.vouched == Some(block) {
            return Ok(());
        }
        let Some(state) = self.ledger.at(block.number) else {
            return Ok(()); // a block between two looks; a later one will do
        };
        let (roots, newest) = (state.roots, Some(state.roots) == self.working.roots);
        let evidence = source.evidence(&block).await?;
        if evidence.state_root.0 != header.state_root || evidence.roots != roots {
            return self.distrust(source, block.number).await;
        }
        self.ledger.vouched = Some(block);
        self.view
            .send_modify(|view| view.vouched = Some(header.shown()));
        if newest {
            self.show(Proved {
                evidence,
                storage: self.working.projection.storage().clone(),
                trust: header.trust,
            });
        }
        Ok(())
    }

    /// The newest header that somebody else than the endpoint vouches for.
    fn corroborator(&self) -> Option<VouchedHeader> {
        let header = self.vouched.borrow().header;
        header.filter(|header| header.trust > Trust::Rpc)
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

    /// The events up to `block` do not add up: takes back what was not proved before.
    async fn distrust(&mut self, source: &impl Source, block: u64) -> Result<(), Failure> {
        warn!(
            block,
            "events were left out or changed; taking back what is not proved"
        );
        let proved = self.working.proved.filter(|proved| {
            let known = self.working.undoable(proved.number).last().copied();
            proved.number < block && known == Some(*proved)
        });
        match proved {
            Some(proved) => self.go_back(proved).await?,
            None => self.begin_again(source).await?,
        }
        Err(EndpointError::EventsDoNotAddUp { block }.into())
    }
}
