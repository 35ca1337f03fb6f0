//! The one task that owns the seeder's state. Everything that changes what is stored goes through
//! here, one thing at a time, so that two decisions never compete for the same bytes.

mod admission;
mod orders;
mod report;
mod torrent;
mod upkeep;
mod volumes;
mod wanted;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use seedbox_clock::now;
use seedbox_core::{InfoHash, LandGrid, Model, ModelId, Owned, Refusal, SeederStatus};
use seedbox_store::{Store, torrents::AcceptedRow};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error, Handle, content::Damage, descriptors::Descriptors, handle::Order,
    session::Session, volume::Volume,
};
use torrent::Torrent;
use wanted::Wanted;

const TICK: Duration = Duration::from_secs(1);
const ORDERS: usize = 64;
const EVENTS: usize = 64;
const OPEN_FILES: usize = 256;

/// The seeder, ready to run.
pub struct Service(Engine);

/// Work that was done elsewhere and comes back to the engine.
enum Event {
    Resolved {
        info_hash: InfoHash,
        result: wanted::Resolved,
    },
    Verified {
        info_hash: InfoHash,
        result: torrent::Verified,
    },
    Rechecked {
        info_hash: InfoHash,
        before: Box<[u8]>,
        damaged: u32,
    },
}

struct Engine {
    config: Config,
    store: Store,
    session: Session,
    session_stop: CancellationToken,
    descriptors: Arc<Descriptors>,
    owned: watch::Receiver<Arc<Owned>>,
    grid: watch::Receiver<Arc<LandGrid>>,
    published: HashMap<InfoHash, ModelId>,
    protected: BTreeMap<InfoHash, Model>,
    volumes: Vec<Volume>,
    torrents: BTreeMap<InfoHash, Torrent>,
    accepted: HashMap<InfoHash, AcceptedRow>,
    wanted: BTreeMap<InfoHash, Wanted>,
    refusals: BTreeMap<InfoHash, Refusal>,
    tally: Tally,
    saved_tally: Tally,
    ticks: u64,
    orders: mpsc::Receiver<Order>,
    events: mpsc::Receiver<Event>,
    report_back: mpsc::Sender<Event>,
    damage: mpsc::Receiver<Damage>,
    report_damage: mpsc::Sender<Damage>,
    status: watch::Sender<SeederStatus>,
}

/// Figures that outlive a restart.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
struct Tally {
    /// The eviction clock `L`, see `core::eviction`.
    inflation: f64,
    evicted: u64,
    repaired_pieces: u64,
}

const TALLY: &str = "seeder.tally";

impl Service {
    /// Opens the peer port and takes up what the store says is held.
    ///
    /// # Errors
    /// If the port cannot be opened, a configured tracker is no URL, or the store fails. A volume
    /// that is missing is no error: it is shown, and nothing is written in its place.
    pub async fn new(
        config: Config,
        store: Store,
        owned: watch::Receiver<Arc<Owned>>,
        grid: watch::Receiver<Arc<LandGrid>>,
    ) -> Result<(Self, Handle), Error> {
        let session_stop = CancellationToken::new();
        let session = Session::start(&config, session_stop.clone()).await?;
        let (engine, handle) =
            Engine::load(config, store, session, session_stop, owned, grid).await?;
        Ok((Service(engine), handle))
    }

    /// Seeds until cancelled, then writes down what changed and closes all peers.
    ///
    /// # Errors
    /// If the store fails; everything else is shown in the status and tried again.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), Error> {
        let mut engine = self.0;
        let result = engine.work(&cancel).await;
        engine.session_stop.cancel();
        engine.session.stop().await;
        engine.save(true).await?;
        result
    }
}

impl Engine {
    async fn load(
        config: Config,
        store: Store,
        session: Session,
        session_stop: CancellationToken,
        owned: watch::Receiver<Arc<Owned>>,
        grid: watch::Receiver<Arc<LandGrid>>,
    ) -> Result<(Self, Handle), Error> {
        let (order_queue, orders) = mpsc::channel(ORDERS);
        let (report_back, events) = mpsc::channel(EVENTS);
        let (report_damage, damage) = mpsc::channel(EVENTS);
        let (status, status_watch) = watch::channel(SeederStatus::default());
        let tally: Tally = store.setting(TALLY).await?.unwrap_or_default();
        let mut engine = Engine {
            tally,
            saved_tally: tally,
            accepted: store
                .accepted()
                .await?
                .into_iter()
                .map(|a| (a.info_hash, a))
                .collect(),
            refusals: store
                .refusals()
                .await?
                .into_iter()
                .map(|r| (r.info_hash, r))
                .collect(),
            volumes: Vec::new(),
            config,
            store,
            session,
            session_stop,
            descriptors: Arc::new(Descriptors::new(OPEN_FILES)),
            owned,
            grid,
            published: HashMap::new(),
            protected: BTreeMap::new(),
            torrents: BTreeMap::new(),
            wanted: BTreeMap::new(),
            ticks: 0,
            orders,
            events,
            report_back,
            damage,
            report_damage,
            status,
        };
        engine.learn_owned();
        engine.learn_grid();
        engine.open_volumes().await?;
        engine.take_up_torrents().await?;
        engine.publish_status();
        Ok((
            engine,
            Handle {
                orders: order_queue,
                status: status_watch,
            },
        ))
    }

    async fn work(&mut self, cancel: &CancellationToken) -> Result<(), Error> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut owned, mut grid) = (self.owned.clone(), self.grid.clone());
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                Some(damage) = self.damage.recv() => self.on_damage(damage).await,
                Some(event) = self.events.recv() => self.on_event(event).await?,
                Some(order) = self.orders.recv() => self.on_order(order).await,
                Ok(()) = owned.changed() => { self.learn_owned(); self.pursue(); }
                Ok(()) = grid.changed() => self.learn_grid(),
                _ = tick.tick() => self.on_tick().await?,
            }
        }
    }

    async fn on_event(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Resolved { info_hash, result } => self.on_resolved(info_hash, result).await?,
            Event::Verified { info_hash, result } => self.on_verified(info_hash, result).await?,
            Event::Rechecked {
                info_hash,
                before,
                damaged,
            } => {
                self.on_rechecked(info_hash, &before, damaged).await?;
            }
        }
        self.publish_status();
        Ok(())
    }

    fn learn_owned(&mut self) {
        let owned = self.owned.borrow_and_update().clone();
        self.protected = owned
            .models()
            .into_iter()
            .map(|(hash, model)| (hash, model.clone()))
            .collect();
    }

    fn learn_grid(&mut self) {
        let grid = self.grid.borrow_and_update().clone();
        // Of several tokens for one torrent the first speaks, so the last insert must be it.
        self.published = grid
            .models
            .values()
            .rev()
            .map(|m| (m.info_hash, m.id))
            .collect();
    }

    /// A model as published, by info hash.
    fn model(&self, info_hash: InfoHash) -> Option<Model> {
        self.protected.get(&info_hash).cloned().or_else(|| {
            let id = self.published.get(&info_hash)?;
            self.grid.borrow().models.get(id).cloned()
        })
    }

    async fn refuse(&mut self, refusal: Refusal) -> Result<(), Error> {
        let known = self.refusals.get(&refusal.info_hash);
        if known.is_some_and(|k| k.reason == refusal.reason && k.protected == refusal.protected) {
            return Ok(());
        }
        tracing::info!(torrent = %refusal.info_hash, "not stored: {}", refusal.reason);
        self.store.refuse(refusal.clone()).await?;
        self.refusals.insert(refusal.info_hash, refusal);
        if self.refusals.len() > 256 {
            let kept = self.store.refusals().await?;
            self.refusals = kept.into_iter().map(|r| (r.info_hash, r)).collect();
        }
        Ok(())
    }

    async fn forget_refusal(&mut self, info_hash: InfoHash) -> Result<(), Error> {
        if self.refusals.remove(&info_hash).is_some() {
            self.store.forget_refusal(info_hash).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
