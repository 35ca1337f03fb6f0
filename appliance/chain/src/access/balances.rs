//! What a wallet has: CYBR proved by one storage slot, parcels counted on the proved grid.

use std::time::Duration;

use alloy::primitives::U256;
use seedbox_core::{WalletAddress, votes::Measure};
use tokio::sync::{Semaphore, watch};

use super::{pass::check_word, standing, voices::Voices};
use crate::{Config, Deployment, Error, storage::entry, view::View};

/// Slot of the balances' mapping in Cybr, for ever.
const BALANCES: U256 = U256::ZERO;

/// Balances that are asked at the same time.
const AT_ONCE: usize = 4;

/// Looks into wallets.
pub(crate) struct Balances {
    voices: Voices,
    chain_id: u64,
    cybr: Option<WalletAddress>,
    stale_after: Duration,
    view: watch::Receiver<View>,
    turns: Semaphore,
}

impl Balances {
    /// # Errors
    /// [`Error::Endpoint`] if an address is no URL.
    pub(crate) fn new(
        config: &Config,
        deployment: &Deployment,
        stale_after: Duration,
        view: watch::Receiver<View>,
    ) -> Result<Self, Error> {
        Ok(Self {
            voices: Voices::new(config, deployment, config.trust.voices())?,
            chain_id: deployment.chain_id,
            cybr: deployment.cybr,
            stale_after,
            view,
            turns: Semaphore::new(AT_ONCE),
        })
    }

    pub(crate) const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// What a wallet has now; the most that 128 bits hold if it is more.
    pub(crate) async fn of(&self, wallet: WalletAddress, measure: Measure) -> Result<u128, Error> {
        let (standing, grid) = {
            let view = self.view.borrow();
            (standing(&view, self.stale_after)?, view.grid.clone())
        };
        if measure == Measure::Land {
            let owned = grid.parcels.values().filter(|state| state.owner == wallet);
            return Ok(owned.count() as u128);
        }
        let cybr = self.cybr.ok_or(Error::NoCybr)?;
        let _turn = self.turns.try_acquire().map_err(|_| Error::Busy)?;
        let anchor = &standing.anchor;
        let slot = entry(U256::from_be_slice(&wallet.0), BALANCES);
        let check = |told| Ok(check_word(anchor, cybr, slot, told)?.value.saturating_to());
        let told = self.voices.proof(cybr, slot, anchor, check).await;
        told.map_err(|error| Error::Unanswered {
            block: anchor.block.number,
            age: seedbox_clock::now().seconds_since(standing.observed_at),
            reason: error.to_string(),
        })
    }
}
