//! aria2, a real client of another family than the box's: one download, from the peers we name
//! and nobody else.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::{
    process::Process,
    tracker::{Tracker, own_address},
    wait::wait_until,
};

/// Time after which a download that is not done is begun anew.
const PATIENCE: Duration = Duration::from_secs(20);

/// A download under way or done.
pub struct Aria2 {
    process: Process,
    folder: TempDir,
    _tracker: Tracker,
}

/// A seeder of one torrent.
pub struct Seeder {
    _process: Process,
    _folder: TempDir,
}

const QUIET: [&str; 8] = [
    "--no-conf",
    "--enable-dht=false",
    "--enable-dht6=false",
    "--bt-enable-lpd=false",
    "--enable-peer-exchange=false",
    // The torrent's own tracker would bring in others.
    "--bt-exclude-tracker=*",
    "--summary-interval=0",
    "--console-log-level=info",
];

impl Aria2 {
    /// Starts to download a `.torrent` file or a magnet link from these peers alone.
    ///
    /// # Errors
    /// aria2 is not installed.
    pub fn start(source: &str, peers: &[SocketAddr]) -> Result<Self> {
        Self::start_from(source, peers, own_address())
    }

    /// The same from an address of its own of this machine (127.0.0.0/8 are). Transmission gives
    /// nothing to an address that it knows as a seed's, so whoever comes twice needs two.
    ///
    /// # Errors
    /// aria2 is not installed.
    pub fn start_from(source: &str, peers: &[SocketAddr], address: IpAddr) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let tracker = Tracker::naming(peers)?;
        let mut command = Command::new("aria2c");
        command
            .args(QUIET)
            .arg("--dir")
            .arg(folder.path().join("downloads"));
        command.args([
            "--bt-save-metadata=false",
            "--bt-tracker-interval=1",
            "--bt-request-peer-speed-limit=1000M",
            "--seed-time=0",
            "--file-allocation=none",
            "--listen-port=20000-40000",
        ]);
        command
            .arg(format!("--interface={address}"))
            .arg(format!("--bt-tracker={}", tracker.url()))
            .arg(source);
        let process = Process::start(&command, &folder.path().join("log"))?;
        Ok(Self {
            process,
            folder,
            _tracker: tracker,
        })
    }

    /// Downloads to the end; gives the folder with what came.
    ///
    /// # Errors
    /// It was not complete within `limit`, with what aria2 said.
    pub fn wait(&mut self, limit: Duration) -> Result<PathBuf> {
        let process = &mut self.process;
        let ended = wait_until("aria2's download", limit, || {
            process
                .ended()?
                .ok_or_else(|| anyhow::anyhow!("still downloading:\n{}", process.last_words()))
        })?;
        ensure!(
            ended.success(),
            "aria2 failed with {ended}:\n{}",
            self.process.last_words()
        );
        Ok(self.downloads())
    }

    /// Where downloads go.
    pub fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// Whether a piece came that was not what the torrent says.
    pub fn got_a_bad_piece(&self) -> bool {
        self.process.log().contains("we got wrong piece")
    }

    /// Its process, to see what it costs.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

impl Seeder {
    /// Seeds what is in `folder` and announces it at `tracker`.
    ///
    /// # Errors
    /// aria2 is not installed.
    pub fn start(torrent: &Path, folder: &Path, tracker: &Tracker) -> Result<Self> {
        let own = tempfile::tempdir()?;
        let mut command = Command::new("aria2c");
        command.args(QUIET).arg("--dir").arg(folder);
        command.args([
            "--check-integrity=true",
            "--seed-ratio=0.0",
            "--bt-tracker-interval=2",
        ]);
        command.args(["--listen-port=20000-40000"]);
        command
            .arg(format!("--bt-tracker={}", tracker.url()))
            .arg(torrent);
        Ok(Self {
            _process: Process::start(&command, &own.path().join("log"))?,
            _folder: own,
        })
    }
}

/// Downloads from these peers alone and compares with the original, byte by byte.
///
/// aria2 avoids for minutes whoever hung up on it, so it is started anew now and then, as a person
/// would; and it puts up with bad pieces and asks again, so its log is searched for them.
///
/// # Errors
/// Not complete within `limit`, not the same bytes, or a bad piece came on the way.
pub fn download_and_compare(
    source: &str,
    peers: &[SocketAddr],
    original: &Path,
    limit: Duration,
) -> Result<()> {
    let mut got_a_bad_piece = false;
    let compared = wait_until("a whole download", limit, || {
        let mut aria2 = Aria2::start(source, peers)?;
        let folder = aria2.wait(PATIENCE);
        got_a_bad_piece |= aria2.got_a_bad_piece();
        same_content(
            &folder?.join(original.file_name().unwrap_or_default()),
            original,
        )
    });
    ensure!(!got_a_bad_piece, "a damaged piece was served");
    compared
}

/// Compares two files, or two folders file by file.
///
/// # Errors
/// They differ, or one cannot be read.
pub fn same_content(left: &Path, right: &Path) -> Result<()> {
    crate::process::run(
        Command::new("diff")
            .arg("--recursive")
            .arg("--brief")
            .arg(left)
            .arg(right),
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{models::Published, publisher::Publisher};

    #[test]
    fn fetches_from_the_publisher_and_notices_a_difference() -> Result<()> {
        let limit = Duration::from_secs(30);
        let tracker = Tracker::start()?;
        let publisher = Publisher::start(&tracker)?;
        let model = publisher.publish_random("a cube.glb", 700_000, 1)?;
        let other = publisher.publish_random("another.glb", 700_000, 2)?;
        let several =
            publisher.publish_folder("a house", &[("roof.glb", 90_000), ("door.bin", 5)])?;
        publisher.wait_seeding(&tracker, limit)?;
        let peers: Vec<SocketAddr> = publisher.address().into_iter().collect();
        // Both at once: Transmission lets newcomers in every ten seconds.
        let download = |model: &Published| {
            Aria2::start(&publisher.torrent_of(model).to_string_lossy(), &peers)
        };
        let mut downloads = [(&model, download(&model)?), (&several, download(&several)?)];
        for (published, aria2) in &mut downloads {
            let folder = aria2.wait(limit)?;
            same_content(
                &folder.join(&published.name),
                &publisher.content_of(published),
            )?;
        }
        let (one, two) = (publisher.content_of(&model), publisher.content_of(&other));
        assert!(same_content(&one, &two).is_err());
        Ok(())
    }
}
