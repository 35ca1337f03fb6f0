//! Every service hangs on a handle here: if one ends, all are told to stop and the process ends
//! with an error, so that systemd starts a whole box again and never half of one.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long the engine may take to answer before the watchdog is no longer fed.
const PROGRESS: Duration = Duration::from_secs(20);

pub(crate) struct Services {
    running: JoinSet<(&'static str, anyhow::Result<()>)>,
    stop: CancellationToken,
}

impl Services {
    pub(crate) fn new(stop: CancellationToken) -> Self {
        Self {
            running: JoinSet::new(),
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
        self.running.spawn(async move { (name, run(stop).await) });
    }

    /// Feeds systemd's watchdog as long as the seeder's engine answers: being alive is not enough.
    pub(crate) fn watch_progress(&mut self, seeder: seedbox_seeder::Handle) {
        let Some(interval) = sd_notify::watchdog_enabled() else {
            return;
        };
        self.spawn("watchdog", move |stop| async move {
            let mut feed = tokio::time::interval(interval / 3);
            loop {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    _ = feed.tick() => {
                        let question = seeder.state(seedbox_core::InfoHash([0; 20]));
                        if let Ok(Ok(_)) = tokio::time::timeout(PROGRESS, question).await {
                            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
                        }
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
                Ok(Some(Ok((name, Err(e))))) => {
                    result = Err(e.context(format!("the {name} service failed while stopping")));
                }
                Ok(Some(Err(e))) => result = Err(anyhow!("a service failed while stopping: {e}")),
                Ok(_) => {}
                Err(_) => {
                    log::warn!(
                        "not all services ended in {} s; leaving them",
                        deadline.as_secs()
                    );
                    self.running.abort_all();
                    break;
                }
            }
        }
        result
    }
}
