//! Reads the chain into the store: block after block, back to the common ancestor when the chain
//! was reorganised, and from the start when it was replaced.
//!
//! Old blocks are read in wide ranges. The last [`JOURNAL_DEPTH`] are read with their headers,
//! which must form one chain with the logs in it, and with a journal to undo them. The newest
//! [`BY_HASH`] are asked for by hash: a range that reaches beyond what a lagging endpoint has is
//! silently cut short.

mod asking;
mod audit;
mod bisection;
mod forks;
mod pace;
mod ranges;
mod withholding;
mod writing;

use seedbox_core::{BlockRef, UnixTime};
use seedbox_store::{Store, chain::Reading};
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tracing::{info, warn};

pub(crate) use self::audit::Proved;
use self::{audit::Ledger, pace::Pace, withholding::Withholding};

use crate::{
    Deployment, contracts,
    endpoint_error::EndpointError,
    headers::Vouched,
    logs::EventLog,
    source::{Header, Source},
    view::View,
    working::{Change, Working},
};

/// Blocks that can be undone.
pub(crate) const JOURNAL_DEPTH: u64 = 512;

/// Newest blocks whose logs are asked for by block hash.
const BY_HASH: u64 = 8;

/// Headers that are read at once.
const CHUNK: u64 = 256;

/// Times that one look at the chain may go back before the endpoint is called unreliable.
const MAX_REWINDS: u32 = 3;

/// Why a look at the chain failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The endpoint's fault; another may do better.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Our own memory's fault.
    #[error(transparent)]
    Store(#[from] seedbox_store::Error),
}

/// The reader of one deployment.
pub(crate) struct Reader {
    store: Store,
    deployment: Deployment,
    working: Working,
    /// How many blocks to ask for in one range.
    pace: Pace,
    /// When the confirmation of the head was last written down.
    written_at: Option<UnixTime>,
    /// When anything was last written, and what is being written.
    written: Instant,
    writing: Option<JoinHandle<Result<(), seedbox_store::Error>>>,
    /// Whether a state must be proved before it is shown.
    proves: bool,
    /// What was proved.
    ledger: Ledger,
    /// Which blocks everybody should have by now.
    withholding: Withholding,
    /// Who vouches for which block.
    vouched: watch::Receiver<Vouched>,
    view: watch::Sender<View>,
}

impl Reader {
    /// Takes up the stored readings of this deployment where they were left.
    pub(crate) async fn load(
        store: Store,
        deployment: Deployment,
        readings: Vec<Reading>,
        vouched: watch::Receiver<Vouched>,
        view: watch::Sender<View>,
    ) -> Result<Self, seedbox_store::Error> {
        let rereading = readings.len() > 1;
        let working = match readings.into_iter().next_back() {
            Some(reading) => Working::from(reading),
            None => Working::new(store.begin_chain_reading(deployment.source()).await?),
        };
        view.send_modify(|view| view.rereading = rereading);
        Ok(Self {
            store,
            deployment,
            working,
            pace: Pace::default(),
            writing: None,
            written: Instant::now(),
            written_at: None,
            proves: true,
            ledger: Ledger::default(),
            withholding: Withholding::default(),
            vouched,
            view,
        })
    }

    /// Takes events as they are told.
    pub(crate) fn believe(&mut self) {
        self.proves = false;
    }

    /// Seconds within which an endpoint has to have a block that is vouched for.
    pub(crate) fn expect_within(&mut self, seconds: u64) {
        self.withholding.patience = seconds;
    }

    /// One look at the chain: reads up to the head that `source` names, has it proved, and confirms
    /// it as of `now`. What was read before a failure stays read.
    pub(crate) async fn look(
        &mut self,
        source: &impl Source,
        now: UnixTime,
    ) -> Result<(), Failure> {
        let head = source.head().await?;
        let (learned, reorgs) = (Instant::now(), self.view.borrow().reorgs);
        self.view.send_if_modified(|view| {
            let number = Some(head.block.number);
            std::mem::replace(&mut view.head, number) != number
        });
        self.identify(source, head.block.number).await?;
        let withheld = self.withheld(&head.block, now);
        if let Some(error) = withheld
            .clone()
            .filter(|_| self.working.tip == Some(head.block))
        {
            // It has nothing new to tell; and that nothing is new is not so.
            return Err(error.into());
        }
        let mut rewinds = 0;
        while self.working.tip != Some(head.block) {
            if !self.advance(source, &head).await? {
                rewinds += 1;
                if rewinds > MAX_REWINDS {
                    return Err(nonsense("its blocks do not fit together").into());
                }
                self.reconcile(source, &head).await?;
            }
            self.show_position();
        }
        self.audit(source).await?;
        self.corroborate(source).await?;
        self.confirm(now).await?;
        if self.view.borrow().reorgs > reorgs {
            let milliseconds = learned.elapsed().as_millis();
            info!(milliseconds, "the other branch is shown");
        }
        withheld.map_or(Ok(()), |error| Err(error.into()))
    }

    fn show_position(&self) {
        let position = self.working.tip.map(|tip| tip.number);
        self.view.send_modify(|view| view.position = position);
    }

    /// Reads the next blocks; `false` if what was read so far is not on the source's chain.
    async fn advance(&mut self, source: &impl Source, head: &Header) -> Result<bool, Failure> {
        let (head_number, start) = (head.block.number, self.deployment.block);
        let next = match self.working.tip {
            Some(tip) if head_number <= tip.number => return Ok(false),
            Some(tip) => tip.number + 1,
            None if head_number < start => {
                let head = head_number;
                return Err(EndpointError::BeforeStart { head, start }.into());
            }
            None => start,
        };
        self.read(source, head, next).await
    }

    /// Undoes changes that will not be written.
    fn take_back(&mut self, changes: Vec<Change>) {
        for change in changes.into_iter().rev() {
            self.working.projection.set(change.before);
        }
    }

    /// Projects events; what cannot be used is counted and left out.
    fn project(&mut self, logs: &[EventLog]) -> Vec<Change> {
        let (mut changes, mut rows) = (Vec::new(), Vec::new());
        let mut unusable = 0usize;
        for EventLog { block, log } in logs {
            let projection = &mut self.working.projection;
            let meaning = contracts::decode(&self.deployment, log);
            let written = projection.replay(&self.deployment, log, &mut rows);
            unusable += usize::from(meaning.is_err() || written.is_err());
            if let Ok(Some(event)) = meaning {
                rows.extend(projection.apply(event));
            }
            changes.extend(rows.drain(..).map(|(before, after)| Change {
                block: *block,
                before,
                after,
            }));
        }
        if unusable > 0 {
            warn!(
                unusable,
                of = logs.len(),
                "left out events that cannot be used"
            );
        }
        if !changes.is_empty() {
            self.working.changed = true;
            self.working.roots = None;
        }
        changes
    }
}

async fn existing(source: &impl Source, number: u64) -> Result<BlockRef, EndpointError> {
    let header = source.header(number).await?;
    let header = header.ok_or_else(|| nonsense("a block below its own head is missing"))?;
    Ok(header.block)
}

fn nonsense(what: &str) -> EndpointError {
    EndpointError::Nonsense(what.into())
}

#[cfg(test)]
mod tests;
