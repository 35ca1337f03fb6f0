//! The service's task: owns the linked wallets, takes orders, publishes what the follower learns.

use std::sync::Arc;

use seedbox_core::{ChainStatus, LandGrid, Owned};
use seedbox_store::Store;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error, Handle,
    handle::{Order, QUEUE},
};

/// The chain service, ready to run.
pub struct Service {
    config: Config,
    store: Store,
    orders: mpsc::Receiver<Order>,
    status: watch::Sender<ChainStatus>,
    grid: watch::Sender<Arc<LandGrid>>,
    owned: watch::Sender<Arc<Owned>>,
}

impl Service {
    /// Loads the last known state from the store, so that the handle shows it before any endpoint
    /// has answered.
    ///
    /// # Errors
    /// [`Error::Endpoint`] if a configured endpoint is no URL, [`Error::Store`] if the state cannot
    /// be read.
    pub async fn new(config: Config, store: Store) -> Result<(Self, Handle), Error> {
        let (order_sender, orders) = mpsc::channel(QUEUE);
        let (status, status_receiver) = watch::channel(ChainStatus::default());
        let (grid, grid_receiver) = watch::channel(Arc::default());
        let (owned, owned_receiver) = watch::channel(Arc::default());
        let service = Self {
            config,
            store,
            orders,
            status,
            grid,
            owned,
        };
        let handle = Handle {
            orders: order_sender,
            status: status_receiver,
            grid: grid_receiver,
            owned: owned_receiver,
        };
        Ok((service, handle))
    }

    /// Follows the chain until cancelled.
    ///
    /// # Errors
    /// [`Error::Store`] if the state can no longer be written.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), Error> {
        cancel.cancelled().await;
        drop((self.config, self.store, self.orders));
        drop((self.status, self.grid, self.owned));
        Ok(())
    }
}
