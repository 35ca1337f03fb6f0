//! The service's task: runs the follower, takes orders, publishes.

use std::{convert::Infallible, sync::Arc, time::Duration};

use seedbox_store::Store;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error, Handle, TrustSetting,
    access::{self, Doorkeeper, balances::Balances},
    endpoints::Endpoints,
    follower::Follower,
    handle::{Order, QUEUE},
    headers::{self, Watcher},
    prover::{self, Prover},
    publisher::Publisher,
    reader::Reader,
    view::View,
    votes::Scales,
};

/// How often the status is put in words anew when nothing else happens: its ages grow.
const REFRESH: Duration = Duration::from_secs(5);

/// Polls without a confirmation after which the chain counts as not answering.
const STALE_POLLS: u32 = 8;

/// Polls within which an endpoint has to have a block that others vouch for.
const PATIENCE_POLLS: u32 = 3;

/// Looks at the chain come no closer than this, whatever is configured.
const SHORTEST_POLL: Duration = Duration::from_millis(20);

/// The chain service, ready to run.
pub struct Service {
    follower: Option<Follower>,
    watcher: Option<Watcher>,
    prover: Option<Prover>,
    doorkeeper: Option<Doorkeeper>,
    publisher: Publisher,
    orders: mpsc::Receiver<Order>,
}

impl Service {
    /// Loads the last known state from the store, so that the handle shows it before any endpoint
    /// has answered.
    ///
    /// # Errors
    /// [`Error::Endpoint`] or [`Error::Beacon`] if a configured endpoint is no URL, [`Error::Store`] if the state cannot
    /// be read.
    pub async fn new(mut config: Config, store: Store) -> Result<(Self, Handle), Error> {
        config.poll_interval = config.poll_interval.max(SHORTEST_POLL);
        let deployment = config.deployment.clone();
        let source = deployment.as_ref().map(|deployment| deployment.source());
        let readings = store.chain_readings(source).await?;
        let served = readings
            .iter()
            .find(|reading| reading.complete)
            .or(readings.first());
        let view = tokio::sync::watch::Sender::new(served.map(View::of).unwrap_or_default());
        let shown = view.subscribe();

        let (ask, questions) = mpsc::channel(prover::QUEUE);
        let (knock, visitors) = mpsc::channel(access::QUEUE);
        let stale_after = config.poll_interval * STALE_POLLS;
        let access_pass = deployment.as_ref().and_then(|d| d.access_pass);
        let (mut scales, mut balances) = (None, None);
        let (follower, watcher, prover, doorkeeper) = match deployment {
            Some(deployment) if !config.rpc.is_empty() => {
                let endpoints = Endpoints::new(&config, deployment.clone())?;
                let watcher = Watcher::new(headers::Configured::new(&config, &deployment, &store)?);
                let vouched = watcher.subscribe();
                let prover = Prover::new(&deployment, shown.clone(), questions);
                let doorkeeper =
                    Doorkeeper::new(&config, &deployment, stale_after, shown.clone(), visitors)?;
                scales = Some(Arc::new(Scales::new(&config, &deployment)?));
                let looked = Balances::new(&config, &deployment, stale_after, shown.clone())?;
                balances = Some(Arc::new(looked));
                let mut reader =
                    Reader::load(store.clone(), deployment, readings, vouched, view).await?;
                if matches!(config.trust, TrustSetting::Unproved) {
                    reader.believe();
                }
                reader.expect_within((config.poll_interval * PATIENCE_POLLS).as_secs());
                let follower = Follower::new(reader, endpoints, config.poll_interval);
                (
                    Some(follower),
                    Some(watcher),
                    Some(prover),
                    Some(doorkeeper),
                )
            }
            _ => (None, None, None, None),
        };
        let endpoints = follower.as_ref().map(Follower::endpoints);
        let wallets = store.wallets().await?;
        let publisher = Publisher::new(
            store,
            wallets,
            shown,
            endpoints,
            watcher.as_ref().map(Watcher::subscribe),
            crate::publisher::Limits {
                chain_id: follower.as_ref().and(config.deployment).map(|d| d.chain_id),
                stale_after,
                max_ownership_age: config.max_ownership_age,
            },
        );
        let (sender, orders) = mpsc::channel(QUEUE);
        let handle = publisher.handle(sender, ask, knock, access_pass, scales, balances);
        let service = Self {
            follower,
            watcher,
            prover,
            doorkeeper,
            publisher,
            orders,
        };
        Ok((service, handle))
    }

    /// Follows the chain until cancelled. On the way out nothing that was read is lost.
    ///
    /// # Errors
    /// [`Error::Store`] if the state can no longer be written.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), Error> {
        let Self {
            mut follower,
            mut watcher,
            mut prover,
            mut doorkeeper,
            mut publisher,
            mut orders,
        } = self;
        let ended = {
            // What they keep between two answers is too much for a stack.
            let following = follow(
                follower.as_mut(),
                watcher.as_mut(),
                prover.as_mut(),
                doorkeeper.as_mut(),
            );
            let mut following = Box::pin(following);
            let mut refresh = interval(REFRESH);
            refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => break Ok(()),
                    Err(error) = &mut following => break Err(error),
                    Some(order) = orders.recv() => publisher.obey(order).await,
                    () = publisher.changed() => publisher.publish(),
                    _ = refresh.tick() => publisher.publish(),
                }
            }
        };
        if let Some(follower) = &mut follower {
            follower.flush().await?;
        }
        Ok(ended?)
    }
}

async fn follow(
    follower: Option<&mut Follower>,
    watcher: Option<&mut Watcher>,
    prover: Option<&mut Prover>,
    doorkeeper: Option<&mut Doorkeeper>,
) -> Result<Infallible, seedbox_store::Error> {
    match (follower, watcher, prover, doorkeeper) {
        (Some(follower), Some(watcher), Some(prover), Some(doorkeeper)) => {
            let answering = async {
                tokio::join!(prover.run(), doorkeeper.run());
                std::future::pending().await
            };
            tokio::select! {
                ended = follower.run() => ended,
                ended = watcher.run() => ended,
                ended = answering => ended,
            }
        }
        _ => std::future::pending().await,
    }
}
