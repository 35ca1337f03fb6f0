//! Gathers what each service says is the matter into the one list that panel, API and lights read.

use std::sync::Arc;

use futures::{StreamExt, stream::FuturesUnordered};
use seedbox_core::{Alerts, ChainStatus, Concern, Owned, SeederStatus, UpdateStatus, alerts};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where concerns come from.
pub(crate) struct Sources {
    pub(crate) chain: watch::Receiver<ChainStatus>,
    pub(crate) seeder: watch::Receiver<SeederStatus>,
    pub(crate) owned: watch::Receiver<Arc<Owned>>,
    pub(crate) update: watch::Receiver<UpdateStatus>,
    /// Those that say it in so many words.
    pub(crate) further: Vec<watch::Receiver<Vec<Concern>>>,
}

impl Sources {
    /// Everything that is the matter now.
    fn concerns(&mut self) -> Vec<Concern> {
        let mut concerns = alerts::of_chain(&self.chain.borrow_and_update());
        concerns.extend(alerts::of_seeder(&self.seeder.borrow_and_update()));
        let wallets = self.owned.borrow_and_update().wallets.len();
        concerns.extend(alerts::of_wallets(wallets));
        concerns.extend(self.update.borrow_and_update().concerns());
        for source in &mut self.further {
            concerns.extend(source.borrow_and_update().iter().cloned());
        }
        concerns
    }

    /// Waits until one of them says something new; fails when one has ended.
    async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        let mut further: FuturesUnordered<_> = self
            .further
            .iter_mut()
            .map(watch::Receiver::changed)
            .collect();
        tokio::select! {
            changed = self.chain.changed() => changed,
            changed = self.seeder.changed() => changed,
            changed = self.owned.changed() => changed,
            changed = self.update.changed() => changed,
            Some(changed) = further.next() => changed,
        }
    }
}

/// Keeps `list` true until told to stop.
pub(crate) async fn gather(
    mut sources: Sources,
    list: watch::Sender<Arc<Alerts>>,
    stop: CancellationToken,
) {
    loop {
        let concerns = sources.concerns();
        list.send_if_modified(|list| {
            let replaced = list.replaced(concerns, seedbox_clock::now());
            let changed = **list != replaced;
            if changed {
                *list = Arc::new(replaced);
            }
            changed
        });
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            changed = sources.changed() => changed.is_err(),
        };
        if ended {
            // A service that ends by itself ends the box; until then the list stands.
            stop.cancelled().await;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use seedbox_core::{AlertId, Health, Severity};

    use super::*;

    #[tokio::test]
    async fn what_any_source_says_is_in_the_list_until_it_takes_it_back() {
        let chain = watch::Sender::new(ChainStatus::default());
        let seeder = watch::Sender::new(SeederStatus::default());
        let owned = watch::Sender::new(Arc::new(Owned::default()));
        let update = watch::Sender::new(UpdateStatus::default());
        let further = watch::Sender::new(Vec::new());
        let sources = Sources {
            chain: chain.subscribe(),
            seeder: seeder.subscribe(),
            owned: owned.subscribe(),
            update: update.subscribe(),
            further: vec![further.subscribe()],
        };
        let (list, mut alerts) = watch::channel(Arc::default());
        let stop = CancellationToken::new();
        let gathering = tokio::spawn(gather(sources, list, stop.clone()));
        let mut expect = async |ids: &[AlertId]| {
            let told = alerts
                .wait_for(|alerts| alerts.iter().map(|alert| &alert.concern.id).eq(ids.iter()));
            let told = tokio::time::timeout(Duration::from_secs(10), told).await;
            assert!(told.is_ok_and(|told| told.is_ok()), "{ids:?}");
        };
        expect(&[AlertId::NoWallet]).await;
        chain.send_modify(|chain| chain.health = Health::Failing);
        expect(&[AlertId::Chain, AlertId::NoWallet]).await;
        let stopped = Concern::new(AlertId::TorrentsStopped, Severity::Failing, "", "");
        further.send_replace(vec![stopped]);
        expect(&[AlertId::Chain, AlertId::TorrentsStopped, AlertId::NoWallet]).await;
        further.send_replace(Vec::new());
        chain.send_modify(|chain| chain.health = Health::Well);
        expect(&[AlertId::NoWallet]).await;
        stop.cancel();
        gathering.await.unwrap();
    }
}
