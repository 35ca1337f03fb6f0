//! The one task that owns all state of updates. One piece of work is under way at a time; orders
//! that do not fit it are refused.

mod aftermath;
mod restart;
#[cfg(test)]
mod tests;
mod trouble;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, future::BoxFuture};
use seedbox_core::{Bundle, UpdatePhase, UpdateStatus};
use seedbox_store::Store;
use tokio::{
    fs::File,
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::{io::ReaderStream, sync::CancellationToken};

use aftermath::failed;
use trouble::Trouble;

use crate::{
    Config, Error, Handle, OrderError, Version,
    attempt::{Attempt, Here, Memory},
    error::RaucError,
    handle::{Answer, Content, Order},
    incoming, looking,
    rauc::Rauc,
};

/// How often disks are looked at, and the time.
const TICK: Duration = Duration::from_secs(3);
/// Orders that may wait.
const QUEUE: usize = 8;
/// How long a bundle waits that could not be checked.
const AGAIN: Duration = Duration::from_secs(60);

/// The updater, ready to run.
pub struct Service {
    config: Arc<Config>,
    store: Store,
    rauc: Rauc,
    orders: mpsc::Receiver<(Order, Answer)>,
    status: Arc<watch::Sender<UpdateStatus>>,
    memory: Memory,
    /// Where the box finds itself, once `rauc` could say. Not known while it writes a slot and we do
    /// not hear from it; nothing is ordered then.
    here: Option<Here>,
    /// When `rauc` is asked for that at the earliest.
    ask_at: Instant,
    /// What the last installation complained of, until it is known what became of it.
    complaint: Option<String>,
    /// Why `rauc` cannot be asked.
    trouble: Option<Trouble>,
    /// When the planned restart comes.
    restart_due: Option<Instant>,
    work: Option<BoxFuture<'static, Done>>,
}

/// What became of a piece of work.
enum Done {
    /// A bundle was taken in, if it came from somewhere, and checked.
    Checked(Result<Bundle, OrderError>, Option<Answer>),
    /// A bundle was installed, or not.
    Installed(Bundle, Result<(), RaucError>),
}

impl Service {
    /// Remembers what was under way when the box last ended.
    ///
    /// # Errors
    /// A failing store.
    pub async fn new(config: Config, store: Store) -> Result<(Self, Handle), Error> {
        let memory = Memory::read(&store).await?;
        let (sender, orders) = mpsc::channel(QUEUE);
        let (status, told) = watch::channel(UpdateStatus {
            supported: config.enabled,
            version: config.running.to_string(),
            outcome: memory.outcome.clone(),
            ..UpdateStatus::default()
        });
        let service = Self {
            rauc: Rauc::new(config.rauc.clone()),
            config: Arc::new(config),
            store,
            orders,
            status: Arc::new(status),
            memory,
            here: None,
            ask_at: Instant::now(),
            complaint: None,
            trouble: None,
            restart_due: None,
            work: None,
        };
        let handle = Handle {
            orders: sender,
            status: told,
        };
        Ok((service, handle))
    }

    /// Runs until `cancelled`. An installation under way is left to `rauc`, which finishes it.
    ///
    /// # Errors
    /// A failing store.
    pub async fn run(mut self, cancelled: CancellationToken) -> Result<(), Error> {
        if !self.config.enabled {
            cancelled.cancelled().await;
            return Ok(());
        }
        incoming::discard_draft(&self.config).await;
        let mut tick = tokio::time::interval(TICK);
        loop {
            tokio::select! {
                () = cancelled.cancelled() => return Ok(()),
                Some((order, answer)) = self.orders.recv() => self.obey(order, answer).await?,
                done = under_way(&mut self.work) => self.done(done).await?,
                _ = tick.tick() => self.look_around().await?,
            }
        }
    }

    async fn look_around(&mut self) -> Result<(), Error> {
        if self.here.is_none() && Instant::now() >= self.ask_at {
            self.take_up().await?;
        }
        let (looks, confirmed) = (self.config.looks.clone(), self.config.confirmed.clone());
        let looked =
            tokio::task::spawn_blocking(move || (looking::look(&looks), confirmed.exists()));
        let Ok((found, confirmed)) = looked.await else {
            return Ok(());
        };
        self.status.send_if_modified(|status| {
            let changed = status.found != found;
            status.found = found;
            changed
        });
        let phase = self.status.borrow().phase.clone();
        match phase {
            UpdatePhase::Trying { version } if confirmed => self.confirm(version).await,
            _ => self.mind_restart(seedbox_clock::now()).await,
        }
    }

    async fn obey(&mut self, order: Order, answer: Answer) -> Result<(), Error> {
        let result = match order {
            Order::Receive { size, content } => match self.may_take_in() {
                Ok(()) => {
                    self.check(Some((size, content)), Some(answer));
                    return Ok(());
                }
                refused => refused,
            },
            Order::Fetch { path } => match open(self.may_fetch(&path), &path).await {
                Ok(from) => {
                    self.check(Some(from), Some(answer));
                    return Ok(());
                }
                Err(refused) => Err(refused),
            },
            Order::Discard => self.discard().await?,
            Order::Install { allow_downgrade } => self.install(allow_downgrade).await?,
            Order::Restart { at } => self.restart(at).await?,
            Order::CancelRestart => self.cancel_restart().await?,
        };
        let _ = answer.send(result);
        Ok(())
    }

    /// Whether a bundle is in use, by us or by `rauc` whom we no longer hear.
    fn is_at_work(&self) -> bool {
        let installing = matches!(self.status.borrow().phase, UpdatePhase::Installing { .. });
        self.work.is_some() || installing
    }

    fn may_take_in(&self) -> Result<(), OrderError> {
        let conflict = |text: &str| Err(OrderError::Conflict(text.to_owned()));
        if self.is_at_work() {
            return conflict("an update is being taken in or installed; wait for its end");
        }
        if self.here.is_none() {
            return conflict("the updater is not ready yet; try again in a minute");
        }
        match self.status.borrow().phase {
            UpdatePhase::Idle | UpdatePhase::Verified(_) => Ok(()),
            UpdatePhase::Trying { .. } => {
                conflict("the box is trying an update; wait until it is confirmed")
            }
            _ => conflict("an update is installed already; restart the box first"),
        }
    }

    /// Whether a bundle that was found on a disk may be taken in.
    fn may_fetch(&self, path: &str) -> Result<(), OrderError> {
        self.may_take_in()?;
        let status = self.status.borrow();
        if status.found.iter().any(|bundle| bundle.path == path) {
            return Ok(());
        }
        Err(OrderError::NotFound(path.to_owned()))
    }

    /// Begins to take a bundle in, if there is one to come, and to check it.
    fn check(&mut self, from: Option<(Option<u64>, Content)>, answer: Option<Answer>) {
        let (config, rauc, status) = (
            Arc::clone(&self.config),
            self.rauc.clone(),
            Arc::clone(&self.status),
        );
        self.work = Some(Box::pin(async move {
            let checked = async {
                if let Some((size, content)) = from {
                    let tell = |received| {
                        status.send_modify(|status| {
                            status.phase = UpdatePhase::Receiving { received, size };
                        });
                    };
                    tell(0);
                    incoming::take(&config, size, content, tell).await?;
                }
                status.send_modify(|status| status.phase = UpdatePhase::Verifying);
                verify(&config, &rauc).await
            };
            Done::Checked(checked.await, answer)
        }));
    }

    async fn discard(&mut self) -> Result<Result<(), OrderError>, Error> {
        if self.is_at_work() {
            let text = "the bundle is in use; wait for the end of it";
            return Ok(Err(OrderError::Conflict(text.to_owned())));
        }
        incoming::discard(&self.config).await;
        self.memory.outcome = None;
        self.memory.write(&self.store).await?;
        self.status.send_modify(|status| {
            status.outcome = None;
            if matches!(status.phase, UpdatePhase::Verified(_)) {
                status.phase = UpdatePhase::Idle;
            }
        });
        Ok(Ok(()))
    }

    async fn install(&mut self, allow_downgrade: bool) -> Result<Result<(), OrderError>, Error> {
        let UpdatePhase::Verified(bundle) = self.status.borrow().phase.clone() else {
            let text = "there is no checked update to install".to_owned();
            return Ok(Err(OrderError::Conflict(text)));
        };
        let Some(here) = self.here.clone() else {
            return Ok(Err(OrderError::Stopped));
        };
        if bundle.downgrade && !allow_downgrade {
            let running = self.config.running.to_string();
            let bundle = bundle.version;
            return Ok(Err(OrderError::Downgrade { bundle, running }));
        }
        self.forget_failure().await?;
        // On disk before the first byte is: whatever happens, the next start knows.
        self.memory.attempt = Some(Attempt {
            version: bundle.version.clone(),
            from_slot: here.slot,
            next: here.next,
            run: here.run,
            installed: false,
            restart_at: None,
        });
        self.memory.write(&self.store).await?;
        let (path, rauc, status) = (
            incoming::bundle(&self.config),
            self.rauc.clone(),
            Arc::clone(&self.status),
        );
        let shown = bundle.clone();
        let tell = move |percent| {
            let (bundle, percent) = (shown.clone(), Some(percent));
            status.send_modify(|status| status.phase = UpdatePhase::Installing { bundle, percent });
        };
        tell(0);
        tracing::info!(version = %bundle.version, "installing an update");
        self.work = Some(Box::pin(async move {
            let result = rauc.install(&path, tell).await;
            Done::Installed(bundle, result)
        }));
        Ok(Ok(()))
    }

    async fn done(&mut self, done: Done) -> Result<(), Error> {
        self.work = None;
        match done {
            Done::Checked(Ok(bundle), answer) => {
                self.is_well();
                // A good bundle that the owner brings makes what failed before old news; one that was
                // here all along does not.
                if answer.is_some() {
                    self.forget_failure().await?;
                }
                self.set_phase(UpdatePhase::Verified(bundle));
                if let Some(answer) = answer {
                    let _ = answer.send(Ok(()));
                }
            }
            Done::Checked(Err(error), answer) => {
                self.not_checked(&error).await?;
                if let Some(answer) = answer {
                    let _ = answer.send(Err(error));
                }
            }
            Done::Installed(bundle, Ok(())) => self.installed(bundle.version).await?,
            // Not hearing from `rauc` any more does not mean that it writes no more.
            Done::Installed(_, Err(error)) => {
                tracing::warn!("whether an update was installed is not known yet: {error}");
                self.complaint = Some(error.to_string());
                self.here = None;
                self.take_up().await?;
            }
        }
        Ok(())
    }

    async fn not_checked(&mut self, error: &OrderError) -> Result<(), Error> {
        if let OrderError::Unchecked(why) = error {
            // It is as good as before: it stays, and is checked once `rauc` answers.
            self.in_trouble(why);
            self.here = None;
            self.ask_at = Instant::now() + AGAIN;
        } else {
            tracing::warn!("a bundle was not taken: {error}");
            self.is_well();
            incoming::discard(&self.config).await;
            self.tell(failed(None, error)).await?;
        }
        self.set_phase(UpdatePhase::Idle);
        Ok(())
    }

    fn set_phase(&self, phase: UpdatePhase) {
        self.status.send_modify(|status| status.phase = phase);
    }
}

/// The end of what is under way; waits for ever if nothing is.
async fn under_way(work: &mut Option<BoxFuture<'static, Done>>) -> Done {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

async fn open(
    allowed: Result<(), OrderError>,
    path: &str,
) -> Result<(Option<u64>, Content), OrderError> {
    allowed?;
    let gone = || OrderError::NotFound(path.to_owned());
    let file = File::open(path).await.map_err(|_| gone())?;
    let size = file.metadata().await.map_err(|_| gone())?.len();
    Ok((
        Some(size),
        ReaderStream::with_capacity(file, 1 << 16).boxed(),
    ))
}

/// Has the signature checked, and reads the version.
async fn verify(config: &Config, rauc: &Rauc) -> Result<Bundle, OrderError> {
    let ours = incoming::take_back(config).await;
    ours.map_err(|error| OrderError::Unchecked(error.to_string()))?;
    let manifest = rauc.info(&incoming::bundle(config)).await;
    let manifest = manifest.map_err(|error| match error {
        RaucError::Refused(why) => OrderError::Untrusted(why),
        RaucError::Unavailable(_) | RaucError::Busy => OrderError::Unchecked(error.to_string()),
    })?;
    let text = manifest.version.unwrap_or_default();
    let version: Version = text.parse().map_err(|_| {
        OrderError::Untrusted(format!(
            "its version \"{text}\" is none that can be compared"
        ))
    })?;
    Ok(Bundle {
        downgrade: version < config.running,
        version: version.to_string(),
        notes: manifest.description.unwrap_or_default(),
    })
}
