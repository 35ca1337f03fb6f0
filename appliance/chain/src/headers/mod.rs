//! Who vouches for the block headers that everything else is proved against: one endpoint, several
//! that agree, or Ethereum's validators.
//!
//! A header that comes from here is where a proof may begin: its state root is as good as its
//! level of [`Trust`] says, and no better.

use seedbox_core::{BlockRef, Trust, TrustStatus, UnixTime, VouchedBlock};

use crate::endpoint_error::EndpointError;

/// An execution block's header with who vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VouchedHeader {
    /// Height, hash and timestamp.
    pub(crate) block: BlockRef,
    /// Root of the state after this block: what account proofs (EIP-1186) end at.
    pub(crate) state_root: [u8; 32],
    /// Who vouches for all of this.
    pub(crate) trust: Trust,
    /// Slot of the beacon block that carries it, where that is known.
    pub(crate) slot: Option<u64>,
}

impl VouchedHeader {
    /// The part of it that the owner is shown.
    pub(crate) fn shown(&self) -> VouchedBlock {
        VouchedBlock {
            block: self.block,
            trust: self.trust,
            slot: self.slot,
        }
    }
}

/// Why there is no newer header. The last one stays as good as it was; only its age grows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    /// No endpoint could be asked.
    #[error("no endpoint tells of headers: {0}")]
    Endpoint(#[from] EndpointError),
    /// The box's own memory failed, in words.
    #[error("the box's memory failed: {0}")]
    Store(String),
}

/// What the rest of the crate watches: the last header that was vouched for and how its source is
/// doing. The header stays while its source is silent; its age is in the status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Vouched {
    /// The newest header, `None` before the first.
    pub(crate) header: Option<VouchedHeader>,
    /// For the owner.
    pub(crate) status: TrustStatus,
}

/// Somebody who vouches for headers.
pub(crate) trait HeaderSource {
    /// The newest header that can be vouched for at `now`. Never older than the one given before,
    /// except that a [`Trust::Rpc`] or [`Trust::Quorum`] chain may reorganise.
    ///
    /// # Errors
    /// [`HeaderError`]: nothing new can be vouched for. Asking again later is always right.
    async fn newest(&mut self, now: UnixTime) -> Result<VouchedHeader, HeaderError>;

    /// How it is doing, for the owner. Endpoints are named by scheme, host and port alone.
    fn status(&self, now: UnixTime) -> TrustStatus;
}
