//! The blocks up to the head, range after range: the next one is asked for while the one before is
//! added up, so that neither side waits for the other.
//!
//! Blocks that are not reorganised any more are read in wide ranges. The newest are read with their
//! headers, which must form one chain with the logs in it, so that each of them can be undone.

use futures::future::try_join;
use seedbox_core::BlockRef;
use tokio::task::yield_now;

use super::{BY_HASH, CHUNK, Failure, JOURNAL_DEPTH, Reader, existing, nonsense, pace::Pace, same};
use crate::{
    Deployment,
    endpoint_error::EndpointError,
    logs::{self, EventLog},
    source::{Header, Source},
};

/// Logs that are added up before something else has its turn.
const SLICE: usize = 500;

/// A range of blocks as it was told.
struct Range {
    /// Those of its blocks that were asked for, ascending: of newest blocks all, of settled ones
    /// the last, that of the last log, and the first one of all.
    blocks: Vec<BlockRef>,
    logs: Vec<EventLog>,
    settled: bool,
}

/// What the ranges are asked of, and up to where.
struct Question<'a, S> {
    source: &'a S,
    deployment: &'a Deployment,
    head: &'a Header,
}

impl Reader {
    /// Reads the blocks from `next` to the head; `false` if what was read so far is not on the
    /// source's chain.
    pub(super) async fn read(
        &mut self,
        source: &impl Source,
        head: &Header,
        next: u64,
    ) -> Result<bool, Failure> {
        let mut pace = self.pace;
        let outcome = self.read_ranges(source, head, &mut pace, next).await;
        self.pace = pace;
        outcome
    }

    async fn read_ranges(
        &mut self,
        source: &impl Source,
        head: &Header,
        pace: &mut Pace,
        next: u64,
    ) -> Result<bool, Failure> {
        let deployment = self.deployment.clone();
        let question = Question {
            source,
            deployment: &deployment,
            head,
        };
        let mut told = question.range(pace, self.working.tip, next).await;
        while let Some(range) = told? {
            let end = range.blocks.last().copied();
            let end = end.ok_or_else(|| nonsense("a range without a block"))?;
            let following = async {
                match end.number {
                    to if to < head.block.number => {
                        Some(question.range(pace, Some(end), to + 1).await)
                    }
                    _ => None,
                }
            };
            let (added, following) = tokio::join!(self.add(source, head, range), following);
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

impl<S: Source> Question<'_, S> {
    /// The next range from `next` on; `None` if `known`, the block before it, is not on the chain.
    async fn range(
        &self,
        pace: &mut Pace,
        known: Option<BlockRef>,
        next: u64,
    ) -> Result<Option<Range>, EndpointError> {
        let settled = self.head.block.number.saturating_sub(JOURNAL_DEPTH);
        if next <= settled {
            self.settled(pace, known, next, settled).await
        } else {
            self.recent(pace, known, next).await
        }
    }

    /// Blocks so old that they are not reorganised any more.
    async fn settled(
        &self,
        pace: &mut Pace,
        known: Option<BlockRef>,
        next: u64,
        last: u64,
    ) -> Result<Option<Range>, EndpointError> {
        if let Some(known) = known
            && !same(self.source, &known).await?
        {
            return Ok(None);
        }
        let (to, logs) = pace.logs(self.source, next, last).await?;
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
            blocks.push(existing(self.source, number).await?);
        }
        let logs = logs::check(self.deployment, logs, next..=to, |number| {
            hash_of(&blocks, number)
        })?;
        Ok(Some(Range {
            blocks,
            logs,
            settled: true,
        }))
    }

    /// Blocks that may yet be reorganised.
    async fn recent(
        &self,
        pace: &mut Pace,
        known: Option<BlockRef>,
        next: u64,
    ) -> Result<Option<Range>, EndpointError> {
        let last = self.head.block.number;
        let (headers, range_logs) = if next == last {
            (vec![*self.head], None)
        } else if last - next < BY_HASH {
            (self.source.headers(next..=last).await?, None)
        } else {
            let upto = (last - BY_HASH).min(next + CHUNK - 1);
            let logs = pace.logs(self.source, next, upto);
            let (mut headers, (to, logs)) =
                try_join(self.source.headers(next..=upto), logs).await?;
            headers.retain(|header| header.block.number <= to);
            (headers, Some(logs))
        };
        let Some(blocks) = link(known, &headers, self.head)? else {
            return Ok(None);
        };
        let to = blocks.last().map_or(next, |block| block.number);
        let logs = match range_logs {
            Some(logs) => logs,
            None => self.source.logs_of(&blocks).await?,
        };
        let logs = logs::check(self.deployment, logs, next..=to, |number| {
            hash_of(&blocks, number)
        })?;
        Ok(Some(Range {
            blocks,
            logs,
            settled: false,
        }))
    }
}

fn hash_of(blocks: &[BlockRef], number: u64) -> Option<[u8; 32]> {
    let at = blocks
        .binary_search_by_key(&number, |block| block.number)
        .ok()?;
    Some(blocks[at].hash)
}

/// The blocks of `headers` if they continue `known`, `None` if they are of another fork.
fn link(
    known: Option<BlockRef>,
    headers: &[Header],
    head: &Header,
) -> Result<Option<Vec<BlockRef>>, EndpointError> {
    let first = headers.first().ok_or_else(|| nonsense("no headers"))?;
    if known.is_some_and(|known| known.hash != first.parent) {
        return Ok(None);
    }
    let linked = headers
        .windows(2)
        .all(|pair| pair[0].block.hash == pair[1].parent);
    let agrees = headers
        .iter()
        .all(|h| h.block.number != head.block.number || h.block.hash == head.block.hash);
    if !linked || !agrees {
        return Err(nonsense("headers that are not of one chain"));
    }
    Ok(Some(headers.iter().map(|header| header.block).collect()))
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
