//! Ethereum's validators vouch: a light client over whichever configured beacon node answers and
//! can be believed. What it has learnt is kept, so that the checkpoint is used once.

mod words;

use std::time::Duration;

use seedbox_core::{BlockRef, CheckpointStatus, Trust, TrustStatus, UnixTime};
use seedbox_light_client::{self as light_client, Network, Root, Saved, VerifiedHeader, json};
use seedbox_store::light_client::LightClientRow;
use tracing::{info, warn};

use crate::{
    endpoint_error::EndpointError,
    headers::{HeaderError, HeaderSource, VouchedHeader, asked::Asked, beacon::Beacon},
};

/// Updates that are asked for at once: 60 kB each.
const BATCH: u64 = 16;

/// Slots between two looks at what was signed last, which is every block.
const PACE_SLOTS: u64 = 1;

/// Slots between two looks at what became final, which happens every 32.
const FINALITY_SLOTS: u64 = 8;

/// Slots between two looks while nobody can be believed.
const RETRY_PACE_SLOTS: u64 = 2;

/// Slots after which a node's newest signature is old: two epochs of the mainnet preset.
const OLD_SLOTS: u64 = 64;

/// Slots until the next committee is asked for again when there was none yet.
const RETRY_SLOTS: u64 = 32;

/// See [`Trust::Finalized`].
pub(crate) struct Finalized<B> {
    asked: Asked<B>,
    network: Network,
    checkpoint: Root,
    store: seedbox_store::Store,
    client: Option<light_client::Store>,
    /// The longest time without news that the signatures had to bridge, in seconds.
    bridged: u64,
    loaded: bool,
    /// What the store has: slot, period and whether the next committee is known.
    saved: Option<Standing>,
    /// Before this slot no next committee is asked for.
    retry_committee: u64,
    /// Before this slot nobody is asked what became final.
    next_finality: u64,
    /// The newest block that two thirds signed, if it is newer than the final one.
    signed: Option<VouchedHeader>,
    /// The fault is probably the box's age.
    too_old: bool,
}

type Standing = (u64, u64, bool);

fn standing(client: &light_client::Store) -> Standing {
    (
        client.finalized().slot,
        client.period(),
        client.knows_next_committee(),
    )
}

impl<B: Beacon> Finalized<B> {
    pub(crate) fn new(
        network: Network,
        checkpoint: Root,
        beacons: Vec<B>,
        store: seedbox_store::Store,
    ) -> Self {
        Self {
            asked: Asked::new(beacons),
            network,
            checkpoint,
            store,
            client: None,
            bridged: 0,
            loaded: false,
            saved: None,
            retry_committee: 0,
            next_finality: 0,
            signed: None,
            too_old: false,
        }
    }

    /// Takes up what an earlier run has learnt from the same checkpoint.
    async fn load(&mut self) -> Result<(), HeaderError> {
        if self.loaded {
            return Ok(());
        }
        let row = self.store.light_client(self.checkpoint.0).await?;
        self.loaded = true;
        let Some(row) = row else { return Ok(()) };
        let saved = Saved {
            position: row.position,
            committees: row.committees,
        };
        match light_client::Store::restore(self.network.clone(), &saved) {
            Ok(client) => {
                self.bridged = row.bridged;
                self.saved = Some(standing(&client));
                self.take(client);
            }
            Err(error) => warn!(%error, "the light client begins again at its checkpoint"),
        }
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), HeaderError> {
        let Some(client) = &self.client else {
            return Ok(());
        };
        let standing = standing(client);
        if self.saved == Some(standing) {
            return Ok(());
        }
        // It cannot fail, and if it did the box would only have to ask more after a restart.
        let Ok(Saved {
            position,
            committees,
        }) = client.save()
        else {
            return Ok(());
        };
        let row = LightClientRow {
            checkpoint: self.checkpoint.0,
            bridged: self.bridged,
            position,
            committees,
        };
        self.store.set_light_client(row).await?;
        self.saved = Some(standing);
        Ok(())
    }

    fn take(&mut self, client: light_client::Store) {
        let newest = vouched(&client.finalized(), Trust::Finalized);
        self.signed = self
            .signed
            .filter(|signed| signed.block.number > newest.block.number);
        self.asked.header = Some(newest);
        self.client = Some(client);
    }

    /// Learns all that one node can tell.
    async fn ask(&mut self, index: usize, now: UnixTime) -> Result<(), EndpointError> {
        let slot = self.network.slot_at(now);
        if self.client.is_none() {
            self.begin(index).await?;
        }
        while let Some((path, count)) = self.missing_committees(slot) {
            let limit = count.saturating_mul(json::MAX_UPDATE);
            let body = self.asked.get(index).get(&path, limit).await?;
            let before = self.client.as_ref().map(standing);
            self.learn(now, move |network| json::updates(network, &body, count))
                .await?;
            if before == self.client.as_ref().map(standing) {
                self.retry_committee = slot + RETRY_SLOTS;
                break;
            }
        }
        let mut newest = self.learn_signed(index, now).await?;
        if slot >= self.next_finality || newest.is_none() {
            let limit = json::MAX_SHORT_UPDATE;
            let body = self.asked.get(index).get("finality_update", limit).await?;
            let read = move |network: &Network| {
                json::finality_update(network, &body).map(|update| vec![update])
            };
            newest = newest.max(Some(self.learn(now, read).await?));
            self.next_finality = slot + FINALITY_SLOTS;
        }
        let old = slot.saturating_sub(newest.unwrap_or_default());
        if old > OLD_SLOTS {
            let seconds = old * self.network.seconds_per_slot;
            return Err(EndpointError::OldSignature { seconds });
        }
        Ok(())
    }

    /// Learns of the newest block that was signed, final or not; gives its slot. `None` if the node
    /// does not tell of it: then what becomes final has to do.
    async fn learn_signed(
        &mut self,
        index: usize,
        now: UnixTime,
    ) -> Result<Option<u64>, EndpointError> {
        let limit = json::MAX_SHORT_UPDATE;
        let body = match self.asked.get(index).get("optimistic_update", limit).await {
            Err(EndpointError::Refused(_)) => return Ok(None),
            body => body?,
        };
        let update = json::optimistic_update(&self.network, &body)?;
        let many_signed = update.sync_aggregate.has_supermajority();
        let slot = self.learn(now, move |_| Ok(vec![update])).await?;
        let known = self.client.as_ref().map(light_client::Store::optimistic);
        if let Some(header) = known.filter(|header| many_signed && header.slot == slot)
            && self
                .asked
                .header
                .is_some_and(|last| last.block.number < header.block_number)
        {
            self.signed = Some(vouched(&header, Trust::Signed));
        }
        Ok(Some(slot))
    }

    async fn begin(&mut self, index: usize) -> Result<(), EndpointError> {
        let path = format!("bootstrap/{}", self.checkpoint);
        let limit = json::MAX_BOOTSTRAP;
        let body = self.asked.get(index).get(&path, limit).await?;
        let (network, checkpoint) = (self.network.clone(), self.checkpoint);
        let client = heavy(move || {
            let bootstrap = json::bootstrap(&network, &body)?;
            light_client::Store::new(network, checkpoint, bootstrap)
        })
        .await??;
        let slot = client.checkpoint().slot;
        info!(checkpoint = %self.checkpoint, slot, "the light client begins at its checkpoint");
        self.take(client);
        Ok(())
    }

    /// What to ask for when the sync committee of now or the next is not known yet.
    fn missing_committees(&self, slot: u64) -> Option<(String, usize)> {
        let client = self.client.as_ref()?;
        let (from, to) = (client.period(), self.network.period_of(slot));
        let complete = client.knows_next_committee() && from >= to;
        if complete || (from >= to && slot < self.retry_committee) {
            return None;
        }
        let count = (to.saturating_sub(from) + 1).min(BATCH);
        let path = format!("updates?start_period={from}&count={count}");
        Some((path, usize::try_from(count).ok()?))
    }

    /// Has the updates checked that `read` finds; keeps what could be believed up to the first lie.
    /// Gives the newest slot whose block was signed.
    async fn learn(
        &mut self,
        now: UnixTime,
        read: impl FnOnce(&Network) -> Result<Vec<light_client::Update>, light_client::Error>
        + Send
        + 'static,
    ) -> Result<u64, EndpointError> {
        // A copy, so that nothing is lost if this is cancelled.
        let Some(mut client) = self.client.clone() else {
            return Ok(0);
        };
        let (slot, known) = (self.network.slot_at(now), client.finalized().slot);
        let age = client.age(now);
        let (client, outcome) = heavy(move || {
            let outcome = read(client.network()).and_then(|updates| {
                updates.into_iter().try_fold(0, |newest: u64, update| {
                    // Not the slot of the signature: old news are refused before it is checked,
                    // and could claim any.
                    let signed = update.attested_slot();
                    believe(&mut client, update, slot)?;
                    Ok(newest.max(signed))
                })
            });
            (client, outcome)
        })
        .await?;
        if client.finalized().slot > known {
            self.bridged = self.bridged.max(age);
        }
        self.take(client);
        Ok(outcome?)
    }
}

/// Runs what takes a while (hundreds of keys, a pairing) beside the runtime's own threads.
async fn heavy<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EndpointError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| EndpointError::Nonsense("its answer could not be checked".into()))
}

fn believe(
    client: &mut light_client::Store,
    update: light_client::Update,
    slot: u64,
) -> Result<(), light_client::Error> {
    match client.process(update, slot) {
        Ok(()) | Err(light_client::Error::Irrelevant { .. }) => {}
        Err(error) => return Err(error),
    }
    // Going on without finality is for periods in which most did sign; a handful of signatures
    // must never choose the next committee.
    let many_signed = client
        .best_update()
        .is_some_and(|best| best.sync_aggregate.has_supermajority());
    if many_signed {
        client.force_update(slot)?;
    }
    Ok(())
}

fn vouched(header: &VerifiedHeader, trust: Trust) -> VouchedHeader {
    VouchedHeader {
        block: BlockRef {
            number: header.block_number,
            hash: header.block_hash.0,
            timestamp: header.timestamp,
        },
        state_root: header.state_root.0,
        trust,
        slot: Some(header.slot),
    }
}

impl<B: Beacon> HeaderSource for Finalized<B> {
    async fn newest(&mut self, now: UnixTime) -> Result<VouchedHeader, HeaderError> {
        self.load().await?;
        let mut failure = EndpointError::Unreachable("no beacon node is configured".into());
        let mut too_old = false;
        for index in 0..self.asked.len() {
            match self.ask(index, now).await {
                Ok(()) => {
                    self.asked.note(index, Ok(()));
                    self.asked.only(index);
                    (self.asked.failure, self.too_old) = (None, false);
                    self.keep().await?;
                    break;
                }
                Err(error) => {
                    let asks_for_newer_box = error.asks_for_newer_box();
                    if asks_for_newer_box || !too_old {
                        failure = error.clone();
                    }
                    too_old |= asks_for_newer_box;
                    self.asked.note(index, Err(error));
                    (self.asked.failure, self.too_old) = (Some(failure.to_string()), too_old);
                }
            }
        }
        match (&self.asked.failure, self.asked.header) {
            (None, Some(header)) => Ok(header),
            _ => {
                self.keep().await?;
                Err(failure.into())
            }
        }
    }

    fn signed(&self) -> Option<VouchedHeader> {
        self.signed
    }

    fn status(&self, now: UnixTime) -> TrustStatus {
        let (health, sentence) = words::sentence(&words::Situation {
            header: self.asked.header.as_ref(),
            age: self.client.as_ref().map(|client| client.age(now)),
            epoch: self.network.preset.slots_per_epoch() * self.network.seconds_per_slot,
            checkpoint: self.checkpoint,
            bridged: self.bridged,
            failure: self.asked.failure.as_deref(),
            too_old: self.too_old,
        });
        let begun = self.client.as_ref().map(|client| client.checkpoint().slot);
        TrustStatus {
            level: Trust::Finalized,
            health,
            sentence,
            block: self.asked.header.map(|header| header.shown()),
            checkpoint: Some(CheckpointStatus {
                root: self.checkpoint.0,
                age: begun.map(|slot| now.seconds_since(self.network.time_of(slot))),
            }),
            endpoints: self.asked.status(),
        }
    }

    fn pace(&self) -> Duration {
        let slots = if self.asked.failure.is_some() {
            RETRY_PACE_SLOTS
        } else {
            PACE_SLOTS
        };
        Duration::from_secs(slots.saturating_mul(self.network.seconds_per_slot))
            .min(Duration::from_secs(60))
    }
}

#[cfg(test)]
mod tests;
