//! What the box wants and does not hold yet: its metadata is asked of peers, a few torrents at a
//! time, again and again with growing pauses.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use seedbox_core::{InfoHash, Keep, RefusalReason, UnixTime};
use tokio::{task::AbortHandle, time::Instant};

use super::{Engine, Event, now};
use crate::{
    Error,
    magnet::Magnet,
    metainfo::{Limits, Metainfo},
};

/// Torrents whose metadata is asked for at the same time.
const RESOLVING: usize = 8;
/// Visitors' requests that may wait.
pub(super) const MAX_REQUESTS: usize = 64;
/// Attempts for a community request before it is dropped.
const COMMUNITY_ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// Until something is tried again that only the owner or the chain can change.
const REFUSED_PAUSE: Duration = Duration::from_secs(30);
/// Until metadata that cannot be right is asked for again.
const BAD_PAUSE: Duration = Duration::from_secs(3600);

/// What came of asking: the info dictionary and the peers met on the way.
pub(super) type Resolved = Result<(Bytes, Vec<SocketAddr>), String>;

pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) peers: Vec<SocketAddr>,
    pub(super) since: UnixTime,
    attempts: u32,
    next: Instant,
    running: Option<AbortHandle>,
}

impl Drop for Wanted {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
        }
    }
}

impl Wanted {
    pub(super) fn new(name: String, size: u64, peers: Vec<SocketAddr>) -> Self {
        Self {
            name,
            size,
            peers,
            since: now(),
            attempts: 0,
            next: Instant::now(),
            running: None,
        }
    }

    fn pause(&mut self, pause: Duration) {
        self.running = None;
        self.next = Instant::now() + pause;
    }
}

impl Engine {
    /// Brings the list of wanted torrents up to date and starts asking for their metadata.
    pub(super) fn pursue(&mut self) {
        let protected = self.protected.values().map(|model| {
            (
                model.info_hash,
                model.name.clone(),
                model.size,
                Magnet::peers_of(&model.sources),
            )
        });
        let accepted = self.accepted.values().map(|row| {
            let peers = row
                .peers
                .split(',')
                .filter_map(|p| p.parse().ok())
                .collect();
            (row.info_hash, row.name.clone(), 0, peers)
        });
        for (info_hash, name, size, peers) in protected.chain(accepted) {
            if !self.torrents.contains_key(&info_hash) {
                self.wanted
                    .entry(info_hash)
                    .or_insert_with(|| Wanted::new(name, size, peers));
            }
        }
        self.resolve();
    }

    /// Tries everything that was refused again, now that there may be room.
    pub(super) fn retry_refused(&mut self) {
        for wanted in self.wanted.values_mut().filter(|w| w.running.is_none()) {
            wanted.next = Instant::now();
        }
        self.resolve();
    }

    fn resolve(&mut self) {
        let running = self.wanted.values().filter(|w| w.running.is_some()).count();
        let now = Instant::now();
        let mut due: Vec<(bool, UnixTime, InfoHash)> = self
            .wanted
            .iter()
            .filter(|(_, w)| w.running.is_none() && w.next <= now)
            .map(|(hash, w)| (self.keep(*hash) == Keep::Community, w.since, *hash))
            .collect();
        due.sort();
        for (_, _, info_hash) in due.into_iter().take(RESOLVING.saturating_sub(running)) {
            self.ask_peers(info_hash);
        }
    }

    fn ask_peers(&mut self, info_hash: InfoHash) {
        let Some(wanted) = self.wanted.get_mut(&info_hash) else {
            return;
        };
        let fetch = self.session.fetch_info(info_hash, wanted.peers.clone());
        let (back, limit) = (self.report_back.clone(), self.config.metadata_timeout);
        let task = tokio::spawn(async move {
            let result = match tokio::time::timeout(limit, fetch).await {
                Ok(result) => result,
                Err(_) => Err("nobody answered in time".to_owned()),
            };
            let _ = back.send(Event::Resolved { info_hash, result }).await;
        });
        wanted.running = Some(task.abort_handle());
    }

    pub(super) async fn on_resolved(
        &mut self,
        info_hash: InfoHash,
        result: Resolved,
    ) -> Result<(), Error> {
        let Some(wanted) = self.wanted.get_mut(&info_hash) else {
            return Ok(());
        };
        wanted.running = None;
        match result {
            Ok((info, peers)) => {
                wanted.peers.extend(peers);
                self.on_metadata(info_hash, &info).await?;
            }
            Err(_) => self.on_silence(info_hash).await?,
        }
        self.pursue();
        Ok(())
    }

    async fn on_metadata(&mut self, info_hash: InfoHash, info: &[u8]) -> Result<(), Error> {
        let Some(wanted) = self.wanted.get(&info_hash) else {
            return Ok(());
        };
        let (mut name, peers) = (wanted.name.clone(), wanted.peers.clone());
        let limits = Limits {
            max_total: u64::MAX / 2,
        };
        let metainfo = match Metainfo::from_info_bytes(info_hash, info, &limits) {
            Ok(metainfo) => metainfo,
            Err(e) => {
                let reason = RefusalReason::BadMetainfo {
                    detail: e.to_string(),
                };
                return self.give_up(info_hash, name, reason, BAD_PAUSE).await;
            }
        };
        if name.is_empty() {
            metainfo.name().clone_into(&mut name);
        }
        if let Some(model) = self.model(info_hash)
            && model.size != metainfo.total()
        {
            let (claimed, real) = (model.size, metainfo.total());
            let detail = format!("the chain says {claimed} bytes, the torrent has {real}");
            let reason = RefusalReason::NotAsPublished { detail };
            return self.give_up(info_hash, name, reason, BAD_PAUSE).await;
        }
        match self.admit(metainfo, name.clone(), &peers).await? {
            Ok(()) => {
                self.wanted.remove(&info_hash);
                Ok(())
            }
            Err(reason) => self.give_up(info_hash, name, reason, REFUSED_PAUSE).await,
        }
    }

    /// Protected torrents are tried again later, community requests are dropped.
    pub(super) async fn give_up(
        &mut self,
        info_hash: InfoHash,
        name: String,
        reason: RefusalReason,
        pause: Duration,
    ) -> Result<(), Error> {
        if self.keep(info_hash) == Keep::Community {
            self.wanted.remove(&info_hash);
        } else {
            let wanted = self
                .wanted
                .entry(info_hash)
                .or_insert_with(|| Wanted::new(name.clone(), 0, Vec::new()));
            wanted.pause(pause);
        }
        self.refuse_torrent(info_hash, name, reason).await
    }

    /// The content turned out not to be what the chain says.
    pub(super) async fn give_up_for_long(
        &mut self,
        info_hash: InfoHash,
        name: String,
        reason: RefusalReason,
    ) -> Result<(), Error> {
        self.give_up(info_hash, name, reason, BAD_PAUSE).await
    }

    async fn on_silence(&mut self, info_hash: InfoHash) -> Result<(), Error> {
        let community = self.keep(info_hash) == Keep::Community;
        let Some(wanted) = self.wanted.get_mut(&info_hash) else {
            return Ok(());
        };
        wanted.attempts += 1;
        let attempts = wanted.attempts;
        tracing::debug!(torrent = %info_hash, attempts, "no metadata yet");
        let pause = FIRST_PAUSE
            .saturating_mul(1 << attempts.min(10))
            .min(LONGEST_PAUSE);
        wanted.pause(pause);
        let name = wanted.name.clone();
        if community && attempts >= COMMUNITY_ATTEMPTS {
            self.wanted.remove(&info_hash);
        }
        if !community || attempts >= COMMUNITY_ATTEMPTS {
            let seconds = self.config.metadata_timeout.as_secs();
            self.refuse_torrent(info_hash, name, RefusalReason::NoPeers { seconds })
                .await?;
        }
        Ok(())
    }

    /// Forgets wanted torrents that nobody wants any more.
    pub(super) async fn prune_wanted(&mut self) -> Result<(), Error> {
        let gone: Vec<InfoHash> = self
            .refusals
            .values()
            .filter(|r| r.protected && self.keep(r.info_hash) == Keep::Community)
            .map(|r| r.info_hash)
            .collect();
        for info_hash in gone {
            self.wanted.remove(&info_hash);
            self.forget_refusal(info_hash).await?;
        }
        Ok(())
    }
}
