//! What the rest of the box sees: puts the reader's view, the endpoints' states and the linked
//! wallets together, and publishes the outcome when it differs.

use std::{collections::HashMap, sync::Arc, time::Duration};

use seedbox_core::{
    AsOf, ChainStatus, EndpointStatus, InfoHash, LandGrid, ModelId, Owned, TrustStatus,
    WalletAddress,
};
use seedbox_store::Store;
use tokio::sync::{mpsc, watch};

use crate::{
    Error, Handle,
    access::{self, balances::Balances},
    handle::Order,
    headers::Vouched,
    prover::Question,
    status::{Situation, status},
    view::View,
    votes::Scales,
};

/// The most wallets that one box follows.
const MAX_WALLETS: usize = 64;

/// Seconds after which a mere confirmation of what is owned is passed on: whoever reads it wants
/// to know of changes, and its age need not be exact.
const CONFIRMATION: Duration = Duration::from_secs(10);

/// Model IDs by info hash; of several tokens with one content the lowest.
pub(crate) type ModelIndex = HashMap<InfoHash, ModelId>;

/// Settings that the words depend on.
pub(crate) struct Limits {
    pub(crate) chain_id: Option<u64>,
    pub(crate) stale_after: Duration,
    pub(crate) max_ownership_age: Duration,
}

/// Owner of the linked wallets and of all that is published.
pub(crate) struct Publisher {
    store: Store,
    wallets: Vec<WalletAddress>,
    limits: Limits,
    view: watch::Receiver<View>,
    endpoints: Option<watch::Receiver<Vec<EndpointStatus>>>,
    vouched: Option<watch::Receiver<Vouched>>,
    status: watch::Sender<ChainStatus>,
    grid: watch::Sender<Arc<LandGrid>>,
    models: watch::Sender<Arc<ModelIndex>>,
    owned: watch::Sender<Arc<Owned>>,
}

impl Publisher {
    pub(crate) fn new(
        store: Store,
        wallets: Vec<WalletAddress>,
        view: watch::Receiver<View>,
        endpoints: Option<watch::Receiver<Vec<EndpointStatus>>>,
        vouched: Option<watch::Receiver<Vouched>>,
        limits: Limits,
    ) -> Self {
        let mut publisher = Self {
            store,
            wallets,
            limits,
            view,
            endpoints,
            vouched,
            status: watch::Sender::default(),
            grid: watch::Sender::default(),
            models: watch::Sender::default(),
            owned: watch::Sender::default(),
        };
        publisher.publish_grid();
        publisher.publish();
        publisher
    }

    pub(crate) fn handle(
        &self,
        orders: mpsc::Sender<Order>,
        questions: mpsc::Sender<Question>,
        visitors: mpsc::Sender<access::Question>,
        access_pass: Option<WalletAddress>,
        scales: Option<Arc<Scales>>,
        balances: Option<Arc<Balances>>,
    ) -> Handle {
        Handle {
            orders,
            status: self.status.subscribe(),
            grid: self.grid.subscribe(),
            models: self.models.subscribe(),
            owned: self.owned.subscribe(),
            questions,
            visitors,
            access_pass,
            scales,
            balances,
        }
    }

    /// Waits until there may be something to publish.
    pub(crate) async fn changed(&mut self) {
        let (Some(endpoints), Some(vouched)) = (&mut self.endpoints, &mut self.vouched) else {
            return std::future::pending().await;
        };
        // All senders live as long as the follower, which outlives this call.
        let changed = tokio::select! {
            changed = self.view.changed() => changed,
            changed = endpoints.changed() => changed,
            changed = vouched.changed() => changed,
        };
        if changed.is_err() {
            std::future::pending().await
        }
    }

    /// Publishes whatever differs from what was published last.
    pub(crate) fn publish(&mut self) {
        let (grid, as_of) = {
            let view = self.view.borrow_and_update();
            (view.grid.clone(), view.as_of)
        };
        if !Arc::ptr_eq(&grid, &self.grid.borrow()) {
            self.publish_grid();
        } else if self.as_of_differs(self.owned.borrow().as_of, as_of) {
            self.owned
                .send_modify(|owned| Arc::make_mut(owned).as_of = as_of);
        }
        self.publish_status();
    }

    /// Carries out an order and answers it when its outcome is published.
    pub(crate) async fn obey(&mut self, order: Order) {
        match order {
            Order::Link(wallet, answer) => {
                let _ = answer.send(self.link(wallet).await);
            }
            Order::Unlink(wallet, answer) => {
                let _ = answer.send(self.unlink(wallet).await);
            }
        }
    }

    async fn link(&mut self, wallet: WalletAddress) -> Result<(), Error> {
        if self.wallets.contains(&wallet) {
            return Ok(());
        }
        if self.wallets.len() >= MAX_WALLETS {
            return Err(Error::TooManyWallets { limit: MAX_WALLETS });
        }
        self.store.link_wallet(wallet).await?;
        self.wallets.push(wallet);
        self.wallets.sort();
        self.publish_owned();
        Ok(())
    }

    async fn unlink(&mut self, wallet: WalletAddress) -> Result<(), Error> {
        if !self.wallets.contains(&wallet) {
            return Ok(());
        }
        self.store.unlink_wallet(wallet).await?;
        self.wallets.retain(|&linked| linked != wallet);
        self.publish_owned();
        Ok(())
    }

    fn publish_grid(&mut self) {
        let grid = self.view.borrow().grid.clone();
        let mut models = ModelIndex::with_capacity(grid.models.len());
        for (&id, model) in &grid.models {
            models.entry(model.info_hash).or_insert(id); // ascending: the lowest stays
        }
        self.models.send_replace(Arc::new(models));
        self.grid.send_replace(grid);
        self.publish_owned();
    }

    fn publish_owned(&self) {
        let view = self.view.borrow();
        self.owned.send_replace(Arc::new(Owned {
            wallets: view.grid.owned_by(&self.wallets),
            as_of: view.as_of,
        }));
    }

    fn publish_status(&mut self) {
        let endpoints = match &mut self.endpoints {
            Some(endpoints) => endpoints.borrow_and_update().clone(),
            None => Vec::new(),
        };
        let trust = match &mut self.vouched {
            Some(vouched) => vouched.borrow_and_update().status.clone(),
            None => TrustStatus::default(),
        };
        let situation = Situation {
            chain_id: self.limits.chain_id,
            endpoints: &endpoints,
            trust: &trust,
            now: seedbox_clock::now(),
            stale_after: self.limits.stale_after,
            max_ownership_age: self.limits.max_ownership_age,
        };
        let latest = status(&self.view.borrow(), &situation);
        self.status.send_if_modified(|status| {
            let changed = *status != latest;
            *status = latest;
            changed
        });
    }

    /// Whether `latest` is news to those who use what is owned.
    fn as_of_differs(&self, published: Option<AsOf>, latest: Option<AsOf>) -> bool {
        // Well before what was published counts as old.
        let often = CONFIRMATION.min(self.limits.max_ownership_age / 10);
        match (published, latest) {
            (Some(old), Some(new)) => {
                let since = new.observed_at.seconds_since(old.observed_at);
                old.block != new.block || since > 0 && since >= often.as_secs()
            }
            (old, new) => old != new,
        }
    }
}
