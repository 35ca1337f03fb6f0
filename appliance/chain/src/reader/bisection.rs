//! Finds the first block whose events do not add up, so that what was told before it is kept and
//! the owner learns where somebody lied.

use std::sync::Arc;

use seedbox_core::BlockRef;
use seedbox_store::chain::{Contract, Row};
use tracing::warn;

use super::{Failure, Reader};
use crate::{
    endpoint_error::EndpointError,
    source::Source,
    storage::{Roots, Storage},
};

/// Where the events stop adding up.
struct Boundary {
    /// The last block at which they do.
    good: BlockRef,
    /// The next one.
    bad: BlockRef,
}

impl Reader {
    /// The events up to `block` do not add up: goes back to the last block at which they do.
    pub(super) async fn distrust(
        &mut self,
        source: &impl Source,
        block: u64,
        contracts: String,
    ) -> Result<(), Failure> {
        warn!(
            block,
            contracts, "events were left out or changed; taking back what is not proved"
        );
        let known = self.working.undoable(block);
        let proved = self.working.proved.filter(|proved| {
            proved.number < block
                && known
                    .binary_search_by_key(&proved.number, |b| b.number)
                    .is_ok()
        });
        // Whatever is found, the source's answers end here; a failure to find it changes nothing.
        let boundary = match self.bisect(source, &known, proved).await {
            Ok(boundary) => boundary,
            Err(Failure::Store(error)) => return Err(error.into()),
            Err(Failure::Endpoint(_)) => None,
        };
        let first_bad = boundary
            .as_ref()
            .map_or(block, |boundary| boundary.bad.number);
        match boundary.map(|boundary| boundary.good).or(proved) {
            Some(good) => {
                self.go_back(good).await?;
                self.working.proved = Some(good);
            }
            None => self.begin_again(source).await?,
        }
        let block = first_bad;
        Err(EndpointError::EventsDoNotAddUp { block, contracts }.into())
    }

    /// Searches `blocks` (ascending, all of which can be gone back to) for the first whose state,
    /// as the source proves it, is not what the events make of it. `None` if already the first is
    /// not.
    async fn bisect(
        &mut self,
        source: &impl Source,
        blocks: &[BlockRef],
        proved: Option<BlockRef>,
    ) -> Result<Option<Boundary>, Failure> {
        // Undoing in thought needs the journal of everything.
        self.write(None).await?;
        self.written().await?;
        let (mut good, mut bad) = (None, blocks.len().saturating_sub(1));
        if let Some(proved) = proved {
            good = blocks.iter().position(|block| *block == proved);
        }
        if good.is_none() {
            match blocks.first() {
                Some(first) if bad > 0 && self.adds_up(source, first).await? => good = Some(0),
                _ => return Ok(None),
            }
        }
        let mut low = good.unwrap_or_default();
        while low + 1 < bad {
            let middle = low + (bad - low) / 2;
            if self.adds_up(source, &blocks[middle]).await? {
                low = middle;
            } else {
                bad = middle;
            }
        }
        Ok(Some(Boundary {
            good: blocks[low],
            bad: blocks[bad],
        }))
    }

    /// Whether the events up to `block` make the state that the source proves for it.
    async fn adds_up(&self, source: &impl Source, block: &BlockRef) -> Result<bool, Failure> {
        let evidence = source.evidence(block).await?;
        let undone = self
            .store
            .chain_journal(self.working.id, block.number)
            .await?;
        let storage = self.working.projection.storage().clone();
        let roots = tokio::task::spawn_blocking(move || roots_before(storage, undone)).await;
        Ok(roots.is_ok_and(|roots| roots == evidence.roots))
    }
}

/// The roots of a storage before changes, given as the rows before each, newest first.
fn roots_before(storage: Arc<Storage>, undone: Vec<Row>) -> Roots {
    let mut storage = Arc::unwrap_or_clone(storage);
    for row in undone {
        if let Row::Slot(contract, path, word) = row {
            storage.set(
                contract,
                path.into(),
                alloy::primitives::U256::from_be_bytes(word),
            );
        }
    }
    storage.roots()
}

/// Of which contracts the events make other roots than those that were proved.
pub(super) fn differing(events: &Roots, proved: &Roots) -> String {
    let differs = |((_, ours), theirs): &((&Contract, _), _)| ours != theirs;
    let contracts = Contract::ALL.iter().zip(events).zip(proved);
    let names = contracts
        .filter(differs)
        .map(|((contract, _), _)| match contract {
            Contract::Land => "Land",
            Contract::Model => "Model",
            Contract::Placement => "Placement",
        });
    let names = names.collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        "the contracts".to_owned() // the state as a whole is another
    } else {
        names
    }
}
