//! How the rest of the box speaks to the updater.

use std::io;

use bytes::Bytes;
use futures::stream::BoxStream;
use seedbox_core::{UnixTime, UpdateStatus};
use tokio::sync::{mpsc, oneshot, watch};

use crate::OrderError;

/// A bundle on its way in.
pub type Content = BoxStream<'static, io::Result<Bytes>>;

pub(crate) type Answer = oneshot::Sender<Result<(), OrderError>>;

/// What the updater can be told.
pub(crate) enum Order {
    Receive { size: Option<u64>, content: Content },
    Fetch { path: String },
    Discard,
    Install { allow_downgrade: bool },
    Restart { at: Option<UnixTime> },
    CancelRestart,
}

/// A cheap handle on the updater.
#[derive(Clone)]
pub struct Handle {
    pub(crate) orders: mpsc::Sender<(Order, Answer)>,
    pub(crate) status: watch::Receiver<UpdateStatus>,
}

impl Handle {
    /// The updater's latest word; changes wake the receiver.
    pub fn status(&self) -> watch::Receiver<UpdateStatus> {
        self.status.clone()
    }

    /// Takes a bundle of `size` bytes in and checks it; answers once that is done.
    ///
    /// # Errors
    /// Something is under way already, no room, not whole, or not to be trusted.
    pub async fn receive(&self, size: Option<u64>, content: Content) -> Result<(), OrderError> {
        self.order(Order::Receive { size, content }).await
    }

    /// The same with one of the bundles that were found on disks.
    ///
    /// # Errors
    /// As [`Handle::receive`], and if it is not among those found.
    pub async fn fetch(&self, path: String) -> Result<(), OrderError> {
        self.order(Order::Fetch { path }).await
    }

    /// Deletes the bundle that was taken in, and forgets what became of the last update.
    ///
    /// # Errors
    /// It is being installed.
    pub async fn discard(&self) -> Result<(), OrderError> {
        self.order(Order::Discard).await
    }

    /// Begins to install the bundle that was taken in; answers at once, the status tells the rest.
    ///
    /// # Errors
    /// There is none, or it is older than what runs and `allow_downgrade` does not say that it may.
    pub async fn install(&self, allow_downgrade: bool) -> Result<(), OrderError> {
        self.order(Order::Install { allow_downgrade }).await
    }

    /// Restarts the machine into what was installed: now, or at a time of the owner's choice. What
    /// counts is how long that is from now by the box's clock; of a time that has passed by more than
    /// ten minutes, the same hour of the next day is meant.
    ///
    /// # Errors
    /// Nothing was installed.
    pub async fn restart(&self, at: Option<UnixTime>) -> Result<(), OrderError> {
        self.order(Order::Restart { at }).await
    }

    /// Takes a planned restart back; what was installed goes on waiting.
    ///
    /// # Errors
    /// Nothing was installed.
    pub async fn cancel_restart(&self) -> Result<(), OrderError> {
        self.order(Order::CancelRestart).await
    }

    async fn order(&self, order: Order) -> Result<(), OrderError> {
        if !self.status.borrow().supported {
            return Err(OrderError::Unsupported);
        }
        let (answer, answered) = oneshot::channel();
        let sent = self.orders.send((order, answer)).await;
        sent.map_err(|_| OrderError::Stopped)?;
        answered.await.map_err(|_| OrderError::Stopped)?
    }
}
