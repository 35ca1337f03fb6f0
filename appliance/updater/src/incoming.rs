//! Taking a bundle in: streamed to the box's own disk, so that what is checked is what is
//! installed, whatever happens to the stick or the browser it came from. Bounded in bytes and in
//! time, with room on the disk before the first byte; what does not arrive whole leaves nothing.

use std::{
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::{
    fs::{self, File},
    io::{AsyncWriteExt, BufWriter},
    time::timeout,
};

use crate::{Config, OrderError};

/// Longest silence of whoever sends it: a radio that was away comes back sooner. The time that our own
/// disk takes is not counted; the sender waits for it.
const SILENCE: Duration = Duration::from_secs(120);
/// Bytes written at once, and between two looks at the disk's room.
const STEP: usize = 1 << 20;
/// Bytes after which the disk is waited for. A slow card never owes more than these to whoever wants
/// something synced meanwhile, the database above all.
const OWED: u64 = 8 << 20;

/// Where the bundle lies that was taken in last.
pub(crate) fn bundle(config: &Config) -> PathBuf {
    config.folder.join("incoming.raucb")
}

/// Where one lies while it arrives.
fn draft(config: &Config) -> PathBuf {
    config.folder.join("incoming.part")
}

/// Deletes it, and what a power cut may have left of another.
pub(crate) async fn discard(config: &Config) {
    let _ = fs::remove_file(bundle(config)).await;
    discard_draft(config).await;
}

/// Deletes what a power cut left of a bundle that was arriving.
pub(crate) async fn discard_draft(config: &Config) {
    let _ = fs::remove_file(draft(config)).await;
}

/// Removes a half file, unless told that it is whole.
struct Draft {
    path: PathBuf,
    whole: bool,
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.whole {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Takes a bundle of `size` bytes in, in place of the one that was there, and tells `progress` how
/// many bytes there are.
///
/// # Errors
/// Too large, no room, not whole, or a failing disk; nothing of it is left then.
pub(crate) async fn take(
    config: &Config,
    size: Option<u64>,
    mut content: impl Stream<Item = io::Result<Bytes>> + Unpin,
    mut progress: impl FnMut(u64),
) -> Result<(), OrderError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| OrderError::Disk { path, source }
    };
    let too_large = OrderError::TooLarge {
        largest: config.largest,
    };
    if size.is_some_and(|size| size > config.largest) {
        return Err(too_large);
    }
    fs::create_dir_all(&config.folder)
        .await
        .map_err(failed(&config.folder))?;
    discard(config).await;
    ensure_room(config, size.unwrap_or(0))?;
    let mut draft = Draft {
        path: draft(config),
        whole: false,
    };
    let file = File::create(&draft.path)
        .await
        .map_err(failed(&draft.path))?;
    let mut file = BufWriter::with_capacity(STEP, file);
    let (mut received, mut looked_at, mut synced) = (0, 0, 0);
    while let Some(bytes) = timeout(SILENCE, content.next())
        .await
        .map_err(|_| OrderError::Broken(format!("nothing came for {} s", SILENCE.as_secs())))?
    {
        let bytes = bytes.map_err(|error| OrderError::Broken(error.to_string()))?;
        received += bytes.len() as u64;
        if received > config.largest {
            return Err(too_large);
        }
        if received - looked_at >= STEP as u64 {
            looked_at = received;
            ensure_room(config, STEP as u64)?;
            progress(received);
        }
        file.write_all(&bytes).await.map_err(failed(&draft.path))?;
        if received - synced >= OWED {
            synced = received;
            sync(&mut file).await.map_err(failed(&draft.path))?;
        }
    }
    if size.is_some_and(|size| size != received) {
        let text = format!("it ended after {received} bytes");
        return Err(OrderError::Broken(text));
    }
    sync(&mut file).await.map_err(failed(&draft.path))?;
    fs::rename(&draft.path, bundle(config))
        .await
        .map_err(failed(&draft.path))?;
    draft.whole = true;
    sync_folder(config).await.map_err(failed(&config.folder))
}

/// Makes the bundle the box's own file again. RAUC takes what it installs for itself (`chown`); a power
/// cut leaves it so, and `rauc info` then has no right to keep others from changing it meanwhile.
///
/// # Errors
/// There is none, or no room for another; the bundle stays as it is.
pub(crate) async fn take_back(config: &Config) -> io::Result<()> {
    let found = fs::metadata(bundle(config)).await?;
    if found.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    ensure_room(config, found.len()).map_err(io::Error::other)?;
    let mut draft = Draft {
        path: draft(config),
        whole: false,
    };
    fs::copy(bundle(config), &draft.path).await?;
    File::open(&draft.path).await?.sync_all().await?;
    fs::rename(&draft.path, bundle(config)).await?;
    draft.whole = true;
    sync_folder(config).await
}

/// A new name is the folder's: without this it could be gone after a power cut, though it was told.
async fn sync_folder(config: &Config) -> io::Result<()> {
    File::open(&config.folder).await?.sync_all().await
}

async fn sync(file: &mut BufWriter<File>) -> io::Result<()> {
    file.flush().await?;
    file.get_ref().sync_all().await
}

fn ensure_room(config: &Config, needed: u64) -> Result<(), OrderError> {
    let found = rustix::fs::statvfs(&config.folder).map_err(|error| OrderError::Disk {
        path: config.folder.clone(),
        source: error.into(),
    })?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let free = free.saturating_sub(config.reserve);
    if needed > free {
        return Err(OrderError::NoRoom { needed, free });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    fn config(folder: &Path) -> Config {
        Config {
            largest: 3000,
            folder: folder.join("updates"),
            ..Config::disabled("0.1.0".parse().unwrap())
        }
    }

    fn chunks(n: usize) -> impl Stream<Item = io::Result<Bytes>> + Unpin {
        stream::iter((0..n).map(|_| Ok(Bytes::from(vec![7; 1000]))))
    }

    async fn left(config: &Config) -> Vec<String> {
        let entries = std::fs::read_dir(&config.folder).into_iter().flatten();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[tokio::test]
    async fn a_whole_bundle_is_taken_and_replaces_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        for (size, n) in [(Some(2000), 2), (None, 3)] {
            take(&config, size, chunks(n), |_| {}).await.unwrap();
            let bytes = std::fs::read(bundle(&config)).unwrap();
            assert_eq!(bytes.len(), n * 1000);
            assert_eq!(left(&config).await, ["incoming.raucb"]);
        }
    }

    #[tokio::test]
    async fn a_bundle_that_was_made_somebody_elses_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        take_back(&config).await.unwrap_err();
        take(&config, None, chunks(2), |_| {}).await.unwrap();
        let ours = std::fs::metadata(bundle(&config)).unwrap();
        if std::os::unix::fs::chown(bundle(&config), Some(ours.uid() + 1), None).is_err() {
            eprintln!("nobody may give files away here: only a bundle of our own is tried");
        }
        take_back(&config).await.unwrap();
        let back = std::fs::metadata(bundle(&config)).unwrap();
        assert_eq!((back.uid(), back.len()), (ours.uid(), 2000));
        assert_eq!(left(&config).await, ["incoming.raucb"]);
        let inode = back.ino();
        take_back(&config).await.unwrap();
        let same = std::fs::metadata(bundle(&config)).unwrap();
        assert_eq!(same.ino(), inode, "its own is not copied");
    }

    #[tokio::test]
    async fn what_a_power_cut_left_of_another_takes_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        std::fs::create_dir(&config.folder).unwrap();
        let left_over = config.folder.join("incoming.part");
        for discard in [true, false] {
            std::fs::write(&left_over, [7; 1000]).unwrap();
            if discard {
                super::discard(&config).await;
            } else {
                discard_draft(&config).await;
            }
            assert_eq!(left(&config).await, [""; 0]);
        }
        // Gone before the disk is asked what it has to spare.
        std::fs::write(&left_over, [7; 1000]).unwrap();
        let full = Config {
            reserve: u64::MAX,
            ..config
        };
        take(&full, Some(1000), chunks(1), |_| {})
            .await
            .unwrap_err();
        assert_eq!(left(&full).await, [""; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_sender_is_left_and_a_slow_one_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let slow = Box::pin(chunks(2).then(async |chunk| {
            tokio::time::advance(SILENCE - Duration::from_secs(1)).await;
            chunk
        }));
        take(&config, Some(2000), slow, |_| {}).await.unwrap();
        let silent = chunks(1).chain(stream::pending());
        let error = take(&config, Some(2000), silent, |_| {}).await.unwrap_err();
        assert!(error.to_string().contains("120 s"), "{error}");
        assert_eq!(left(&config).await, [""; 0]);
    }

    #[tokio::test]
    async fn what_is_too_large_broken_or_without_room_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let take = async |config: &Config, size, n| {
            let result = take(config, size, chunks(n), |_| {}).await;
            assert_eq!(left(config).await, [""; 0]);
            result.unwrap_err()
        };
        let too_large = |error| matches!(error, OrderError::TooLarge { largest: 3000 });
        assert!(too_large(take(&config, Some(3001), 1).await));
        assert!(too_large(take(&config, None, 4).await));
        let error = take(&config, Some(2500), 2).await;
        assert!(matches!(error, OrderError::Broken(_)), "{error}");
        let full = Config {
            reserve: u64::MAX,
            ..config
        };
        let error = take(&full, Some(1000), 1).await;
        assert!(
            matches!(
                error,
                OrderError::NoRoom {
                    needed: 1000,
                    free: 0
                }
            ),
            "{error}"
        );
    }
}
