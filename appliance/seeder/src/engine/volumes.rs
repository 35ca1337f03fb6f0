//! Volumes coming and going, and taking up what lies on them.

use seedbox_core::{InfoHash, VolumeState};
use seedbox_store::torrents::{TorrentRow, VolumeRow};
use std::sync::Arc;

use super::{
    Engine, now,
    torrent::{Phase, Torrent},
};
use crate::{
    Error,
    content::Content,
    metainfo::{Limits, Metainfo},
    volume::{self, Volume},
};

impl Engine {
    /// Finds the configured volumes; a new empty folder is adopted, a known one must show its
    /// marker.
    pub(super) async fn open_volumes(&mut self) -> Result<(), Error> {
        let known = self.store.volumes().await?;
        for root in self.config.volumes.clone() {
            let path = root.display().to_string();
            let row = known.iter().find(|row| row.path == path).cloned();
            let is_new = row.is_none();
            let row = row.unwrap_or_else(|| VolumeRow {
                id: new_id(),
                path,
                quota: 0,
            });
            let mut volume = Volume {
                id: row.id.clone(),
                root,
                quota: self.config.quota.unwrap_or(row.quota),
                reserve: self.config.reserve,
                state: VolumeState::Missing("not looked at yet".into()),
            };
            if is_new {
                self.adopt(&mut volume).await?;
            } else {
                volume.state = volume.look();
            }
            if volume.state == VolumeState::Ready
                && let Err(e) = volume::make_folder(&volume.root.join(volume::TORRENTS))
            {
                volume.state = VolumeState::Missing(format!("it cannot be written: {e}"));
            }
            if let VolumeState::Missing(why) = &volume.state {
                tracing::warn!(
                    "the data volume {} is not usable: {why}",
                    volume.root.display()
                );
            }
            self.volumes.push(volume);
        }
        Ok(())
    }

    async fn adopt(&mut self, volume: &mut Volume) -> Result<(), Error> {
        if let Err(e) = Volume::adopt(&volume.root, &volume.id) {
            volume.state = VolumeState::Missing(format!("it cannot be used: {e}"));
            return Ok(());
        }
        volume.state = VolumeState::Ready;
        if self.config.quota.is_none() {
            // Half of what is free leaves room for whatever else the disk is for.
            let free = volume
                .disk_free()
                .unwrap_or(0)
                .saturating_sub(volume.reserve);
            volume.quota = self.config.first_quota.unwrap_or(free / 2);
        }
        let path = volume.root.display().to_string();
        tracing::info!(
            "new data volume at {path} with a quota of {} bytes",
            volume.quota
        );
        let row = VolumeRow {
            id: volume.id.clone(),
            path,
            quota: volume.quota,
        };
        self.store.put_volume(row).await?;
        Ok(())
    }

    /// Rebuilds everything from the store and reconciles it with the disks.
    pub(super) async fn take_up_torrents(&mut self) -> Result<(), Error> {
        for row in self.store.torrents().await? {
            self.take_up(row).await?;
        }
        for index in 0..self.volumes.len() {
            self.remove_orphans(index).await;
            self.enforce_quota(index).await?;
        }
        let all: Vec<InfoHash> = self.torrents.keys().copied().collect();
        for info_hash in all {
            self.start(info_hash).await;
        }
        Ok(())
    }

    async fn take_up(&mut self, mut row: TorrentRow) -> Result<(), Error> {
        let limits = Limits {
            max_total: u64::MAX,
        };
        let metainfo = match Metainfo::from_info_bytes(row.info_hash, &row.info, &limits) {
            Ok(metainfo) => Arc::new(metainfo),
            Err(e) => {
                tracing::error!(torrent = %row.info_hash, "its stored metadata is unusable ({e}); it is fetched again if it is wanted");
                return Ok(self.store.release_torrent(row.info_hash).await?);
            }
        };
        let Some(volume) = self.volumes.iter().find(|v| v.id == row.volume) else {
            tracing::warn!(torrent = %row.info_hash, "lies on a volume that is not configured any more");
            return Ok(());
        };
        let folder = volume.folder(row.info_hash);
        let ready = volume.state == VolumeState::Ready;
        if ready && !volume::is_allocated(&folder, &metainfo) {
            // A crash between reserving and allocating, or while deleting.
            let keep = self.protected.contains_key(&row.info_hash)
                || self.accepted.contains_key(&row.info_hash);
            if !keep {
                return self.discard(row.info_hash, folder).await;
            }
            row.have.fill(0);
            row.complete = false;
            if let Err(e) = volume::allocate(&folder, &metainfo) {
                tracing::error!(torrent = %row.info_hash, "cannot make its files again: {e}");
            }
        }
        let content = self.content(&metainfo, folder, &row.have, row.complete);
        self.torrents
            .insert(row.info_hash, Torrent::from_row(&row, content));
        Ok(())
    }

    pub(super) fn content(
        &self,
        metainfo: &Arc<Metainfo>,
        folder: std::path::PathBuf,
        have: &[u8],
        complete: bool,
    ) -> Arc<Content> {
        let (files, damage) = (self.descriptors.clone(), self.report_damage.clone());
        Content::new(metainfo.clone(), folder, have, complete, files, damage)
    }

    async fn discard(
        &mut self,
        info_hash: InfoHash,
        folder: std::path::PathBuf,
    ) -> Result<(), Error> {
        if let Err(e) = blocking(move || volume::delete(&folder)).await {
            tracing::error!(torrent = %info_hash, "cannot delete what is left of it: {e}");
            return Ok(());
        }
        Ok(self.store.release_torrent(info_hash).await?)
    }

    /// Deletes torrent folders that the store does not know: nothing was promised for them.
    async fn remove_orphans(&self, index: usize) {
        let volume = &self.volumes[index];
        if volume.state != VolumeState::Ready {
            return;
        }
        for info_hash in volume.folders().unwrap_or_default() {
            if self.torrents.contains_key(&info_hash) {
                continue;
            }
            let folder = volume.folder(info_hash);
            tracing::info!(torrent = %info_hash, "deleting files that no torrent claims");
            if let Err(e) = blocking(move || volume::delete(&folder)).await {
                tracing::warn!(torrent = %info_hash, "cannot delete them: {e}");
            }
        }
    }

    /// Looks at every volume; stops what lies on one that went, continues on one that came back.
    pub(super) async fn watch_volumes(&mut self) {
        for index in 0..self.volumes.len() {
            let before = self.volumes[index].state.clone();
            let after = self.volumes[index].look();
            if before == after || (before != VolumeState::Ready && after != VolumeState::Ready) {
                continue;
            }
            self.volumes[index].state = after.clone();
            let id = self.volumes[index].id.clone();
            let on_it: Vec<InfoHash> = self
                .torrents
                .iter()
                .filter(|(_, t)| t.volume == id)
                .map(|(h, _)| *h)
                .collect();
            match after {
                VolumeState::Missing(why) => {
                    tracing::warn!("a data volume is gone: {why}");
                    for info_hash in on_it {
                        self.stop(info_hash, "its volume is missing".into(), None)
                            .await;
                    }
                }
                VolumeState::Ready => {
                    tracing::info!("a data volume is back");
                    for info_hash in on_it {
                        if let Some(have) = self.torrents.get(&info_hash).map(|t| t.content.have())
                        {
                            self.renew_content(info_hash, &have);
                        }
                        self.start(info_hash).await;
                    }
                }
            }
        }
    }

    /// Trusts nothing that was verified before: the disk may have been elsewhere.
    pub(super) fn renew_content(&mut self, info_hash: InfoHash, have: &[u8]) {
        let Some(torrent) = self.torrents.get(&info_hash) else {
            return;
        };
        let (old, complete) = (torrent.content.clone(), torrent.complete);
        let content = self.content(old.metainfo(), old.folder().clone(), have, complete);
        if let Some(torrent) = self.torrents.get_mut(&info_hash) {
            torrent.content = content;
        }
    }

    pub(super) fn is_on_ready_volume(&self, info_hash: InfoHash) -> bool {
        let Some(torrent) = self.torrents.get(&info_hash) else {
            return false;
        };
        self.volumes
            .iter()
            .any(|v| v.id == torrent.volume && v.state == VolumeState::Ready)
    }

    /// Hands a torrent to librqbit, unless its volume is missing.
    pub(super) async fn start(&mut self, info_hash: InfoHash) {
        let Some(torrent) = self.torrents.get(&info_hash) else {
            return;
        };
        let volume = self.volumes.iter().find(|v| v.id == torrent.volume);
        if volume.is_none_or(|v| v.state != VolumeState::Ready) {
            return self
                .stop(info_hash, "its volume is missing".into(), None)
                .await;
        }
        let paused = torrent.complete && self.live_count() >= self.config.max_live;
        let (content, peers) = (torrent.content.clone(), torrent.peers.clone());
        let result = self.session.add(&content, peers, paused).await;
        let Some(torrent) = self.torrents.get_mut(&info_hash) else {
            return;
        };
        torrent.idle_since = tokio::time::Instant::now();
        match result {
            Ok(handle) => {
                torrent.handle = Some(handle);
                torrent.phase = if paused { Phase::Paused } else { Phase::Active };
            }
            Err(why) => {
                let retry = Some(tokio::time::Instant::now() + super::upkeep::RETRY);
                tracing::warn!(torrent = %info_hash, "cannot be started: {why}");
                torrent.phase = Phase::Stopped { why, retry };
            }
        }
    }

    /// Takes a torrent out of librqbit's hands. Its files stay.
    pub(super) async fn stop(
        &mut self,
        info_hash: InfoHash,
        why: String,
        retry: Option<tokio::time::Instant>,
    ) {
        if self
            .torrents
            .get(&info_hash)
            .is_some_and(|t| t.handle.is_some())
        {
            self.session.remove(info_hash).await;
        }
        if let Some(torrent) = self.torrents.get_mut(&info_hash) {
            torrent.released();
            torrent.phase = Phase::Stopped { why, retry };
        }
    }

    fn live_count(&self) -> usize {
        self.torrents
            .values()
            .filter(|t| t.phase == Phase::Active)
            .count()
    }
}

/// Runs disk work off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(std::io::Error::other(e)),
    }
}

fn new_id() -> String {
    let mut bytes = [0u8; 16];
    // The identity needs to be unique, not secret; without randomness the clock must do.
    if rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_err() {
        bytes[..8].copy_from_slice(&now().0.to_be_bytes());
    }
    hex::encode(bytes)
}
