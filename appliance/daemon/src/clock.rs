//! Remembers the last time that the box was sure of, and says when it is not sure.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use seedbox_clock::Source;
use seedbox_core::{AlertId, Concern, Severity, UnixTime};
use seedbox_store::Store;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

const LAST_SURE: &str = "clock.last_sure";
/// systemd-timesyncd keeps this folder, and the file in it once the network has set the clock.
pub(crate) const TIMESYNC: &str = "/run/systemd/timesync";
const LOOK: Duration = Duration::from_secs(10);
/// A row a day would do; an hour is what the card can bear easily.
const REMEMBER: Duration = Duration::from_secs(3600);
/// How long the network may take to tell the time before it is worth a word.
const PATIENCE: Duration = Duration::from_secs(300);

/// The keeper of the bound.
pub(crate) struct Keeper {
    store: Store,
    timesync: PathBuf,
    last_sure: UnixTime,
    concerns: watch::Sender<Vec<Concern>>,
    started: Instant,
}

impl Keeper {
    /// Reads the bound; from here on [`seedbox_clock::now`] heeds it.
    pub(crate) async fn start(store: Store, timesync: PathBuf) -> anyhow::Result<Self> {
        let last_sure = store.setting(LAST_SURE).await?.unwrap_or_default();
        seedbox_clock::learn(last_sure, source(&timesync));
        Ok(Self {
            store,
            timesync,
            last_sure,
            concerns: watch::Sender::new(Vec::new()),
            started: Instant::now(),
        })
    }

    pub(crate) fn concerns(&self) -> watch::Receiver<Vec<Concern>> {
        self.concerns.subscribe()
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.remember(Duration::ZERO).await,
                _ = look.tick() => {
                    let source = source(&self.timesync);
                    seedbox_clock::learn(self.last_sure, source);
                    self.tell(source);
                    self.remember(REMEMBER).await?;
                }
            }
        }
    }

    /// Writes the time down if it is sure, and further than `step` from what is written.
    async fn remember(&mut self, step: Duration) -> anyhow::Result<()> {
        let (now, source) = (seedbox_clock::now(), source(&self.timesync));
        let is_sure = seedbox_clock::is_plausible() && source != Source::Waiting;
        if is_sure && now.0.abs_diff(self.last_sure.0) > step.as_secs() {
            self.store.set_setting(LAST_SURE, &now).await?;
            self.last_sure = now;
        }
        Ok(())
    }

    fn tell(&self, source: Source) {
        let is_late = source == Source::Waiting && self.started.elapsed() > PATIENCE;
        let concern = (is_late || !seedbox_clock::is_plausible()).then(concern);
        self.concerns.send_if_modified(|told| {
            let changed = told.is_empty() == concern.is_some();
            *told = concern.into_iter().collect();
            changed
        });
    }
}

fn concern() -> Concern {
    Concern::new(
        AlertId::ClockUnsure,
        Severity::Attention,
        "The box does not know what time it is: it has no clock of its own, and the network has not \
         told it.",
        "Connect it to the internet, or let NTP (port 123/udp) through. Until then encrypted \
         connections may fail, and ages that it shows may be wrong.",
    )
}

fn source(timesync: &Path) -> Source {
    if timesync.join("synchronized").exists() {
        Source::Synchronized
    } else if timesync.exists() {
        Source::Waiting
    } else {
        Source::Unsaid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_whoever_sets_the_clock() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(source(&run.path().join("none")), Source::Unsaid);
        assert_eq!(source(run.path()), Source::Waiting);
        std::fs::write(run.path().join("synchronized"), "").unwrap();
        assert_eq!(source(run.path()), Source::Synchronized);
    }

    #[tokio::test]
    async fn a_sure_time_is_remembered_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("seedbox.db")).unwrap();
        let nobody = folder.path().join("none");
        let keeper = Keeper::start(store.clone(), nobody.clone()).await.unwrap();
        assert_eq!(keeper.last_sure, UnixTime(0));
        let stop = CancellationToken::new();
        stop.cancel();
        keeper.run(stop).await.unwrap();
        let again = Keeper::start(store, nobody).await.unwrap();
        assert!(again.last_sure >= seedbox_clock::MADE);
    }
}
