//! What to do when an endpoint's chain is not the one that was read: go back, begin again, or do
//! nothing because the endpoint is merely behind.

use seedbox_core::BlockRef;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::{Failure, Reader, audit::Ledger, nonsense};
use crate::{
    endpoint_error::EndpointError,
    source::{Header, Source},
    working::Working,
};

impl Reader {
    /// The source's chain is not the one read so far: goes back to the last common block, or
    /// begins again if there is none. An endpoint that is merely behind changes nothing.
    pub(super) async fn reconcile(
        &mut self,
        source: &impl Source,
        head: &Header,
    ) -> Result<(), Failure> {
        let Some(tip) = self.working.tip else {
            return Ok(());
        };
        let upto = head.block.number.min(tip.number);
        let behind = EndpointError::Behind {
            head: head.block.number,
            tip: tip.number,
        };
        let undoable = self.working.undoable(upto);
        match last_common(source, &undoable).await? {
            Some(common) if common.number < upto => self.rewind(common).await,
            Some(_) if head.block.number < tip.number => Err(behind.into()),
            Some(_) => Err(nonsense("its blocks change from one answer to the next").into()),
            None => match self.working.first() {
                Some(first) if head.block.number < first.number => {
                    let (head, start) = (head.block.number, first.number);
                    Err(EndpointError::BeforeStart { head, start }.into())
                }
                Some(first) if upto < self.working.floor && same(source, &first).await? => {
                    Err(behind.into())
                }
                _ => self.replace(source).await,
            },
        }
    }

    async fn rewind(&mut self, to: BlockRef) -> Result<(), Failure> {
        let from = self.working.tip.map(|tip| tip.number);
        info!(from, to = to.number, "the chain was reorganised");
        self.go_back(to).await?;
        self.view.send_modify(|view| view.reorgs += 1);
        Ok(())
    }

    /// Undoes every block after `to`.
    pub(super) async fn go_back(&mut self, to: BlockRef) -> Result<(), Failure> {
        let started = Instant::now();
        // All of it, because undoing needs the journal of it.
        self.write(None).await?;
        self.written().await?;
        let restored = self
            .store
            .undo_chain_blocks(self.working.id, to.number)
            .await?;
        let rows = restored.len();
        self.working.restore(to, restored);
        let milliseconds = started.elapsed().as_secs_f64() * 1e3;
        debug!(milliseconds, rows, to = to.number, "undid later blocks");
        self.view.send_modify(|view| view.forget_after(to.number));
        Ok(())
    }

    /// Reads everything anew; what was read before is served until that is done.
    pub(super) async fn begin_again(&mut self, source: &impl Source) -> Result<(), Failure> {
        // Only an endpoint that has the right chain and the contracts may make the box start over.
        source.verify().await?;
        warn!("reading the chain again from the contracts' first block");
        let id = self
            .store
            .begin_chain_reading(self.deployment.source())
            .await?;
        self.working = Working::new(id);
        self.ledger = Ledger::default();
        self.written_at = None;
        self.view
            .send_modify(|view| view.rereading = view.as_of.is_some());
        Ok(())
    }

    async fn replace(&mut self, source: &impl Source) -> Result<(), Failure> {
        self.begin_again(source).await?;
        self.view.send_modify(|view| view.reorgs += 1);
        Ok(())
    }
}

/// The newest of `blocks` (ascending) that is on the source's chain.
async fn last_common(
    source: &impl Source,
    blocks: &[BlockRef],
) -> Result<Option<BlockRef>, EndpointError> {
    let (mut low, mut high) = (0, blocks.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if same(source, &blocks[middle]).await? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low.checked_sub(1).map(|last| blocks[last]))
}

pub(super) async fn same(source: &impl Source, block: &BlockRef) -> Result<bool, EndpointError> {
    let header = source.header(block.number).await?;
    Ok(header.is_some_and(|header| header.block.hash == block.hash))
}
