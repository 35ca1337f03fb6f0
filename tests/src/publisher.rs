//! A publisher who knows nothing of the box: makes torrents with transmission-create, seeds
//! them with transmission-daemon, announces them at a tracker.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{
    models::{Published, content_hash, random_file},
    process::run,
    tracker::Tracker,
    transmission::Transmission,
    wait::wait_until,
};

/// A running publisher.
pub struct Publisher {
    seeder: Option<Transmission>,
    announce: String,
    folder: TempDir,
}

impl Publisher {
    /// Starts a publisher who announces at `tracker`.
    ///
    /// # Errors
    /// Transmission is not installed.
    pub fn start(tracker: &Tracker) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("content"))?;
        fs::create_dir(folder.path().join("torrents"))?;
        Ok(Self {
            seeder: Some(Transmission::start()?),
            announce: tracker.url(),
            folder,
        })
    }

    /// Where its content is.
    pub fn content(&self) -> PathBuf {
        self.folder.path().join("content")
    }

    /// The content of something it published.
    pub fn content_of(&self, model: &Published) -> PathBuf {
        self.content().join(&model.name)
    }

    /// The `.torrent` file of something it published.
    pub fn torrent_of(&self, model: &Published) -> PathBuf {
        self.folder
            .path()
            .join("torrents")
            .join(format!("{}.torrent", model.info_hash))
    }

    /// Copies `file` into its content and publishes it under `name`.
    ///
    /// # Errors
    /// Transmission failed.
    pub fn publish(&self, file: &Path, name: &str) -> Result<Published> {
        fs::copy(file, self.content().join(name)).with_context(|| file.display().to_string())?;
        self.seed(name)
    }

    /// Publishes `size` random bytes under `name`.
    ///
    /// # Errors
    /// Transmission failed.
    pub fn publish_random(&self, name: &str, size: u64, seed: u64) -> Result<Published> {
        random_file(&self.content(), name, size, seed)?;
        self.seed(name)
    }

    /// Publishes a folder of several files, each a name with as many random bytes.
    ///
    /// # Errors
    /// Transmission failed.
    pub fn publish_folder(&self, name: &str, files: &[(&str, u64)]) -> Result<Published> {
        let folder = self.content().join(name);
        fs::create_dir(&folder)?;
        for (index, (file, size)) in files.iter().enumerate() {
            random_file(&folder, file, *size, index as u64 + size)?;
        }
        self.seed(name)
    }

    fn seed(&self, name: &str) -> Result<Published> {
        let content = self.content().join(name);
        let torrents = self.folder.path().join("torrents");
        let torrent = torrents.join("new.torrent");
        let mut create = Command::new("transmission-create");
        create
            .arg("--tracker")
            .arg(&self.announce)
            .arg("--outfile")
            .arg(&torrent)
            .arg(&content);
        run(&mut create)?;
        let seeder = self.seeder.as_ref().context("the publisher is stopped")?;
        let info_hash = seeder.add(&torrent.to_string_lossy(), &self.content())?;
        fs::rename(&torrent, torrents.join(format!("{info_hash}.torrent")))?;
        let (content_hash, size) = content_hash(&content)?;
        Ok(Published {
            name: name.to_owned(),
            info_hash,
            content_hash,
            size,
            sources: String::new(),
        })
    }

    /// Waits until it has verified everything. A tracker may learn much later that nothing is
    /// missing: Transmission announces large content before it has verified it.
    ///
    /// # Errors
    /// It was not in time.
    pub fn wait_verified(&self, limit: Duration) -> Result<()> {
        let seeder = self.seeder.as_ref().context("the publisher is stopped")?;
        seeder.wait_complete(limit)
    }

    /// Waits until it seeds everything and `tracker` knows.
    ///
    /// # Errors
    /// It was not in time.
    pub fn wait_seeding(&self, tracker: &Tracker, limit: Duration) -> Result<()> {
        self.wait_verified(limit)?;
        let seeder = self.seeder.as_ref().context("the publisher is stopped")?;
        let torrents = seeder.torrents()?;
        wait_until("the tracker to know the publisher", limit, || {
            for torrent in &torrents {
                let peers = tracker.peers(&torrent.info_hash);
                let known = peers
                    .iter()
                    .any(|(peer, left)| peer.port() == self.port() && *left == 0);
                anyhow::ensure!(known, "{} is not announced as complete", torrent.info_hash);
            }
            Ok(())
        })
    }

    fn port(&self) -> u16 {
        self.address().map_or(0, |address| address.port())
    }

    /// Where peers reach it; `None` while it is stopped.
    pub fn address(&self) -> Option<SocketAddr> {
        self.seeder.as_ref().map(Transmission::address)
    }

    /// Limits what it gives away, in kilobytes a second; `None` lifts the limit.
    ///
    /// # Errors
    /// It is stopped.
    pub fn limit_upload(&self, kilobytes: Option<u32>) -> Result<()> {
        self.seeder
            .as_ref()
            .context("the publisher is stopped")?
            .limit_upload(kilobytes)
    }

    /// Goes away for good: what is downloaded from now on comes from somebody else.
    pub fn stop(&mut self) {
        self.seeder = None;
    }
}
