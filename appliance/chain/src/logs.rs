//! Checks that an endpoint's logs can be what they claim before any of them counts.

use std::ops::RangeInclusive;

use alloy::rpc::types::Log;

use crate::{Deployment, contracts::contract_of, endpoint_error::EndpointError};

/// A log with the height of its block.
#[derive(Debug)]
pub(crate) struct EventLog {
    pub(crate) block: u64,
    pub(crate) log: Log,
}

/// Puts `logs` in the order of the chain. `hash_of` gives the hash of those blocks in `range`
/// whose header is known.
///
/// # Errors
/// [`EndpointError::Nonsense`] for a log of another contract, range or fork, a pending or removed
/// one, or one that comes twice.
pub(crate) fn check(
    deployment: &Deployment,
    logs: Vec<Log>,
    range: RangeInclusive<u64>,
    hash_of: impl Fn(u64) -> Option<[u8; 32]>,
) -> Result<Vec<EventLog>, EndpointError> {
    let mut placed = Vec::with_capacity(logs.len());
    for log in logs {
        let (Some(block), Some(hash), Some(index)) =
            (log.block_number, log.block_hash, log.log_index)
        else {
            return Err(nonsense("a log without its block"));
        };
        if log.removed || !range.contains(&block) {
            return Err(nonsense("a log of a block that was not asked for"));
        }
        if contract_of(deployment, &log).is_err() {
            return Err(nonsense("a log of a contract that was not asked for"));
        }
        if hash_of(block).is_some_and(|known| known != hash.0) {
            return Err(nonsense("a log that is not in the block it names"));
        }
        placed.push((index, EventLog { block, log }));
    }
    placed.sort_by_key(|(index, log)| (log.block, *index));
    let place = |entry: &(u64, EventLog)| (entry.1.block, entry.0);
    if placed
        .windows(2)
        .any(|pair| place(&pair[0]) == place(&pair[1]))
    {
        return Err(nonsense("one log twice"));
    }
    Ok(placed.into_iter().map(|(_, log)| log).collect())
}

fn nonsense(what: &str) -> EndpointError {
    EndpointError::Nonsense(what.into())
}
