//! Blocks so old that they are not reorganised any more, in wide ranges: the next range is asked
//! for while the one before is added up, so that neither side waits for the other.

use seedbox_core::BlockRef;
use tokio::task::yield_now;

use super::{Failure, Reader, existing, nonsense, pace::Pace};
use crate::{
    Deployment,
    endpoint_error::EndpointError,
    logs::{self, EventLog},
    source::Source,
};

/// Logs that are added up before something else has its turn.
const SLICE: usize = 500;

/// A range of blocks as it was told.
struct Range {
    /// Those of its blocks that were asked for, ascending: the last, that of the last log, and the
    /// first one of all.
    blocks: Vec<BlockRef>,
    logs: Vec<EventLog>,
}

impl Reader {
    /// Reads the blocks from `next` to `last`; `false` if what was read so far is not on the
    /// source's chain.
    pub(super) async fn read_settled(
        &mut self,
        source: &impl Source,
        next: u64,
        last: u64,
    ) -> Result<bool, Failure> {
        let mut pace = self.pace;
        let outcome = self.read_ranges(source, &mut pace, next, last).await;
        self.pace = pace;
        outcome
    }

    async fn read_ranges(
        &mut self,
        source: &impl Source,
        pace: &mut Pace,
        next: u64,
        last: u64,
    ) -> Result<bool, Failure> {
        let deployment = self.deployment.clone();
        let known = self.working.tip;
        let mut told = told(source, &deployment, pace, known, next, last).await;
        while let Some(range) = told? {
            let end = range.blocks.last().copied();
            let end = end.ok_or_else(|| nonsense("a range without a block"))?;
            let following = async {
                match end.number {
                    to if to < last => {
                        Some(self::told(source, &deployment, pace, Some(end), to + 1, last).await)
                    }
                    _ => None,
                }
            };
            let (added, following) = tokio::join!(self.add(source, range), following);
            added?;
            self.show_position();
            match following {
                Some(following) => told = following,
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Makes a range part of what was read. Not to be broken off: then the state would be ahead of
    /// the blocks.
    async fn add(&mut self, source: &impl Source, range: Range) -> Result<(), Failure> {
        let Range { mut blocks, logs } = range;
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
        }
        blocks.sort_by_key(|block| block.number);
        self.working.floor = blocks.last().map_or(0, |block| block.number);
        self.commit(blocks, changes, false).await
    }
}

/// The next range from `next` on; `None` if `known`, the block before it, is not on the chain.
async fn told(
    source: &impl Source,
    deployment: &Deployment,
    pace: &mut Pace,
    known: Option<BlockRef>,
    next: u64,
    last: u64,
) -> Result<Option<Range>, EndpointError> {
    if let Some(known) = known
        && !super::same(source, &known).await?
    {
        return Ok(None);
    }
    let (to, logs) = pace.logs(source, next, last).await?;
    let newest = logs.iter().filter_map(|log| log.block_number).max();
    let mut numbers = vec![to];
    numbers.extend(newest.filter(|number| (next..to).contains(number)));
    if known.is_none() {
        numbers.push(next);
    }
    numbers.sort_unstable();
    numbers.dedup();
    let mut blocks = Vec::with_capacity(numbers.len());
    for number in numbers {
        blocks.push(existing(source, number).await?);
    }
    let logs = logs::check(deployment, logs, next..=to, |number| {
        let block = blocks.iter().find(|block| block.number == number);
        block.map(|block| block.hash)
    })?;
    Ok(Some(Range { blocks, logs }))
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
