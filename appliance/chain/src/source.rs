//! What the reader asks of a chain, apart from who answers: an endpoint, or a made-up chain in the
//! tests.

use std::ops::RangeInclusive;

use alloy::rpc::types::Log;
use seedbox_core::BlockRef;

use crate::{endpoint_error::EndpointError, evidence::Evidence};

/// A block's place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) block: BlockRef,
    pub(crate) parent: [u8; 32],
}

/// Somebody who answers questions about the chain. Every answer is a stranger's word: headers have
/// the number that was asked for, and nothing else about them or the logs is checked here.
pub(crate) trait Source {
    /// Checks that this is the right chain and that the contracts are on it.
    async fn verify(&self) -> Result<(), EndpointError>;
    /// The newest block.
    async fn head(&self) -> Result<Header, EndpointError>;
    /// The block at a height, `None` beyond the head.
    async fn header(&self, number: u64) -> Result<Option<Header>, EndpointError>;
    /// The blocks of a range in ascending order.
    async fn headers(&self, numbers: RangeInclusive<u64>) -> Result<Vec<Header>, EndpointError>;
    /// The contracts' logs in a range of blocks.
    async fn logs(&self, numbers: RangeInclusive<u64>) -> Result<Vec<Log>, EndpointError>;
    /// The contracts' logs in these very blocks, one after the other. Unlike a range this cannot
    /// silently be about other blocks.
    async fn logs_of(&self, blocks: &[BlockRef]) -> Result<Vec<Log>, EndpointError>;
    /// The contracts' storage roots at a block, proved against its hash. This answer is checked.
    async fn evidence(&self, block: &BlockRef) -> Result<Evidence, EndpointError>;
}
