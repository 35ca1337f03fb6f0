//! The owner's and the visitors' orders.

use seedbox_core::{InfoHash, Keep, RefusalReason};
use seedbox_store::torrents::{AcceptedRow, VolumeRow};

use super::{
    Engine, now,
    wanted::{MAX_REQUESTS, Wanted},
};
use crate::{
    OrderError,
    handle::{Order, RequestState},
    magnet::Magnet,
    volume::VOLUME_OVERHEAD,
};

impl Engine {
    pub(super) async fn on_order(&mut self, order: Order) {
        // An answer that nobody waits for any more is dropped.
        match order {
            Order::SetQuota {
                volume,
                bytes,
                answer,
            } => {
                let _ = answer.send(self.set_quota(&volume, bytes).await);
            }
            Order::Accept { magnet, answer } => {
                let _ = answer.send(self.accept(magnet).await);
            }
            Order::Remove { info_hash, answer } => {
                let _ = answer.send(self.remove(info_hash).await);
            }
            Order::Request { info_hash, answer } => {
                let _ = answer.send(self.request(info_hash).await);
            }
            Order::State { info_hash, answer } => {
                let _ = answer.send(Ok(self.request_state(info_hash)));
            }
        }
        self.publish_status();
    }

    pub(super) async fn set_quota(&mut self, id: &str, bytes: u64) -> Result<(), OrderError> {
        if self.config.quota.is_some() {
            let text = "the quota is set by the configuration (`quota`); change it there";
            return Err(OrderError::Conflict(text.into()));
        }
        let index = self
            .volumes
            .iter()
            .position(|v| v.id == id)
            .ok_or_else(|| OrderError::NotFound(format!("no volume has the identity {id}")))?;
        if i64::try_from(bytes).is_err() {
            return Err(OrderError::Invalid("no disk is that large".into()));
        }
        let inventory = self.inventory(id);
        let kept: u64 = inventory.protected.iter().map(|p| p.item.reserved).sum();
        if bytes < kept + VOLUME_OVERHEAD {
            return Err(OrderError::Conflict(format!(
                "{kept} bytes are protected and never deleted; the quota cannot be smaller"
            )));
        }
        self.volumes[index].quota = bytes;
        let volume = &self.volumes[index];
        let path = volume.root.display().to_string();
        let row = VolumeRow {
            id: volume.id.clone(),
            path,
            quota: bytes,
        };
        self.store.put_volume(row).await?;
        self.enforce_quota(index).await?;
        self.retry_refused();
        Ok(())
    }

    pub(super) async fn accept(&mut self, magnet: Magnet) -> Result<(), OrderError> {
        let info_hash = magnet.info_hash;
        let peers: Vec<String> = magnet.peers.iter().map(ToString::to_string).collect();
        let name = magnet.name.clone().unwrap_or_default();
        let row = AcceptedRow {
            info_hash,
            name: name.clone(),
            peers: peers.join(","),
        };
        self.store.accept(row.clone()).await?;
        self.accepted.insert(info_hash, row);
        if !self.torrents.contains_key(&info_hash) {
            let size = magnet.size.unwrap_or(0);
            self.wanted
                .insert(info_hash, Wanted::new(name, size, magnet.peers));
            self.pursue();
        }
        Ok(())
    }

    pub(super) async fn remove(&mut self, info_hash: InfoHash) -> Result<(), OrderError> {
        if self.keep(info_hash) == Keep::Owned {
            let text = "it stands on land of a linked wallet; unlink the wallet or remove the placement first";
            return Err(OrderError::Conflict(text.into()));
        }
        let accepted = self.store.unaccept(info_hash).await?;
        self.accepted.remove(&info_hash);
        let wanted = self.wanted.remove(&info_hash).is_some();
        let held = self.torrents.contains_key(&info_hash);
        if held {
            let deleted = self.delete(info_hash).await?;
            deleted.map_err(|e| OrderError::Failed(format!("its files cannot be deleted: {e}")))?;
        }
        self.forget_refusal(info_hash).await?;
        if accepted || wanted || held {
            Ok(())
        } else {
            Err(OrderError::NotFound(format!(
                "the box does not hold {info_hash}"
            )))
        }
    }

    async fn request(&mut self, info_hash: InfoHash) -> Result<RequestState, OrderError> {
        let (at, inflation) = (now(), self.tally.inflation);
        if let Some(torrent) = self.torrents.get_mut(&info_hash) {
            torrent.asked_for(at, inflation);
            self.resume(info_hash).await;
            return Ok(self.request_state(info_hash));
        }
        if self.wanted.contains_key(&info_hash) {
            return Ok(RequestState::Queued);
        }
        let Some(model) = self.model(info_hash) else {
            return Ok(RequestState::Refused(RefusalReason::NotOnChain));
        };
        let waiting = self
            .wanted
            .keys()
            .filter(|h| self.keep(**h) == Keep::Community)
            .count();
        if waiting >= MAX_REQUESTS {
            return Ok(RequestState::Refused(RefusalReason::Busy));
        }
        if let Err(reason) = self.find_room(self.ask(info_hash, model.size)) {
            self.refuse_torrent(info_hash, model.name, reason.clone())
                .await?;
            return Ok(RequestState::Refused(reason));
        }
        let peers = Magnet::peers_of(&model.sources);
        self.wanted
            .insert(info_hash, Wanted::new(model.name, model.size, peers));
        self.pursue();
        Ok(RequestState::Queued)
    }

    fn request_state(&self, info_hash: InfoHash) -> RequestState {
        if self.torrents.contains_key(&info_hash) {
            RequestState::Held(Box::new(self.torrent_status(info_hash)))
        } else if self.wanted.contains_key(&info_hash) {
            RequestState::Queued
        } else if let Some(refusal) = self.refusals.get(&info_hash) {
            RequestState::Refused(refusal.reason.clone())
        } else {
            RequestState::Unknown
        }
    }
}
