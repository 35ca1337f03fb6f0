//! Asks for the blocks up to the head, range after range, and for the next ones before the answer
//! about the last ones is there: an endpoint that waits for us is time lost.
//!
//! Blocks that are not reorganised any more are asked for in wide ranges. The newest are asked for
//! with their headers, so that each of them can be undone.

use std::ops::RangeInclusive;

use alloy::rpc::types::Log;
use futures::{
    future::{try_join, try_join_all},
    stream::{FuturesOrdered, StreamExt},
};
use seedbox_core::BlockRef;
use tokio::sync::mpsc;
use tracing::debug;

use super::{BY_HASH, CHUNK, JOURNAL_DEPTH, existing, nonsense, pace::Pace};
use crate::{
    Deployment,
    endpoint_error::EndpointError,
    logs::{self, EventLog},
    source::{Header, Source},
};

/// A range of blocks as it was told.
pub(super) struct Told {
    range: RangeInclusive<u64>,
    chain: Chain,
    logs: Vec<Log>,
}

/// How a range hangs together with the blocks before it.
enum Chain {
    /// Blocks so old that they are not reorganised any more: the one before them, and those of
    /// them that name the state, ascending.
    Settled {
        before: Option<Header>,
        blocks: Vec<BlockRef>,
    },
    /// Each block.
    Recent(Vec<Header>),
}

/// A range that continues what was read, and holds together.
pub(super) struct Range {
    /// Those of its blocks that were asked for, ascending: of newest blocks all, of settled ones
    /// the last, that of the last log, and the first one of all.
    pub(super) blocks: Vec<BlockRef>,
    pub(super) logs: Vec<EventLog>,
    pub(super) settled: bool,
}

impl Told {
    /// `None` if `known`, the block before it, is not on the chain.
    ///
    /// # Errors
    /// [`EndpointError::Nonsense`] if its parts do not fit together.
    pub(super) fn after(
        self,
        known: Option<BlockRef>,
        deployment: &Deployment,
        head: &Header,
    ) -> Result<Option<Range>, EndpointError> {
        let settled = matches!(self.chain, Chain::Settled { .. });
        let blocks = match self.chain {
            Chain::Settled { before, blocks } => {
                let before = before.map(|header| header.block.hash);
                let continues = known.is_none_or(|known| before == Some(known.hash));
                continues.then_some(blocks)
            }
            Chain::Recent(headers) => link(known, &headers, head)?,
        };
        let Some(blocks) = blocks else {
            return Ok(None);
        };
        let hash_of = |number| {
            let at = blocks.binary_search_by_key(&number, |block: &BlockRef| block.number);
            Some(blocks[at.ok()?].hash)
        };
        let logs = logs::check(deployment, self.logs, self.range, hash_of)?;
        Ok(Some(Range {
            blocks,
            logs,
            settled,
        }))
    }
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

/// Whom the ranges are asked of, and up to where.
pub(super) struct Question<'a, S> {
    pub(super) source: &'a S,
    /// The first block of all.
    pub(super) start: u64,
    pub(super) head: &'a Header,
}

impl<S: Source> Question<'_, S> {
    /// Asks for the blocks from `next` to the head and hands on what is told, in order. Ends early
    /// when nobody wants to hear more.
    pub(super) async fn ask(
        &self,
        pace: &mut Pace,
        mut next: u64,
        tell: mpsc::Sender<Told>,
    ) -> Result<(), EndpointError> {
        let head = self.head.block.number;
        let mut asked = FuturesOrdered::new();
        loop {
            while next <= head && asked.len() < pace.at_once() {
                let to = self.end(pace, next);
                asked.push_back(self.range(next, to));
                next = to + 1;
            }
            let Some((from, to, answer)) = asked.next().await else {
                return Ok(());
            };
            match answer {
                Ok(told) => {
                    pace.got(to - from + 1, told.logs.len() as u64);
                    if tell.send(told).await.is_err() {
                        return Ok(());
                    }
                }
                Err(error) if pace.failed(to - from + 1, &error) => {
                    asked.clear();
                    next = from;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Where the range from `next` on ends. No range reaches from the settled blocks into the
    /// recent ones, or from those into the newest.
    fn end(&self, pace: &Pace, next: u64) -> u64 {
        let (head, settled) = (self.head.block.number, self.settled_up_to());
        if next <= settled {
            pace.end(next, settled)
        } else if head - next < BY_HASH {
            head
        } else {
            pace.end(next, (head - BY_HASH).min(next + CHUNK - 1))
        }
    }

    /// The newest block that is not reorganised any more.
    const fn settled_up_to(&self) -> u64 {
        self.head.block.number.saturating_sub(JOURNAL_DEPTH)
    }

    async fn range(&self, from: u64, to: u64) -> (u64, u64, Result<Told, EndpointError>) {
        let told = if from <= self.settled_up_to() {
            self.settled(from, to).await
        } else {
            self.recent(from, to).await
        };
        let told = told.map(|(chain, logs)| {
            debug!(from, to, logs = logs.len(), "read logs");
            Told {
                range: from..=to,
                chain,
                logs,
            }
        });
        (from, to, told)
    }

    async fn settled(&self, from: u64, to: u64) -> Result<(Chain, Vec<Log>), EndpointError> {
        let before = async {
            match from.checked_sub(1).filter(|_| from > self.start) {
                Some(before) => self.source.header(before).await,
                None => Ok(None),
            }
        };
        let (before, logs) = try_join(before, self.source.logs(from..=to)).await?;
        let newest = logs.iter().filter_map(|log| log.block_number).max();
        let mut numbers = vec![to];
        numbers.extend(newest.filter(|number| (from..to).contains(number)));
        if from <= self.start {
            numbers.push(from);
        }
        numbers.sort_unstable();
        numbers.dedup();
        let mut headers = Vec::with_capacity(numbers.len());
        for number in numbers {
            headers.push(existing(self.source, number));
        }
        let blocks = try_join_all(headers).await?;
        Ok((Chain::Settled { before, blocks }, logs))
    }

    async fn recent(&self, from: u64, to: u64) -> Result<(Chain, Vec<Log>), EndpointError> {
        let head = self.head.block.number;
        let (headers, logs) = if to + BY_HASH <= head {
            try_join(self.source.headers(from..=to), self.source.logs(from..=to)).await?
        } else {
            let headers = match from == head {
                true => vec![*self.head],
                false => self.source.headers(from..=to).await?,
            };
            let blocks: Vec<_> = headers.iter().map(|header| header.block).collect();
            let logs = self.source.logs_of(&blocks).await?;
            (headers, logs)
        };
        Ok((Chain::Recent(headers), logs))
    }
}
