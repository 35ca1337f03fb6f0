//! A small disk of its own for a box, and a witness that measures what the box really takes of
//! it, as the file system counts: blocks, not lengths.

use std::{
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Result;
use tempfile::TempDir;

use crate::process::run;

/// How often the witness looks.
const SAMPLE: Duration = Duration::from_millis(100);

/// What a disk is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// ext4 on a loop device: a real file system with a real end.
    Loop,
    /// A plain folder, where nothing can be mounted: it does not end.
    Folder,
}

/// A disk, mounted.
pub struct Disk {
    kind: Kind,
    folder: TempDir,
    mounted: bool,
}

impl Disk {
    /// The best disk of `bytes` that this machine allows.
    ///
    /// # Errors
    /// Not even a folder can be made.
    pub fn of(bytes: u64) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("mount"))?;
        let mut disk = Self {
            kind: Kind::Loop,
            folder,
            mounted: false,
        };
        File::create(disk.image())?.set_len(bytes)?;
        // No blocks kept for root and no journal: all of the disk is the box's.
        let format = ["-q", "-m", "0", "-O", "^has_journal"];
        let formatted = run(Command::new("mkfs.ext4").args(format).arg(disk.image()));
        disk.mounted = formatted.is_ok() && disk.mount().is_ok();
        if !disk.mounted {
            disk.kind = Kind::Folder;
            eprintln!("note: nothing can be mounted here; a plain folder stands in for the disk");
        }
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("mount")
    }

    /// What it is made of.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Pulls the plug, as a loose USB cable would: whoever has files open keeps a dead disk.
    ///
    /// # Errors
    /// It cannot be unmounted.
    pub fn unmount(&mut self) -> Result<()> {
        run(Command::new("umount").arg("--lazy").arg(self.path()))?;
        self.mounted = false;
        Ok(())
    }

    /// Mounts it (again).
    ///
    /// # Errors
    /// It is no loop device, or is still in use.
    pub fn mount(&mut self) -> Result<()> {
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(self.image())
            .arg(self.path()))?;
        self.mounted = true;
        Ok(())
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            let _ = run(Command::new("umount").arg("--lazy").arg(self.path()));
        }
    }
}

/// Bytes that everything below `path` occupies on its file system.
pub fn occupied(path: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(path) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => found.blocks() * 512 + occupied(&entry.path()),
            Ok(found) => found.blocks() * 512,
            // Deleted since it was listed.
            Err(_) => 0,
        })
        .sum()
}

/// A witness that samples a folder ten times a second until it is asked.
pub struct Witness {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stopped: AtomicBool,
    peak: AtomicU64,
    last: AtomicU64,
    samples: AtomicU64,
}

/// What a witness saw.
#[derive(Debug, Clone, Copy)]
pub struct Testimony {
    /// The most bytes ever occupied.
    pub peak: u64,
    /// Bytes occupied at the last look.
    pub last: u64,
    /// How often it looked.
    pub samples: u64,
}

impl Witness {
    /// Begins to watch a folder.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn watch(path: &Path) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let (seen, path) = (shared.clone(), path.to_owned());
        let thread = thread::Builder::new()
            .name("witness".into())
            .spawn(move || {
                while !seen.stopped.load(Ordering::Relaxed) {
                    let bytes = occupied(&path);
                    seen.peak.fetch_max(bytes, Ordering::Relaxed);
                    seen.last.store(bytes, Ordering::Relaxed);
                    seen.samples.fetch_add(1, Ordering::Relaxed);
                    thread::park_timeout(SAMPLE);
                }
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// What it has seen so far.
    pub fn testimony(&self) -> Testimony {
        Testimony {
            peak: self.shared.peak.load(Ordering::Relaxed),
            last: self.shared.last.load(Ordering::Relaxed),
            samples: self.shared.samples.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{models::random_file, wait::wait_until};

    #[test]
    fn a_disk_ends_and_the_witness_sees_a_peak_that_is_gone() -> Result<()> {
        let disk = Disk::of(8 << 20)?;
        let witness = Witness::watch(&disk.path())?;
        let file = random_file(&disk.path(), "file", 3 << 20, 1)?;
        if disk.kind() != Kind::Folder {
            assert!(
                random_file(&disk.path(), "too-large", 8 << 20, 2).is_err(),
                "no end"
            );
            fs::remove_file(disk.path().join("too-large"))?;
        }
        wait_until("a sample of the file", Duration::from_secs(5), || {
            anyhow::ensure!(
                witness.testimony().last >= 3 << 20,
                "{:?}",
                witness.testimony()
            );
            Ok(())
        })?;
        fs::remove_file(file)?;
        wait_until("a sample without it", Duration::from_secs(5), || {
            anyhow::ensure!(
                witness.testimony().last < 1 << 20,
                "{:?}",
                witness.testimony()
            );
            Ok(())
        })?;
        assert!(witness.testimony().peak >= 3 << 20);
        Ok(())
    }
}
