//! Keeps asking the configured source for headers and publishes what it says.

use std::{convert::Infallible, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, interval, sleep_until},
};

use crate::headers::{Configured, HeaderError, HeaderSource, Vouched};

/// How often the status is put in words anew between two questions: its ages grow.
const REFRESH: Duration = Duration::from_secs(5);

/// The source and those who watch it.
pub(crate) struct Watcher<S = Configured> {
    source: S,
    vouched: watch::Sender<Vouched>,
}

impl<S: HeaderSource> Watcher<S> {
    pub(crate) fn new(source: S) -> Self {
        let vouched = watch::Sender::default();
        let watcher = Self { source, vouched };
        watcher.publish();
        watcher
    }

    /// What is vouched for, from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Vouched> {
        self.vouched.subscribe()
    }

    /// Asks at the source's own pace. Ends only when the box's memory fails.
    pub(crate) async fn run(&mut self) -> Result<Infallible, seedbox_store::Error> {
        let mut refresh = interval(REFRESH);
        loop {
            match self.source.newest(seedbox_clock::now()).await {
                Ok(header) => self
                    .vouched
                    .send_if_modified(|vouched| vouched.header.replace(header) != Some(header)),
                Err(HeaderError::Store(error)) => return Err(error),
                // The source tells it in its status.
                Err(_) => false,
            };
            let signed = self.source.signed();
            self.vouched.send_if_modified(|vouched| {
                std::mem::replace(&mut vouched.signed, signed) != signed
            });
            self.publish();
            let next = Instant::now() + self.source.pace();
            loop {
                tokio::select! {
                    () = sleep_until(next) => break,
                    _ = refresh.tick() => self.publish(),
                }
            }
        }
    }

    fn publish(&self) {
        let status = self.source.status(seedbox_clock::now());
        self.vouched.send_if_modified(|vouched| {
            let changed = vouched.status != status;
            vouched.status = status;
            changed
        });
    }
}
