//! Every service hangs on a handle here: if one ends, all are told to stop and the process ends
//! with an error, so that systemd starts a whole box again and never half of one.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use seedbox_store::Store;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

/// How long all of them together may take to answer before the watchdog is no longer fed.
const PROGRESS: Duration = Duration::from_secs(20);

/// Those whose answer shows that the work goes on.
pub(crate) struct Progress {
    pub(crate) store: Store,
    pub(crate) seeder: seedbox_seeder::Handle,
    /// The panel's address.
    pub(crate) panel: SocketAddr,
}

impl Progress {
    /// Asks the store's thread, the seeder's engine and the panel's listener, each a question that
    /// costs nothing.
    async fn look(&self) -> anyhow::Result<()> {
        self.store.wallets().await.context("the store")?;
        let nothing = seedbox_core::InfoHash([0; 20]);
        self.seeder.state(nothing).await.context("the seeder")?;
        let mut panel = TcpStream::connect(self.panel).await.context("the panel")?;
        panel
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .await
            .context("the panel")?;
        let mut answer = [0; 5];
        panel.read_exact(&mut answer).await.context("the panel")?;
        anyhow::ensure!(&answer == b"HTTP/", "the panel answers nonsense");
        Ok(())
    }
}

pub(crate) struct Services {
    running: JoinSet<(&'static str, anyhow::Result<()>)>,
    names: BTreeSet<&'static str>,
    stop: CancellationToken,
}

impl Services {
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            running: JoinSet::new(),
            names: BTreeSet::new(),
            stop,
        }
    }

    pub(crate) fn spawn<F>(
        &mut self,
        name: &'static str,
        run: impl FnOnce(CancellationToken) -> F + Send + 'static,
    ) where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.names.insert(name);
        self.running.spawn(async move { (name, run(stop).await) });
    }

    /// Feeds systemd's watchdog as long as the work goes on; being alive is not enough.
    pub(crate) fn watch_progress(&mut self, progress: Progress) {
        let Some(interval) = sd_notify::watchdog_enabled() else {
            return;
        };
        self.spawn("watchdog", move |stop| async move {
            let mut feed = tokio::time::interval(interval / 3);
            feed.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    _ = feed.tick() => match tokio::time::timeout(PROGRESS, progress.look()).await {
                        Ok(Ok(())) => {
                            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
                        }
                        Ok(Err(e)) => log::error!("no progress: {e:#}"),
                        Err(_) => log::error!("no progress within {} s", PROGRESS.as_secs()),
                    }
                }
            }
        });
    }

    /// Waits for a service that ends on its own, which none should.
    pub(crate) async fn first_to_end(&mut self) -> anyhow::Error {
        match self.running.join_next().await {
            Some(Ok((name, Ok(())))) => anyhow!("the {name} service ended by itself"),
            Some(Ok((name, Err(e)))) => e.context(format!("the {name} service failed")),
            Some(Err(e)) => anyhow!("a service failed: {e}"),
            None => anyhow!("no service is running"),
        }
    }

    /// Waits for the services to end after they were told to.
    pub(crate) async fn drain(mut self, deadline: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + deadline;
        let mut result = Ok(());
        while !self.running.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.running.join_next()).await {
                Ok(Some(Ok((name, ended)))) => {
                    self.names.remove(name);
                    if let Err(e) = ended {
                        result =
                            Err(e.context(format!("the {name} service failed while stopping")));
                    }
                }
                Ok(Some(Err(e))) => result = Err(anyhow!("a service failed while stopping: {e}")),
                Ok(None) => {}
                Err(_) => {
                    log::warn!(
                        "did not end in {} s and is left: {}",
                        deadline.as_secs(),
                        Vec::from_iter(self.names).join(", ")
                    );
                    self.running.abort_all();
                    break;
                }
            }
        }
        result
    }
}
