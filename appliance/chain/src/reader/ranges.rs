//! What was told, range after range, becomes part of what was read while the next ranges are asked
//! for, so that neither side waits for the other.

use seedbox_core::BlockRef;
use tokio::{sync::mpsc, task::yield_now};

use super::{
    Failure, JOURNAL_DEPTH, Reader,
    asking::{Question, Range, Told},
    existing, nonsense,
};
use crate::{
    endpoint_error::EndpointError,
    logs::EventLog,
    source::{Header, Source},
};

/// Logs that are added up before something else has its turn.
const SLICE: usize = 500;

/// Ranges that wait to be added up.
const WAITING: usize = 1;

impl Reader {
    /// Reads the blocks from `next` to the head; `false` if what was read so far is not on the
    /// source's chain.
    pub(super) async fn read(
        &mut self,
        source: &impl Source,
        head: &Header,
        next: u64,
    ) -> Result<bool, Failure> {
        let question = Question {
            source,
            start: self.deployment.block,
            head,
        };
        let mut pace = self.pace;
        let (tell, told) = mpsc::channel(WAITING);
        let (added, asked) = tokio::join!(
            self.add_all(source, head, told),
            question.ask(&mut pace, next, tell)
        );
        self.pace = pace;
        let continues = added?;
        if continues {
            asked?;
        }
        Ok(continues)
    }

    async fn add_all(
        &mut self,
        source: &impl Source,
        head: &Header,
        mut told: mpsc::Receiver<Told>,
    ) -> Result<bool, Failure> {
        while let Some(told) = told.recv().await {
            let Some(range) = told.after(self.working.tip, &self.deployment, head)? else {
                return Ok(false);
            };
            self.add(source, head, range).await?;
            self.show_position();
        }
        Ok(true)
    }

    /// Makes a range part of what was read. Not to be broken off: then the state would be ahead of
    /// the blocks.
    async fn add(
        &mut self,
        source: &impl Source,
        head: &Header,
        range: Range,
    ) -> Result<(), Failure> {
        let Range {
            mut blocks,
            logs,
            settled,
        } = range;
        let mut changes = Vec::new();
        for slice in logs.chunks(SLICE) {
            changes.extend(self.project(slice));
            yield_now().await;
        }
        // It names the state. Only a last log that says nothing new leaves it to be asked for.
        let number = changes.last().map(|change| change.block);
        if let Some(number) = number.filter(|n| !blocks.iter().any(|block| block.number == *n)) {
            match changing(source, number, &logs).await {
                Ok(block) => blocks.push(block),
                Err(error) => {
                    self.take_back(changes);
                    return Err(error.into());
                }
            }
            blocks.sort_by_key(|block| block.number);
        }
        let last = blocks.last().map_or(0, |block| block.number);
        let floor = match settled {
            true => last,
            false => head.block.number.saturating_sub(JOURNAL_DEPTH),
        };
        self.working.floor = self.working.floor.max(floor);
        self.commit(blocks, changes, last == head.block.number)
            .await
    }
}

/// The block of the last change, which must be the one that its logs name.
async fn changing(
    source: &impl Source,
    number: u64,
    logs: &[EventLog],
) -> Result<BlockRef, EndpointError> {
    let block = existing(source, number).await?;
    let mut own = logs.iter().filter(|log| log.block == number);
    if !own.all(|log| log.log.block_hash.is_some_and(|hash| hash.0 == block.hash)) {
        return Err(nonsense("a log that is not in the block it names"));
    }
    Ok(block)
}
