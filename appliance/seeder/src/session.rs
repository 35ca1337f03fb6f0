//! The guarded door to librqbit: only this file and the content's storage name it. Nothing but
//! validated metadata goes in, and every call that handles strangers' bytes runs in a task of its
//! own, so that a panic inside stays there.

use std::{collections::HashSet, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use librqbit::{
    AddTorrent, AddTorrentOptions, AddTorrentResponse, ConnectionOptions, DhtSessionConfig,
    ListenerMode, ListenerOptions, ManagedTorrent, PeerConnectionOptions, SessionOptions,
    TorrentStatsState, api::TorrentIdOrHash, storage::StorageFactoryExt,
};
use librqbit_core::Id20;
use seedbox_core::{InfoHash, may_dial};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Error,
    content::{Content, ContentFactory},
};

/// Peer connections of one torrent.
const PEERS_PER_TORRENT: usize = 40;
/// Peer connections of all torrents: each costs about 100 KiB when busy.
const PEERS_IN_ALL: usize = 400;
/// Threads that may be inside a disk read or write at the same time.
const DISK_THREADS: usize = 4;
/// How long a torrent is waited for until it opens its files.
const OPENING_LIMIT: Duration = Duration::from_secs(5);

/// A running librqbit session.
#[derive(Clone)]
pub(crate) struct Session {
    inner: Arc<librqbit::Session>,
    peers: Vec<SocketAddr>,
}

/// A torrent that librqbit handles.
#[derive(Clone)]
pub(crate) struct Handle(Arc<ManagedTorrent>);

/// What librqbit says of a torrent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Activity {
    pub(crate) live: bool,
    pub(crate) error: Option<String>,
    pub(crate) peers: u32,
    pub(crate) seeds: u32,
    pub(crate) download_rate: u64,
    pub(crate) upload_rate: u64,
    /// Bytes given to others since it was last added or resumed.
    pub(crate) uploaded: u64,
    /// Bytes received since it was last added or resumed.
    pub(crate) fetched: u64,
}

fn id(info_hash: InfoHash) -> Id20 {
    Id20::new(info_hash.0)
}

impl Session {
    pub(crate) async fn start(config: &Config, stop: CancellationToken) -> Result<Self, Error> {
        let lan = config.lan.clone();
        let mut trackers = HashSet::new();
        for text in &config.trackers {
            let url = url::Url::parse(text).map_err(|e| Error::Tracker {
                url: text.clone(),
                detail: e.to_string(),
            })?;
            trackers.insert(url);
        }
        let options = SessionOptions {
            dht: config.dht.then(|| DhtSessionConfig {
                persistence: None,
                ..DhtSessionConfig::default()
            }),
            listen: Some(ListenerOptions {
                mode: ListenerMode::TcpOnly,
                listen_addr: config.listen,
                ipv4_only: config.listen.is_ipv4(),
                ..ListenerOptions::default()
            }),
            connect: Some(ConnectionOptions {
                peer_opts: Some(PeerConnectionOptions {
                    connect_timeout: Some(Duration::from_secs(10)),
                    read_write_timeout: Some(Duration::from_secs(30)),
                    ..PeerConnectionOptions::default()
                }),
                ..ConnectionOptions::default()
            }),
            cancellation_token: Some(stop),
            runtime_worker_threads: Some(DISK_THREADS),
            trackers,
            ipv4_only: config.listen.is_ipv4(),
            disable_local_service_discovery: true,
            disable_pex: true,
            max_connections: Some(PEERS_IN_ALL),
            peer_filter: Some(Arc::new(move |ip| may_dial(ip, &lan))),
            ..SessionOptions::default()
        };
        // For HTTPS trackers. The first one counts for the process; another was the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The folder is never used: every torrent brings its own storage.
        let inner = librqbit::Session::new_with_opts(PathBuf::from("/nonexistent"), options)
            .await
            .map_err(|e| Error::Listen {
                address: config.listen,
                detail: format!("{e:#}"),
            })?;
        Ok(Self {
            inner,
            peers: config.peers.clone(),
        })
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.inner.listen_addr().map(|address| address.port())
    }

    /// Asks peers for a torrent's info dictionary. The future owns all it needs and may be dropped.
    pub(crate) fn fetch_info(
        &self,
        info_hash: InfoHash,
        mut peers: Vec<SocketAddr>,
    ) -> impl Future<Output = Result<(Bytes, Vec<SocketAddr>), String>> + Send + 'static {
        let inner = self.inner.clone();
        peers.extend(&self.peers);
        async move {
            let task = tokio::spawn(async move { inner.fetch_info(id(info_hash), peers).await });
            let abort = AbortOnDrop(task.abort_handle());
            let result = task.await;
            drop(abort);
            match result {
                Ok(Ok(found)) => Ok(found),
                Ok(Err(e)) => Err(format!("{e:#}")),
                Err(_) => Err("a peer's answer made the reader fail".to_owned()),
            }
        }
    }

    /// Starts a torrent on its content, which says what is there already.
    pub(crate) async fn add(
        &self,
        content: &Arc<Content>,
        mut peers: Vec<SocketAddr>,
        paused: bool,
    ) -> Result<Handle, String> {
        peers.extend(&self.peers);
        let options = AddTorrentOptions {
            paused,
            overwrite: true,
            output_folder: Some("/nonexistent".into()),
            initial_peers: Some(peers),
            peer_limit: Some(PEERS_PER_TORRENT),
            have_pieces: Some(content.have()),
            storage_factory: Some(ContentFactory(content.clone()).boxed()),
            ..AddTorrentOptions::default()
        };
        let torrent = AddTorrent::from_bytes(content.metainfo().torrent_bytes());
        let inner = self.inner.clone();
        let task = tokio::spawn(async move { inner.add_torrent(torrent, Some(options)).await });
        match task.await {
            Ok(Ok(AddTorrentResponse::Added(_, handle))) => {
                // Until then peers are turned away, and some do not come back for minutes. What
                // went wrong shows in the torrent's activity.
                let _ = timeout(OPENING_LIMIT, handle.wait_until_initialized()).await;
                Ok(Handle(handle))
            }
            Ok(Ok(_)) => Err("the torrent is running already".to_owned()),
            Ok(Err(e)) => Err(format!("{e:#}")),
            Err(_) => Err("the torrent made librqbit fail".to_owned()),
        }
    }

    /// Stops a torrent and forgets it. Its files are left alone.
    pub(crate) async fn remove(&self, info_hash: InfoHash) {
        if let Err(e) = self
            .inner
            .delete(TorrentIdOrHash::Hash(id(info_hash)), false)
            .await
        {
            tracing::debug!(%info_hash, "was not running: {e:#}");
        }
    }

    pub(crate) async fn pause(&self, handle: &Handle) {
        if let Err(e) = self.inner.pause(&handle.0).await {
            tracing::debug!("not paused: {e:#}");
        }
    }

    pub(crate) async fn resume(&self, handle: &Handle) {
        if let Err(e) = self.inner.unpause(&handle.0).await {
            tracing::debug!("not resumed: {e:#}");
        }
    }

    pub(crate) async fn stop(&self) {
        self.inner.stop().await;
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Handle {
    pub(crate) fn activity(&self) -> Activity {
        let stats = self.0.stats();
        let mut activity = Activity {
            live: matches!(stats.state, TorrentStatsState::Live),
            error: stats.error,
            uploaded: stats.uploaded_bytes,
            ..Activity::default()
        };
        if let Some(live) = stats.live {
            #[allow(clippy::cast_possible_truncation)] // the cast saturates
            let bytes = |mib: f64| (mib * 1_048_576.0).max(0.0) as u64;
            activity.peers = live.snapshot.peer_stats.live;
            activity.seeds = live.snapshot.peer_stats.live_seeders;
            activity.download_rate = bytes(live.download_speed.mbps);
            activity.upload_rate = bytes(live.upload_speed.mbps);
            activity.fetched = live.snapshot.fetched_bytes;
        }
        activity
    }
}

#[cfg(test)]
mod tests;
