//! How others speak to the seeder: orders through a bounded queue, status through a watch.

use seedbox_core::{InfoHash, RefusalReason, SeederStatus, TorrentStatus};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{OrderError, magnet::Magnet};

/// Where a visitor's request for a model stands.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestState {
    /// It is fetched or held.
    Held(Box<TorrentStatus>),
    /// It waits for its metadata.
    Queued,
    /// It is not stored.
    Refused(RefusalReason),
    /// It was not asked for.
    Unknown,
}

pub(crate) type Answer<T> = oneshot::Sender<Result<T, OrderError>>;

pub(crate) enum Order {
    SetQuota {
        volume: String,
        bytes: u64,
        answer: Answer<()>,
    },
    Accept {
        magnet: Magnet,
        answer: Answer<()>,
    },
    Remove {
        info_hash: InfoHash,
        answer: Answer<()>,
    },
    Request {
        info_hash: InfoHash,
        answer: Answer<RequestState>,
    },
    State {
        info_hash: InfoHash,
        answer: Answer<RequestState>,
    },
}

/// A cheap handle on the running seeder.
#[derive(Clone)]
pub struct Handle {
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) status: watch::Receiver<SeederStatus>,
}

impl Handle {
    /// The seeder's latest word; changes wake the receiver.
    pub fn status(&self) -> watch::Receiver<SeederStatus> {
        self.status.clone()
    }

    /// Changes a volume's quota, evicting community data if it must shrink.
    pub async fn set_quota(&self, volume: &str, bytes: u64) -> Result<(), OrderError> {
        let volume = volume.to_owned();
        self.ask(|answer| Order::SetQuota {
            volume,
            bytes,
            answer,
        })
        .await
    }

    /// Keeps a torrent until the owner removes it.
    pub async fn accept(&self, magnet: Magnet) -> Result<(), OrderError> {
        self.ask(|answer| Order::Accept { magnet, answer }).await
    }

    /// Deletes an accepted or community torrent.
    pub async fn remove(&self, info_hash: InfoHash) -> Result<(), OrderError> {
        self.ask(|answer| Order::Remove { info_hash, answer }).await
    }

    /// Counts a visitor's demand for a published model and fetches it if it may be.
    pub async fn request(&self, info_hash: InfoHash) -> Result<RequestState, OrderError> {
        self.ask(|answer| Order::Request { info_hash, answer })
            .await
    }

    /// Where a visitor's request stands.
    pub async fn state(&self, info_hash: InfoHash) -> Result<RequestState, OrderError> {
        self.ask(|answer| Order::State { info_hash, answer }).await
    }

    async fn ask<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Result<T, OrderError> {
        let (answer, answered) = oneshot::channel();
        self.orders
            .send(order(answer))
            .await
            .map_err(|_| OrderError::Stopped)?;
        answered.await.map_err(|_| OrderError::Stopped)?
    }
}
