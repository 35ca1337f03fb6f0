//! The data folder of one running box: a lock against a second one, and where it listens.

use std::{
    fs::{self, File, OpenOptions},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

/// Name of the database in the data folder.
pub(crate) const DATABASE: &str = "seedbox.db";

/// Where a running box listens; written for other programs on the same machine.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listening {
    pub(crate) admin: SocketAddr,
    pub(crate) public: SocketAddr,
    pub(crate) peers: Option<u16>,
}

/// The lock on a data folder; let go when dropped.
pub(crate) struct Instance {
    _lock: File,
    listening: PathBuf,
}

fn listening(data: &Path) -> PathBuf {
    data.join("listening.json")
}

impl Instance {
    pub(crate) fn lock(data: &Path) -> anyhow::Result<Self> {
        let shown = data.display();
        fs::create_dir_all(data).with_context(|| format!("cannot make the data folder {shown}"))?;
        let path = data.join("seedbox.lock");
        let lock = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .with_context(|| format!("cannot write to the data folder {shown}"))?;
        if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            bail!("another box is running on {shown}; stop it or choose another `data`");
        }
        let listening = listening(data);
        let _ = fs::remove_file(&listening);
        Ok(Self {
            _lock: lock,
            listening,
        })
    }

    pub(crate) fn announce(&self, where_to: &Listening) -> anyhow::Result<()> {
        let text = serde_json::to_vec(where_to)?;
        let draft = self.listening.with_extension("tmp");
        fs::write(&draft, text)
            .and_then(|()| fs::rename(&draft, &self.listening))
            .with_context(|| format!("cannot write {}", self.listening.display()))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.listening);
    }
}

/// Where the box on this data folder listens, if one runs.
pub(crate) fn find(data: &Path) -> Option<Listening> {
    serde_json::from_slice(&fs::read(listening(data)).ok()?).ok()
}

/// Where something on this machine that listens there can be asked.
pub(crate) fn reachable(mut listening: SocketAddr) -> SocketAddr {
    if listening.ip().is_unspecified() {
        listening.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    listening
}
