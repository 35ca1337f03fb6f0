//! Letting a torrent in: find room, evict, reserve, allocate, start. In that order, so that at no
//! moment more is promised than the quota holds.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use seedbox_core::{
    Classified, Demand, Evictable, InfoHash, Keep, Refusal, RefusalReason, VolumeState, classify,
    eviction::{self, Ask, Plan, Room},
};
use seedbox_store::torrents::TorrentRow;

use super::{Engine, now, torrent::Torrent, volumes::blocking};
use crate::{
    Error,
    metainfo::Metainfo,
    volume::{self, VOLUME_OVERHEAD},
};

impl Engine {
    /// Why the box holds, or would hold, a torrent.
    pub(super) fn keep(&self, info_hash: InfoHash) -> Keep {
        if self.protected.contains_key(&info_hash) {
            Keep::Owned
        } else if self.accepted.contains_key(&info_hash) {
            Keep::Accepted
        } else {
            Keep::Community
        }
    }

    pub(super) fn ask(&self, info_hash: InfoHash, size: u64) -> Ask {
        match self.keep(info_hash) {
            Keep::Community => Ask::Community { size },
            Keep::Owned | Keep::Accepted => Ask::Protected {
                size,
                limit: self.config.model_limit,
            },
        }
    }

    /// What lies on a volume, split into what must stay and what may go.
    pub(super) fn inventory(&self, volume: &str) -> Classified {
        let on_it = self.torrents.iter().filter(|(_, t)| t.volume == volume);
        let items = on_it.map(|(hash, t)| t.item(*hash, self.accepted.contains_key(hash)));
        let owned = self.owned.borrow().clone();
        classify(
            items,
            &owned,
            now(),
            self.config.max_ownership_age.as_secs(),
        )
    }

    pub(super) fn room(&self, index: usize) -> Room {
        let volume = &self.volumes[index];
        let used: u64 = self
            .torrents
            .values()
            .filter(|t| t.volume == volume.id)
            .map(|t| t.reserved)
            .sum();
        let free = volume.disk_free().unwrap_or(0);
        Room {
            quota: volume.quota,
            reserved: used + VOLUME_OVERHEAD,
            disk_available: free.saturating_sub(volume.reserve),
        }
    }

    /// The volume that takes it at the lowest price, and what must go there first.
    pub(super) fn find_room(&self, ask: Ask) -> Result<(usize, Plan), RefusalReason> {
        let mut best: Option<(usize, Plan)> = None;
        let mut refusal = None;
        for (index, volume) in self.volumes.iter().enumerate() {
            if let VolumeState::Missing(detail) = &volume.state {
                let detail = detail.clone();
                refusal.get_or_insert(RefusalReason::NoVolume { detail });
                continue;
            }
            match eviction::admit(ask, self.room(index), &self.inventory(&volume.id)) {
                Ok(plan) => {
                    let price = |plan: &Plan| plan.inflation.unwrap_or(f64::NEG_INFINITY);
                    if best
                        .as_ref()
                        .is_none_or(|(_, other)| price(&plan) < price(other))
                    {
                        best = Some((index, plan));
                    }
                }
                // A volume's own reason says more than that another one is missing.
                Err(reason) => refusal = Some(reason),
            }
        }
        let none = || RefusalReason::NoVolume {
            detail: "none is configured".into(),
        };
        best.ok_or_else(|| refusal.unwrap_or_else(none))
    }

    /// Lets a torrent in, or says why not.
    pub(super) async fn admit(
        &mut self,
        metainfo: Metainfo,
        name: String,
        peers: &[SocketAddr],
    ) -> Result<Result<(), RefusalReason>, Error> {
        let info_hash = metainfo.info_hash();
        let size = volume::disk_cost(&metainfo);
        let (index, plan) = match self.find_room(self.ask(info_hash, size)) {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        };
        if let Some(inflation) = plan.inflation {
            self.tally.inflation = inflation;
        }
        for victim in plan.victims {
            if let Err(detail) = self.evict(victim, &name).await? {
                return Ok(Err(RefusalReason::NoVolume { detail }));
            }
        }
        let metainfo = Arc::new(metainfo);
        let row = self.row(&metainfo, name, index, size, peers);
        let folder = self.volumes[index].folder(info_hash);
        if let Err(reason) = self.reserve(&row, &metainfo, folder.clone(), index).await? {
            return Ok(Err(reason));
        }
        let content = self.content(&metainfo, folder, &row.have, false);
        self.torrents
            .insert(info_hash, Torrent::from_row(&row, content));
        self.forget_refusal(info_hash).await?;
        self.start(info_hash).await;
        Ok(Ok(()))
    }

    fn row(
        &self,
        metainfo: &Metainfo,
        name: String,
        index: usize,
        reserved: u64,
        peers: &[SocketAddr],
    ) -> TorrentRow {
        let peers: Vec<String> = peers.iter().take(64).map(ToString::to_string).collect();
        TorrentRow {
            info_hash: metainfo.info_hash(),
            name,
            volume: self.volumes[index].id.clone(),
            reserved,
            info: metainfo.info_bytes().to_vec(),
            have: vec![0; metainfo.piece_hashes().len().div_ceil(8)],
            complete: false,
            peers: peers.join(","),
            added_at: now(),
            demand: Demand {
                requests: 1,
                last: now(),
                inflation: self.tally.inflation,
                other_seeds: 0,
            },
            uploaded: 0,
        }
    }

    async fn reserve(
        &mut self,
        row: &TorrentRow,
        metainfo: &Arc<Metainfo>,
        folder: PathBuf,
        index: usize,
    ) -> Result<Result<(), RefusalReason>, Error> {
        self.store.reserve_torrent(row.clone()).await?;
        let (target, shape) = (folder.clone(), metainfo.clone());
        let Err(e) = blocking(move || volume::allocate(&target, &shape)).await else {
            return Ok(Ok(()));
        };
        tracing::warn!(torrent = %row.info_hash, "cannot take its space: {e}");
        let _ = blocking(move || volume::delete(&folder)).await;
        self.store.release_torrent(row.info_hash).await?;
        let available = self.room(index).disk_available;
        Ok(Err(match e.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                RefusalReason::DiskFull {
                    needed: row.reserved,
                    available,
                }
            }
            _ => RefusalReason::NoVolume {
                detail: format!("writing to it failed: {e}"),
            },
        }))
    }

    /// Deletes a community torrent to make room. The argument can only be made by
    /// [`classify`]; what became protected since is spared.
    async fn evict(
        &mut self,
        victim: Evictable,
        for_what: &str,
    ) -> Result<Result<(), String>, Error> {
        let info_hash = victim.info_hash();
        self.learn_owned();
        if self.keep(info_hash) != Keep::Community {
            return Ok(Err("what could be evicted has just become protected".into()));
        }
        let name = self
            .torrents
            .get(&info_hash)
            .map(|t| t.name.clone())
            .unwrap_or_default();
        if let Err(e) = self.delete(info_hash).await? {
            return Ok(Err(format!("\"{name}\" could not be evicted: {e}")));
        }
        self.tally.evicted += 1;
        tracing::info!(
            torrent = %info_hash,
            "evicted \"{name}\", asked for {} times, to make room for \"{for_what}\"",
            victim.item().demand.requests
        );
        Ok(Ok(()))
    }

    /// Deletes a torrent and gives its space back: first the files, then the reservation.
    pub(super) async fn delete(
        &mut self,
        info_hash: InfoHash,
    ) -> Result<std::io::Result<()>, Error> {
        self.stop(info_hash, "it is being deleted".into(), None)
            .await;
        let Some(torrent) = self.torrents.get(&info_hash) else {
            return Ok(Ok(()));
        };
        let folder = torrent.content.folder().clone();
        if let Err(e) = blocking(move || volume::delete(&folder)).await {
            tracing::error!(torrent = %info_hash, "cannot be deleted: {e}");
            return Ok(Err(e));
        }
        self.store.release_torrent(info_hash).await?;
        self.torrents.remove(&info_hash);
        Ok(Ok(()))
    }

    /// Evicts until a volume is within its quota, as far as community data goes.
    pub(super) async fn enforce_quota(&mut self, index: usize) -> Result<(), Error> {
        if self.volumes[index].state != VolumeState::Ready {
            return Ok(());
        }
        let room = self.room(index);
        let Some(excess) = room
            .reserved
            .checked_sub(room.quota)
            .filter(|excess| *excess > 0)
        else {
            return Ok(());
        };
        let evictable = self.inventory(&self.volumes[index].id).evictable;
        let most: u64 = evictable.iter().map(|e| e.item().reserved).sum();
        if let Some(plan) = eviction::plan(&evictable, excess.min(most), room.spare()) {
            self.tally.inflation = plan.inflation.unwrap_or(self.tally.inflation);
            for victim in plan.victims {
                if let Err(why) = self.evict(victim, "the smaller quota").await? {
                    tracing::warn!("{why}");
                }
            }
        }
        Ok(())
    }

    /// Records why a torrent is not stored.
    pub(super) async fn refuse_torrent(
        &mut self,
        info_hash: InfoHash,
        name: String,
        reason: RefusalReason,
    ) -> Result<(), Error> {
        let protected = self.keep(info_hash) != Keep::Community;
        self.refuse(Refusal {
            info_hash,
            name,
            at: now(),
            protected,
            reason,
        })
        .await
    }
}
