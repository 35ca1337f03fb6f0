//! A torrent that the box holds: its place on disk, its life, its demand.

use std::{net::SocketAddr, sync::Arc};

use seedbox_core::{ContentHash, Demand, InfoHash, Item, UnixTime};
use seedbox_store::torrents::{Progress, TorrentRow};
use tokio::time::Instant;

use crate::{
    content::Content,
    session::{Activity, Handle},
};

/// What became of checking a whole torrent: its content hash, or `None` if pieces are damaged.
pub(super) type Verified = Result<Option<ContentHash>, String>;

/// What is being done with a torrent right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// In librqbit's hands: fetching or seeding.
    Active,
    /// Whole and held, but not announced; resumed on demand.
    Paused,
    /// Whole; its content hash is being computed.
    Verifying,
    /// Damage was found; every piece is read again.
    Rechecking,
    /// It cannot go on; tried again at the given time, or when its volume is back.
    Stopped { why: String, retry: Option<Instant> },
}

pub(super) struct Torrent {
    pub(super) name: String,
    pub(super) volume: String,
    pub(super) reserved: u64,
    pub(super) complete: bool,
    pub(super) peers: Vec<SocketAddr>,
    pub(super) added_at: UnixTime,
    pub(super) demand: Demand,
    pub(super) content: Arc<Content>,
    pub(super) handle: Option<Handle>,
    pub(super) phase: Phase,
    pub(super) repairing: bool,
    pub(super) activity: Activity,
    uploaded_before: u64,
    uploads_counted: u64,
    pub(super) idle_since: Instant,
    pub(super) stalls: u32,
    pub(super) dirty: bool,
}

impl Torrent {
    pub(super) fn from_row(row: &TorrentRow, content: Arc<Content>) -> Self {
        Self {
            name: row.name.clone(),
            volume: row.volume.clone(),
            reserved: row.reserved,
            complete: row.complete,
            peers: row
                .peers
                .split(',')
                .filter_map(|p| p.parse().ok())
                .collect(),
            added_at: row.added_at,
            demand: row.demand,
            content,
            handle: None,
            phase: Phase::Stopped {
                why: "not started yet".into(),
                retry: None,
            },
            repairing: false,
            activity: Activity::default(),
            uploaded_before: row.uploaded,
            uploads_counted: 0,
            idle_since: Instant::now(),
            stalls: 0,
            dirty: false,
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.content.metainfo().total()
    }

    pub(super) fn uploaded(&self) -> u64 {
        self.uploaded_before + self.activity.uploaded
    }

    /// The eviction rules' view of it.
    pub(super) fn item(&self, info_hash: InfoHash, accepted: bool) -> Item {
        Item {
            info_hash,
            reserved: self.reserved,
            accepted,
            demand: self.demand,
        }
    }

    /// It was asked for.
    pub(super) fn asked_for(&mut self, at: UnixTime, inflation: f64) {
        self.demand.requests += 1;
        self.demand.last = at;
        self.demand.inflation = inflation;
        self.dirty = true;
    }

    /// Takes over what librqbit says. Content given to others as often as it is large counts as
    /// one request: most of the network asks through BitTorrent alone.
    pub(super) fn observe(&mut self, activity: Activity, at: UnixTime, inflation: f64) {
        if activity.fetched != self.activity.fetched || activity.peers > 0 {
            self.idle_since = Instant::now();
        }
        if activity.fetched > self.activity.fetched {
            self.stalls = 0;
        }
        if activity.seeds > 0 && activity.seeds != self.demand.other_seeds {
            self.demand.other_seeds = activity.seeds;
            self.dirty = true;
        }
        self.activity = activity;
        let times = self.activity.uploaded / self.size().max(1);
        while self.uploads_counted < times {
            self.uploads_counted += 1;
            self.asked_for(at, inflation);
        }
    }

    /// Librqbit lets go of it: its counters start anew.
    pub(super) fn released(&mut self) {
        self.uploaded_before += self.activity.uploaded;
        self.uploads_counted = 0;
        self.activity = Activity::default();
        self.handle = None;
        self.content.close();
    }

    pub(super) fn progress(&self, info_hash: InfoHash) -> Progress {
        Progress {
            info_hash,
            have: self.content.have().into_vec(),
            complete: self.complete,
            demand: self.demand,
            uploaded: self.uploaded(),
        }
    }
}
