//! The seeder's word about itself.

use seedbox_core::{
    Health, InfoHash, Keep, SeederStatus, TorrentState, TorrentStatus, VolumeState, VolumeStatus,
    alerts,
};

use super::{Engine, torrent::Phase};

impl Engine {
    pub(super) fn publish_status(&self) {
        let mut torrents: Vec<TorrentStatus> = self
            .torrents
            .keys()
            .map(|hash| self.torrent_status(*hash))
            .collect();
        torrents.extend(self.wanted.keys().map(|hash| self.wanted_status(*hash)));
        torrents.sort_by(|a, b| {
            let community = |t: &TorrentStatus| t.keep == Keep::Community;
            community(a)
                .cmp(&community(b))
                .then_with(|| a.name.cmp(&b.name))
        });
        let mut refusals: Vec<_> = self.refusals.values().cloned().collect();
        refusals.sort_by(|a, b| b.at.cmp(&a.at).then(a.info_hash.cmp(&b.info_hash)));
        let volumes = (0..self.volumes.len())
            .map(|index| self.volume_status(index))
            .collect();
        let mut status = SeederStatus {
            health: Health::Well,
            sentence: String::new(),
            volumes,
            torrents,
            refusals,
            evicted: self.tally.evicted,
            repaired_pieces: self.tally.repaired_pieces,
            listen_port: self.session.port(),
        };
        (status.health, status.sentence) = assess(&status);
        self.status.send_if_modified(|old| {
            let changed = *old != status;
            if changed {
                *old = status;
            }
            changed
        });
    }

    fn volume_status(&self, index: usize) -> VolumeStatus {
        let volume = &self.volumes[index];
        let (mut protected, mut community) = (0, 0);
        for (hash, torrent) in self.torrents.iter().filter(|(_, t)| t.volume == volume.id) {
            match self.keep(*hash) {
                Keep::Community => community += torrent.reserved,
                Keep::Owned | Keep::Accepted => protected += torrent.reserved,
            }
        }
        let ready = volume.state == VolumeState::Ready;
        VolumeStatus {
            id: volume.id.clone(),
            path: volume.root.display().to_string(),
            state: volume.state.clone(),
            quota: volume.quota,
            protected,
            community,
            disk_free: volume.disk_free().ok().filter(|_| ready),
            reserve: volume.reserve,
        }
    }

    /// Of a held torrent.
    pub(super) fn torrent_status(&self, info_hash: InfoHash) -> TorrentStatus {
        let Some(t) = self.torrents.get(&info_hash) else {
            return self.wanted_status(info_hash);
        };
        let (state, error) = match &t.phase {
            Phase::Stopped { why, .. } => (TorrentState::Failed, Some(why.clone())),
            Phase::Rechecking => (TorrentState::Repairing, None),
            Phase::Paused => (TorrentState::Paused, None),
            Phase::Active | Phase::Verifying if t.complete => (TorrentState::Seeding, None),
            Phase::Active | Phase::Verifying if t.repairing => (TorrentState::Repairing, None),
            Phase::Active | Phase::Verifying => (TorrentState::Downloading, None),
        };
        TorrentStatus {
            info_hash,
            name: t.name.clone(),
            model: self.published.get(&info_hash).copied(),
            keep: self.keep(info_hash),
            state,
            size: t.size(),
            have: if t.complete {
                t.size()
            } else {
                t.content.have_bytes()
            },
            reserved: t.reserved,
            peers: t.activity.peers,
            other_seeds: t.demand.other_seeds,
            download_rate: t.activity.download_rate,
            upload_rate: t.activity.upload_rate,
            uploaded: t.uploaded(),
            requests: t.demand.requests,
            added_at: t.added_at,
            error,
        }
    }

    fn wanted_status(&self, info_hash: InfoHash) -> TorrentStatus {
        let wanted = self.wanted.get(&info_hash);
        let refused = self.refusals.get(&info_hash);
        TorrentStatus {
            info_hash,
            name: wanted.map(|w| w.name.clone()).unwrap_or_default(),
            model: self.published.get(&info_hash).copied(),
            keep: self.keep(info_hash),
            state: TorrentState::Resolving,
            size: wanted.map_or(0, |w| w.size),
            have: 0,
            reserved: 0,
            peers: 0,
            other_seeds: 0,
            download_rate: 0,
            upload_rate: 0,
            uploaded: 0,
            requests: 0,
            added_at: wanted.map(|w| w.since).unwrap_or_default(),
            error: refused.map(|r| r.reason.to_string()),
        }
    }
}

/// One health and one sentence: what is most the matter, or how far the box is.
fn assess(status: &SeederStatus) -> (Health, String) {
    if let Some(worst) = alerts::worst(&alerts::of_seeder(status)) {
        return (worst.severity.health(), worst.words.clone());
    }
    let ours = || status.torrents.iter().filter(|t| t.keep != Keep::Community);
    let safe = ours().filter(|t| t.have == t.size && t.size > 0).count();
    let (all, community) = (ours().count(), status.torrents.len() - ours().count());
    if safe < all {
        return (
            Health::Well,
            format!("Securing your models: {safe} of {all} are safe here."),
        );
    }
    let shared = format!("{community} of the community's models shared");
    match all {
        0 => (
            Health::Well,
            format!("Sharing; nothing of yours yet, {shared}."),
        ),
        1 => (Health::Well, format!("Your model is safe here; {shared}.")),
        n => (
            Health::Well,
            format!("All {n} of your models are safe here; {shared}."),
        ),
    }
}
