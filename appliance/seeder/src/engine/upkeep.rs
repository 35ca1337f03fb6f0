//! What happens every second: look at every torrent, finish what is whole, repair what is
//! damaged, wake what stalls, write down what changed.

use std::time::Duration;

use seedbox_core::{InfoHash, Keep, RefusalReason, eviction};
use tokio::time::Instant;

use super::{
    Engine, Event, TALLY, now,
    torrent::{Phase, Torrent, Verified},
};
use crate::{Error, content::Damage, volume};

/// Until something that failed is tried again.
pub(super) const RETRY: Duration = Duration::from_secs(30);
/// Without peers and progress for this long a torrent is announced anew.
const STALL: Duration = Duration::from_secs(20);
const LONGEST_STALL: Duration = Duration::from_secs(900);
/// Ticks between looks at the volumes.
const VOLUMES_EVERY: u64 = 2;
/// Ticks between writes of progress; a piece lost to a crash in between is fetched again.
const SAVE_EVERY: u64 = 5;
/// Ticks between writes of mere counters, to spare the card.
const SAVE_COUNTERS_EVERY: u64 = 300;

impl Engine {
    pub(super) async fn on_tick(&mut self) -> Result<(), Error> {
        self.ticks += 1;
        if self.ticks.is_multiple_of(VOLUMES_EVERY) {
            self.watch_volumes().await;
        }
        self.prune_wanted().await?;
        self.pursue();
        let all: Vec<InfoHash> = self.torrents.keys().copied().collect();
        for info_hash in all {
            self.look_after(info_hash).await;
        }
        self.limit_live().await;
        if self.ticks.is_multiple_of(SAVE_EVERY) {
            self.save(self.ticks.is_multiple_of(SAVE_COUNTERS_EVERY))
                .await?;
        }
        self.publish_status();
        Ok(())
    }

    async fn look_after(&mut self, info_hash: InfoHash) {
        let Some(torrent) = self.torrents.get_mut(&info_hash) else {
            return;
        };
        match &torrent.phase {
            Phase::Active | Phase::Verifying => {}
            Phase::Stopped {
                retry: Some(at), ..
            } if *at <= Instant::now() => {
                return self.recheck(info_hash).await;
            }
            Phase::Paused | Phase::Rechecking | Phase::Stopped { .. } => return,
        }
        let Some(handle) = torrent.handle.clone() else {
            return;
        };
        torrent.observe(handle.activity(), now(), self.tally.inflation);
        if let Some(why) = torrent.activity.error.clone() {
            tracing::warn!(torrent = %info_hash, "stopped: {why}");
            return self
                .stop(info_hash, why, Some(Instant::now() + RETRY))
                .await;
        }
        if torrent.phase != Phase::Active || torrent.complete {
            return;
        }
        if torrent.content.is_whole() {
            self.verify(info_hash);
        } else if torrent.idle_since.elapsed()
            > STALL
                .saturating_mul(1 << torrent.stalls.min(6))
                .min(LONGEST_STALL)
        {
            torrent.stalls += 1;
            tracing::info!(torrent = %info_hash, "no peers; asking around anew");
            self.stop(info_hash, "no peers".into(), None).await;
            self.start(info_hash).await;
        }
    }

    /// All pieces are there: compare the whole with what the chain says.
    fn verify(&mut self, info_hash: InfoHash) {
        let Some(torrent) = self.torrents.get_mut(&info_hash) else {
            return;
        };
        torrent.phase = Phase::Verifying;
        let (content, back) = (torrent.content.clone(), self.report_back.clone());
        tokio::spawn(async move {
            let work = move || {
                content.seal()?;
                if content.has_damage()? {
                    Ok(None)
                } else {
                    content.content_hash().map(Some)
                }
            };
            let result = super::volumes::blocking(work)
                .await
                .map_err(|e| e.to_string());
            let _ = back.send(Event::Verified { info_hash, result }).await;
        });
    }

    pub(super) async fn on_verified(
        &mut self,
        info_hash: InfoHash,
        result: Verified,
    ) -> Result<(), Error> {
        let expected = self.model(info_hash).map(|model| model.content_hash);
        let Some(torrent) = self.torrents.get_mut(&info_hash) else {
            return Ok(());
        };
        if torrent.phase != Phase::Verifying {
            return Ok(());
        }
        torrent.phase = Phase::Active;
        let found = match result {
            Ok(Some(found)) => found,
            Ok(None) => {
                self.recheck(info_hash).await;
                return Ok(());
            }
            Err(why) => {
                self.stop(info_hash, why, Some(Instant::now() + RETRY))
                    .await;
                return Ok(());
            }
        };
        if expected.is_some_and(|expected| expected != found) {
            let name = torrent.name.clone();
            let detail = "its content has another SHA-256".to_owned();
            let _ = self.delete(info_hash).await?;
            let reason = RefusalReason::NotAsPublished { detail };
            return self.give_up_for_long(info_hash, name, reason).await;
        }
        torrent.complete = true;
        torrent.repairing = false;
        torrent.dirty = true;
        tracing::info!(torrent = %info_hash, "\"{}\" is complete and verified", torrent.name);
        self.save(false).await
    }

    /// A piece failed on its way out: take the torrent away from peers and read all of it.
    pub(super) async fn on_damage(&mut self, damage: Damage) {
        let Some(torrent) = self.torrents.get_mut(&damage.info_hash) else {
            return;
        };
        if torrent.phase == Phase::Rechecking {
            return;
        }
        tracing::warn!(torrent = %damage.info_hash, "data on disk is damaged; checking all of it");
        self.recheck(damage.info_hash).await;
    }

    /// Reads all of a torrent from disk. If its volume is gone there is nothing to read.
    async fn recheck(&mut self, info_hash: InfoHash) {
        self.watch_volumes().await;
        self.stop(info_hash, "it is being checked".into(), None)
            .await;
        if !self.is_on_ready_volume(info_hash) {
            return self.start(info_hash).await;
        }
        let Some(torrent) = self.torrents.get_mut(&info_hash) else {
            return;
        };
        torrent.phase = Phase::Rechecking;
        let (content, back) = (torrent.content.clone(), self.report_back.clone());
        let before = content.have();
        tokio::spawn(async move {
            let work = move || {
                // A file that somebody deleted needs its space again.
                volume::allocate(content.folder(), content.metainfo())?;
                let damaged = content.recheck();
                content.close();
                Ok(damaged)
            };
            let damaged = super::volumes::blocking(work).await.unwrap_or(0);
            let _ = back
                .send(Event::Rechecked {
                    info_hash,
                    before,
                    damaged,
                })
                .await;
        });
    }

    pub(super) async fn on_rechecked(
        &mut self,
        info_hash: InfoHash,
        before: &[u8],
        damaged: u32,
    ) -> Result<(), Error> {
        self.watch_volumes().await;
        let ready = self.is_on_ready_volume(info_hash);
        let Some(torrent) = self.torrents.get_mut(&info_hash) else {
            return Ok(());
        };
        if torrent.phase != Phase::Rechecking || !ready {
            // The volume went meanwhile: what was read says nothing, and what was known before
            // still holds when it comes back.
            if torrent.handle.is_none() {
                self.renew_content(info_hash, before);
            }
            return Ok(());
        }
        let whole = torrent.content.is_whole();
        torrent.complete &= whole;
        torrent.repairing = !whole;
        torrent.dirty = true;
        self.tally.repaired_pieces += u64::from(damaged);
        if damaged > 0 {
            tracing::warn!(torrent = %info_hash, "{damaged} pieces are damaged and fetched again");
        }
        // The old content may be sealed; a new one takes the bitfield as it is now.
        let have = torrent.content.have();
        torrent.phase = Phase::Stopped {
            why: "it was checked".into(),
            retry: None,
        };
        self.renew_content(info_hash, &have);
        self.save(false).await?;
        self.start(info_hash).await;
        Ok(())
    }

    /// Keeps no more torrents announced than configured: those least asked for pause.
    async fn limit_live(&mut self) {
        let mut live: Vec<(bool, f64, InfoHash)> = self
            .torrents
            .iter()
            .filter(|(_, t)| t.phase == Phase::Active && t.complete)
            .map(|(hash, t)| {
                let keep = self.keep(*hash) != Keep::Community;
                (keep, eviction::score(&t.item(*hash, false)), *hash)
            })
            .collect();
        let busy = self
            .torrents
            .values()
            .filter(|t| t.phase == Phase::Active)
            .count();
        let excess = busy.saturating_sub(self.config.max_live);
        live.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        for (_, _, info_hash) in live.into_iter().take(excess) {
            if let Some(torrent) = self.torrents.get_mut(&info_hash)
                && let Some(handle) = &torrent.handle
            {
                self.session.pause(handle).await;
                torrent.phase = Phase::Paused;
            }
        }
    }

    /// Somebody asked for a torrent that is paused.
    pub(super) async fn resume(&mut self, info_hash: InfoHash) {
        if let Some(torrent) = self.torrents.get_mut(&info_hash)
            && torrent.phase == Phase::Paused
            && let Some(handle) = &torrent.handle
        {
            self.session.resume(handle).await;
            torrent.phase = Phase::Active;
        }
    }

    /// Writes down what changed; mere counters only now and then.
    pub(super) async fn save(&mut self, counters: bool) -> Result<(), Error> {
        let mut all = Vec::new();
        // A recheck under way may yet turn out to have read a volume that is gone.
        let settled = |t: &Torrent| t.phase != Phase::Rechecking;
        for (info_hash, torrent) in self.torrents.iter_mut().filter(|(_, t)| settled(t)) {
            let pieces = torrent.content.take_changed();
            let uploads = counters && torrent.activity.uploaded > 0;
            if pieces || torrent.dirty || uploads {
                torrent.dirty = false;
                all.push(torrent.progress(*info_hash));
            }
        }
        if !all.is_empty() {
            self.store.save_progress(all).await?;
        }
        if self.saved_tally != self.tally {
            self.store.set_setting(TALLY, &self.tally).await?;
            self.saved_tally = self.tally;
        }
        Ok(())
    }
}
