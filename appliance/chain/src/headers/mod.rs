//! Who vouches for the block headers that everything else is proved against: one endpoint, several
//! that agree, or Ethereum's validators.
//!
//! A header that comes from here is where a proof may begin: its state root is as good as its
//! level of [`Trust`] says, and no better. The [`watcher`] asks the configured source and
//! publishes what it says.

mod asked;
mod beacon;
mod finalized;
mod quorum;
mod rpc;
mod watcher;
mod witness;

use std::time::Duration;

use seedbox_core::{BlockRef, Trust, TrustStatus, UnixTime, VouchedBlock};

use crate::{
    Config, Deployment, Error, TrustSetting,
    endpoint_error::EndpointError,
    endpoints,
    headers::{
        beacon::HttpBeacon, finalized::Finalized, quorum::Quorum, rpc::Rpc,
        witness::EndpointWitness,
    },
};

pub(crate) use watcher::Watcher;
pub(crate) use witness::Seen;

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
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeaderError {
    /// Nobody who was asked could be believed; the most telling reason.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Too few endpoints say the same.
    #[error("{needed} endpoints have to say the same about block {height}, and only {agree} do")]
    NoQuorum {
        /// How many say the same, at most.
        agree: usize,
        /// How many have to.
        needed: u8,
        /// The block in question.
        height: u64,
    },
    /// Too few endpoints answer.
    #[error("{needed} endpoints have to say the same, and only {heard} answer")]
    TooFew {
        /// How many answer.
        heard: usize,
        /// How many have to agree.
        needed: u8,
    },
    /// The box's own memory failed.
    #[error(transparent)]
    Store(#[from] seedbox_store::Error),
}

/// What the rest of the crate watches: the last header that was vouched for and how its source is
/// doing. The header stays while its source is silent; its age is in the status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Vouched {
    /// The newest header, `None` before the first.
    pub(crate) header: Option<VouchedHeader>,
    /// A newer one that is vouched for less, where there is one: [`Trust::Signed`].
    pub(crate) signed: Option<VouchedHeader>,
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

    /// A header newer than that one and vouched for less, but for more than by one endpoint.
    fn signed(&self) -> Option<VouchedHeader> {
        None
    }

    /// How it is doing, for the owner. EndpointWitness are named by scheme, host and port alone.
    fn status(&self, now: UnixTime) -> TrustStatus;

    /// How long to wait before asking again.
    fn pace(&self) -> Duration;
}

/// The configured source.
pub(crate) enum Configured {
    Rpc(Rpc<EndpointWitness>),
    Quorum(Quorum<EndpointWitness>),
    Finalized(Box<Finalized<HttpBeacon>>),
}

impl Configured {
    /// Reads the configured addresses; nothing is connected yet.
    ///
    /// # Errors
    /// [`Error::Endpoint`] or [`Error::Beacon`] if one of them is no URL.
    pub(crate) fn new(
        config: &Config,
        deployment: &Deployment,
        store: &seedbox_store::Store,
    ) -> Result<Self, Error> {
        let witnesses = || EndpointWitness::all(config, deployment);
        Ok(match &config.trust {
            TrustSetting::Rpc | TrustSetting::Unproved => {
                Self::Rpc(Rpc::new(witnesses()?, config.poll_interval))
            }
            TrustSetting::Quorum { agree } => {
                Self::Quorum(Quorum::new(witnesses()?, *agree, config.poll_interval))
            }
            TrustSetting::Finalized(setting) => {
                let beacons = setting
                    .beacon
                    .iter()
                    .enumerate()
                    .map(|(index, address)| {
                        let beacon = endpoints::parse(address)
                            .and_then(|url| HttpBeacon::new(url, config.request_timeout));
                        beacon.map_err(|reason| Error::Beacon {
                            number: index + 1,
                            reason,
                        })
                    })
                    .collect::<Result<_, _>>()?;
                let network = setting.network.clone();
                let source = Finalized::new(network, setting.checkpoint, beacons, store.clone());
                Self::Finalized(Box::new(source))
            }
        })
    }
}

impl HeaderSource for Configured {
    async fn newest(&mut self, now: UnixTime) -> Result<VouchedHeader, HeaderError> {
        match self {
            Self::Rpc(source) => source.newest(now).await,
            Self::Quorum(source) => source.newest(now).await,
            Self::Finalized(source) => source.newest(now).await,
        }
    }

    fn signed(&self) -> Option<VouchedHeader> {
        match self {
            Self::Rpc(source) => source.signed(),
            Self::Quorum(source) => source.signed(),
            Self::Finalized(source) => source.signed(),
        }
    }

    fn status(&self, now: UnixTime) -> TrustStatus {
        match self {
            Self::Rpc(source) => source.status(now),
            Self::Quorum(source) => source.status(now),
            Self::Finalized(source) => source.status(now),
        }
    }

    fn pace(&self) -> Duration {
        match self {
            Self::Rpc(source) => source.pace(),
            Self::Quorum(source) => source.pace(),
            Self::Finalized(source) => source.pace(),
        }
    }
}
