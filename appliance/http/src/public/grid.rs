//! The land grid for everybody: the current state and a few before it as immutable binary bodies,
//! what changes as a stream, and twins in JSON and pictures. `docs/GRID.md` describes it.
//!
//! Every body is encoded and compressed once for all who ask. What has to be made anew for a
//! question is made beside the runtime, and only so much of it at a time.

mod binary;
mod body;
mod deltas;
mod head;
mod history;
mod json;
mod listing;
mod map;
mod owners;
mod proof;
mod snapshot;
mod tiles;

use std::sync::Arc;

use seedbox_core::{LandGrid, grid::EpochName};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Public;
use crate::problem::{Problem, ProblemType};
pub(super) use json::hex_of;
pub(super) use map::parse_parcel;

use history::{Current, History};
use snapshot::Snapshot;

/// Bodies that may be made at the same time, over all requests.
const MAKERS: usize = 2;

/// What the grid's routes share.
pub(crate) struct Grid {
    history: watch::Sender<History>,
    makers: Arc<Semaphore>,
    subscribers: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Grid {
    pub(crate) fn new(shutdown: CancellationToken) -> Self {
        Grid {
            history: watch::Sender::default(),
            makers: Arc::new(Semaphore::new(MAKERS)),
            subscribers: Arc::new(Semaphore::new(deltas::MAX_SUBSCRIBERS)),
            shutdown,
        }
    }

    /// Follows the chain service's grid until cancelled.
    pub(crate) async fn follow(
        &self,
        mut grid: watch::Receiver<Arc<LandGrid>>,
        cancelled: CancellationToken,
    ) {
        loop {
            let latest = Arc::clone(&grid.borrow_and_update());
            self.update(latest).await;
            tokio::select! {
                () = cancelled.cancelled() => return,
                changed = grid.changed() => if changed.is_err() {
                    // Nothing follows the chain any more; what is known is served on.
                    return cancelled.cancelled().await;
                },
            }
        }
    }

    /// Shows a new state of the grid.
    pub(crate) async fn update(&self, grid: Arc<LandGrid>) {
        let Some(epoch) = grid.epoch() else {
            return;
        };
        let before = self.history.borrow().current();
        let shown = before.as_ref();
        if shown.is_some_and(|shown| Arc::ptr_eq(&shown.grid, &grid)) {
            return;
        }
        let made = tokio::task::spawn_blocking(move || {
            let step = Snapshot::next(before.as_deref(), epoch, &grid);
            (grid, step)
        });
        match made.await {
            Ok((grid, step)) => self.history.send_modify(|history| history.push(grid, step)),
            Err(error) => tracing::error!(%error, "the grid could not be encoded"),
        }
    }

    /// The latest state.
    fn current(&self) -> Result<Arc<Current>, Problem> {
        self.history.borrow().current().ok_or_else(|| {
            let detail = "The box has not read the chain yet. Try again later.";
            Problem::new(ProblemType::Unavailable, detail)
        })
    }

    /// The state of an epoch, if it is still at hand.
    fn at(&self, epoch: EpochName) -> Option<Arc<Snapshot>> {
        self.history.borrow().at(epoch)
    }

    /// Runs what takes its time beside the runtime, a few at once.
    async fn make<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let failed = |error: &dyn std::error::Error| {
            tracing::error!(%error, "an answer about the grid could not be made");
            Problem::new(ProblemType::Internal, "The box failed. Try again later.")
        };
        let place = Arc::clone(&self.makers).acquire_owned().await;
        let place = place.map_err(|e| failed(&e))?;
        let made = tokio::task::spawn_blocking(move || {
            // Goes on to the end even if nobody waits for it any more.
            let _place = place;
            work()
        });
        made.await.map_err(|e| failed(&e))
    }
}

/// All routes below `/grid`.
pub(super) fn routes() -> OpenApiRouter<Arc<Public>> {
    OpenApiRouter::new()
        .routes(routes!(head::head))
        .routes(routes!(binary::world))
        .routes(routes!(binary::world_at))
        .routes(routes!(binary::chunk))
        .routes(routes!(binary::chunk_at))
        .routes(routes!(map::world_json))
        .routes(routes!(map::parcel))
        .routes(routes!(owners::owner))
        .routes(routes!(tiles::tile))
        .routes(routes!(deltas::deltas))
        .routes(routes!(proof::parcel_proof))
}
