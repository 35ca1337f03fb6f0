//! How many blocks one question is about: as many as make a good answer and the endpoint likes. Two
//! questions at once, so that the endpoint need not wait until an answer is read.

use std::ops::RangeInclusive;

use alloy::rpc::types::Log;
use futures::future::try_join;
use tracing::{debug, info};

use crate::{endpoint_error::EndpointError, source::Source};

/// Blocks in one range of old ones, at first and at most.
const FIRST: u64 = 256;
const MOST: u64 = 50_000;

/// Logs in a range that are enough: some megabytes of JSON, which have to be held in memory.
const ENOUGH: u64 = 12_000;

/// The number of blocks to ask for next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    blocks: u64,
    /// An endpoint has complained; then it is approached slowly.
    refused: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            blocks: FIRST,
            refused: false,
        }
    }
}

impl Pace {
    /// The logs from `next` on, as far as `last` or as the endpoint likes, and how far that is.
    pub(super) async fn logs(
        &mut self,
        source: &impl Source,
        next: u64,
        last: u64,
    ) -> Result<(u64, Vec<Log>), EndpointError> {
        loop {
            let to = last.min(next.saturating_add(self.blocks - 1));
            match self.ask(source, next..=to).await {
                Ok(logs) => {
                    self.got(to - next + 1, logs.len() as u64);
                    return Ok((to, logs));
                }
                Err(error) if to > next && error.asks_for_less() => {
                    *self = Self {
                        blocks: (to - next).div_ceil(2),
                        refused: true,
                    };
                    info!(blocks = self.blocks, "reading fewer blocks at once");
                }
                Err(error) => {
                    if matches!(error, EndpointError::Timeout(_)) {
                        self.blocks = (to - next).div_ceil(2).max(1);
                        self.refused = true;
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Asks for the two halves of a range at once, unless the endpoint has complained.
    async fn ask(
        &self,
        source: &impl Source,
        range: RangeInclusive<u64>,
    ) -> Result<Vec<Log>, EndpointError> {
        let (from, to) = (*range.start(), *range.end());
        if self.refused || from == to {
            return ask(source, range).await;
        }
        let middle = from + (to - from) / 2;
        let halves = (ask(source, from..=middle), ask(source, middle + 1..=to));
        let (mut logs, others) = try_join(halves.0, halves.1).await?;
        logs.extend(others);
        Ok(logs)
    }

    fn got(&mut self, blocks: u64, logs: u64) {
        let fitting = (blocks * ENOUGH / logs.max(1)).max(1);
        if fitting < self.blocks {
            self.blocks = fitting;
        } else if blocks == self.blocks {
            // Only a range that was used in full says that a wider one may do.
            let step = if self.refused {
                self.blocks / 4 + 1
            } else {
                self.blocks
            };
            self.blocks = (self.blocks + step).min(fitting).min(MOST);
        }
    }
}

async fn ask(source: &impl Source, range: RangeInclusive<u64>) -> Result<Vec<Log>, EndpointError> {
    let (from, to) = (*range.start(), *range.end());
    let logs = source.logs(range).await?;
    debug!(from, to, logs = logs.len(), "read logs");
    Ok(logs)
}
