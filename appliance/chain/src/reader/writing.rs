//! What was read goes into the store and on show, with as few writes as the flash memory deserves.

use std::time::Duration;

use seedbox_core::{AsOf, BlockRef, UnixTime};
use seedbox_store::chain::Batch;
use tokio::time::Instant;

use super::{Failure, Reader};
use crate::working::{Change, Unwritten};

/// Seconds between two writes that only say that nothing happened: flash memory wears out.
const QUIET: u64 = 60;

/// Changed rows that are worth a write while old blocks are read, and how long fewer of them may
/// wait: 30 MB. The same rows change again and again: the more at once, the less is written. What
/// can wait until the map is shown keeps nobody waiting.
const WORTH: usize = 400_000;
const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl Reader {
    /// Makes `blocks` part of what was read. What reaches the head is written together with its
    /// proof, see [`Self::confirm`].
    pub(super) async fn commit(
        &mut self,
        blocks: Vec<BlockRef>,
        changes: Vec<Change>,
        at_head: bool,
    ) -> Result<(), Failure> {
        self.working.remember(blocks, changes);
        let enough = self.working.unwritten.rows.len() >= WORTH;
        let waits = !enough && self.written.elapsed() < LONGEST_WAIT;
        if waits || (at_head && self.working.complete) {
            return Ok(());
        }
        self.write(None).await
    }

    fn due(&self, now: UnixTime) -> bool {
        self.written_at
            .is_none_or(|at| now.seconds_since(at) >= QUIET)
    }

    /// Begins to write what was not written; meanwhile the next can be read.
    pub(super) async fn write(&mut self, observed_at: Option<UnixTime>) -> Result<(), Failure> {
        self.written().await?;
        self.written_at = observed_at.or(self.written_at);
        self.written = Instant::now();
        // Taken out before the wait: if the wait is cancelled they are written or read again,
        // never written twice.
        let Unwritten { blocks, rows, undo } = std::mem::take(&mut self.working.unwritten);
        self.working.unproved =
            self.working.proved != self.working.tip && (self.working.unproved || !rows.is_empty());
        let (floor, changed) = if blocks.is_empty() {
            (0, None)
        } else {
            (self.working.floor, self.working.changed_by().1)
        };
        let batch = Batch {
            floor,
            changed,
            blocks,
            rows,
            undo,
            observed_at,
            proved: self.working.proved.map(|block| block.number),
        };
        let (store, id) = (self.store.clone(), self.working.id);
        let writing = async move { store.apply_chain_batch(id, batch).await };
        self.writing = Some(tokio::spawn(writing));
        Ok(())
    }

    /// Waits until what was begun is written.
    pub(super) async fn written(&mut self) -> Result<(), Failure> {
        let Some(writing) = &mut self.writing else {
            return Ok(());
        };
        // It neither panics nor is it broken off, unless the runtime ends.
        let written = writing.await.unwrap_or(Err(seedbox_store::Error::Closed));
        self.writing = None;
        Ok(written?)
    }

    /// The head was reached: this state is now the one to be served.
    pub(super) async fn confirm(&mut self, now: UnixTime) -> Result<(), Failure> {
        // Blocks without events wait: after a power cut they are simply read again.
        let news = self.working.unproved || !self.working.unwritten.rows.is_empty();
        if news || self.due(now) {
            self.write(Some(now)).await?;
        }
        let changed = std::mem::take(&mut self.working.changed) || !self.working.complete;
        let tip = self.working.tip;
        let (changed_by, _) = self.working.changed_by();
        let grid = changed.then(|| self.working.projection.grid(tip, changed_by).into());
        // Shown while it is still being written: after a power cut it is read and proved again.
        self.view.send_modify(|view| {
            view.grid = grid.unwrap_or_else(|| view.grid.clone());
            view.as_of = tip.map(|block| AsOf {
                block,
                observed_at: now,
            });
            view.rereading = false;
        });
        self.written().await?;
        if !self.working.complete {
            self.store.complete_chain_reading(self.working.id).await?;
            self.working.complete = true;
        }
        Ok(())
    }

    /// Writes what still waits to be written.
    pub(crate) async fn flush(&mut self) -> Result<(), seedbox_store::Error> {
        let observed_at = self.view.borrow().as_of.map(|as_of| as_of.observed_at);
        let observed_at = observed_at.filter(|_| self.working.complete);
        let written = match self.write(observed_at).await {
            Ok(()) => self.written().await,
            failed => failed,
        };
        match written {
            Err(Failure::Store(error)) => Err(error),
            Ok(()) | Err(Failure::Endpoint(_)) => Ok(()),
        }
    }
}
