//! Data volumes: where torrents lie, and the marker that proves that the right disk is in place.
//!
//! A volume is a folder with `.seedbox-volume.json` and `torrents/<info hash>/<file index>`. No
//! marker, no write: an unmounted disk leaves its mount point empty, and an empty folder whose
//! volume is known is a missing volume, not a new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::FallocateFlags;
use seedbox_core::{InfoHash, VolumeState};
use serde::{Deserialize, Serialize};

use crate::metainfo::Metainfo;

/// Name of the identity marker in a volume's root.
pub(crate) const MARKER: &str = ".seedbox-volume.json";
/// What the marker is called until it is whole.
const DRAFT: &str = ".seedbox-volume.json.tmp";
/// More bytes no marker has.
const LONGEST_MARKER: usize = 4096;
/// Folder of the torrents in a volume's root.
pub(crate) const TORRENTS: &str = "torrents";

/// File systems give out space in blocks of this size.
const BLOCK: u64 = 4096;
/// Kept out of the quota for the volume's own folders and marker.
pub(crate) const VOLUME_OVERHEAD: u64 = 64 << 10;

#[derive(Serialize, Deserialize)]
struct Marker {
    volume: String,
}

/// One data volume.
#[derive(Debug, Clone)]
pub(crate) struct Volume {
    pub(crate) id: String,
    pub(crate) root: PathBuf,
    pub(crate) quota: u64,
    pub(crate) reserve: u64,
    pub(crate) state: VolumeState,
}

/// A file's beginning. The disk may be anybody's: what only looks like a file could go on for ever.
fn read_marker(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is no file"));
    }
    let mut text = Vec::new();
    let file = File::open(path)?;
    file.take(LONGEST_MARKER as u64 + 1)
        .read_to_end(&mut text)?;
    Ok(text)
}

impl Volume {
    /// Looks whether the volume is in its place.
    pub(crate) fn look(&self) -> VolumeState {
        let path = self.root.join(MARKER);
        let missing = |detail: String| VolumeState::Missing(detail);
        let text = match read_marker(&path) {
            Ok(text) if text.len() <= LONGEST_MARKER => text,
            Ok(_) => return missing(format!("{} is not a marker of this box", path.display())),
            Err(e) => {
                return missing(format!(
                    "no marker at {} ({e}). Is the disk plugged in and mounted?",
                    path.display()
                ));
            }
        };
        match serde_json::from_slice::<Marker>(&text) {
            Ok(marker) if marker.volume == self.id => VolumeState::Ready,
            _ => missing(format!(
                "{} names another volume; nothing is written",
                path.display()
            )),
        }
    }

    /// Makes `root` a volume by writing its marker. Only a folder that holds nothing (or none) is
    /// taken. A marker without torrents is nothing: a power cut between the marker and the database
    /// leaves one that nobody knows.
    ///
    /// # Errors
    /// If the folder holds anything but that and a file system's `lost+found`, or cannot be written.
    pub(crate) fn adopt(root: &Path, id: &str) -> io::Result<()> {
        fs::create_dir_all(root)?;
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name();
            let holds_nothing = name == "lost+found"
                || name == MARKER
                || name == DRAFT
                || name == TORRENTS && fs::read_dir(entry.path())?.next().is_none();
            if !holds_nothing {
                return Err(io::Error::new(
                    ErrorKind::DirectoryNotEmpty,
                    format!("it holds {name:?}; the box takes empty folders only"),
                ));
            }
        }
        let marker = serde_json::to_vec(&Marker {
            volume: id.to_owned(),
        })?;
        // Written anew, never through what lies there: it could be a link.
        let draft = root.join(DRAFT);
        match fs::remove_file(&draft) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&draft)?;
        file.write_all(&marker)?;
        file.sync_all()?;
        fs::rename(&draft, root.join(MARKER))?;
        make_folder(&root.join(TORRENTS))?;
        File::open(root)?.sync_all()
    }

    pub(crate) fn folder(&self, torrent: InfoHash) -> PathBuf {
        self.root.join(TORRENTS).join(torrent.to_string())
    }

    /// Bytes the disk has free for an unprivileged program.
    pub(crate) fn disk_free(&self) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.root)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// Torrent folders on disk.
    pub(crate) fn folders(&self) -> io::Result<Vec<InfoHash>> {
        let mut found = Vec::new();
        match fs::read_dir(self.root.join(TORRENTS)) {
            Ok(entries) => {
                for entry in entries {
                    let name = entry?.file_name();
                    found.extend(name.to_str().and_then(|name| name.parse::<InfoHash>().ok()));
                }
                Ok(found)
            }
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(found),
            Err(e) => Err(e),
        }
    }
}

fn blocks(len: u64) -> u64 {
    len.div_ceil(BLOCK) * BLOCK
}

/// Bytes that a torrent takes on disk at most: its files in whole blocks, their extent trees, its
/// folder and that folder's name in the parent.
pub(crate) fn disk_cost(metainfo: &Metainfo) -> u64 {
    let stored = || {
        metainfo
            .files()
            .iter()
            .filter(|f| is_stored(f.len, f.padding))
    };
    let data: u64 = stored().map(|f| blocks(f.len)).sum();
    let extents: u64 = stored().map(|f| f.len.div_ceil(128 << 20) - 1).sum::<u64>() * BLOCK;
    let folder = BLOCK * (1 + stored().count() as u64 / 32);
    data + extents + folder + BLOCK
}

pub(crate) fn is_stored(len: u64, padding: bool) -> bool {
    len > 0 && !padding
}

/// Creates a torrent's files at full size, so that its space is taken before it is used and a full
/// disk is noticed now and not in the middle of a download. What exists already is kept.
pub(crate) fn allocate(folder: &Path, metainfo: &Metainfo) -> io::Result<()> {
    // Its parent is never made here: below the mount point of an unplugged disk there is none.
    make_folder(folder)?;
    for (index, file) in metainfo.files().iter().enumerate() {
        if !is_stored(file.len, file.padding) {
            continue;
        }
        let handle = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(folder.join(index.to_string()))?;
        take_space(&handle, file.len)?;
    }
    File::open(folder)?.sync_all()
}

pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn take_space(file: &File, len: u64) -> io::Result<()> {
    if file.metadata()?.len() > len {
        file.set_len(len)?;
    }
    match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, len) {
        Ok(()) => Ok(()),
        // FAT, exFAT and some FUSE file systems cannot reserve; writing zeros can.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => write_zeros(file, len),
        Err(e) => Err(e.into()),
    }
}

fn write_zeros(mut file: &File, len: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom};
    let zeros = vec![0u8; 1 << 20];
    let mut at = file.seek(SeekFrom::End(0))?;
    while at < len {
        let step = (len - at).min(zeros.len() as u64);
        file.write_all(&zeros[..usize::try_from(step).unwrap_or(zeros.len())])?;
        at += step;
    }
    file.sync_data()
}

/// Whether all files of a torrent are there at full size and really hold space.
pub(crate) fn is_allocated(folder: &Path, metainfo: &Metainfo) -> bool {
    metainfo
        .files()
        .iter()
        .enumerate()
        .filter(|(_, f)| is_stored(f.len, f.padding))
        .all(|(index, file)| {
            fs::symlink_metadata(folder.join(index.to_string()))
                .is_ok_and(|m| m.is_file() && m.len() == file.len && m.blocks() > 0)
        })
}

/// Deletes a torrent's files. Each is emptied first: a descriptor that is still open somewhere
/// would otherwise hold the space after the name is gone.
pub(crate) fn delete(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let plain = fs::symlink_metadata(&path)?.is_file();
        if plain {
            OpenOptions::new().write(true).open(&path)?.set_len(0)?;
            fs::remove_file(&path)?;
        } else {
            // Nothing of ours; a link is removed, never followed.
            fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path))?;
        }
    }
    fs::remove_dir(folder)
}

/// Makes a volume an empty folder again: its torrents go, its marker last. A folder without a
/// marker is no volume and is left alone.
///
/// # Errors
/// Something of it cannot be deleted; it stays a volume.
pub fn erase_volume(root: &Path) -> io::Result<()> {
    let marker = root.join(MARKER);
    if !fs::symlink_metadata(&marker).is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    let torrents = root.join(TORRENTS);
    match fs::symlink_metadata(&torrents) {
        Ok(found) if found.is_dir() => {
            for entry in fs::read_dir(&torrents)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    delete(&entry.path())?;
                } else {
                    fs::remove_file(entry.path())?;
                }
            }
            fs::remove_dir(&torrents)?;
        }
        Ok(_) => fs::remove_file(&torrents)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // On disk in this order: torrents without a marker would never be deleted.
    File::open(root)?.sync_all()?;
    fs::remove_file(marker)?;
    File::open(root)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(root: &Path) -> Volume {
        Volume {
            id: "v1".into(),
            root: root.to_owned(),
            quota: 1 << 20,
            reserve: 0,
            state: VolumeState::Ready,
        }
    }

    #[test]
    fn an_empty_mount_point_is_a_missing_volume() {
        let folder = tempfile::tempdir().unwrap();
        let volume = volume(folder.path());
        Volume::adopt(folder.path(), "v1").unwrap();
        assert_eq!(volume.look(), VolumeState::Ready);
        fs::remove_file(folder.path().join(MARKER)).unwrap();
        assert!(matches!(volume.look(), VolumeState::Missing(_)));
    }

    #[test]
    fn a_marker_that_leads_elsewhere_or_never_ends_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let volume = volume(folder.path());
        let marker = folder.path().join(MARKER);
        std::os::unix::fs::symlink("/dev/zero", &marker).unwrap();
        assert!(matches!(volume.look(), VolumeState::Missing(_)));
        fs::remove_file(&marker).unwrap();
        let endless = File::create(&marker).unwrap();
        endless.set_len(1 << 40).unwrap();
        assert!(matches!(volume.look(), VolumeState::Missing(_)));
    }

    #[test]
    fn somebody_elses_folder_is_never_taken() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("holiday.jpg"), b"x").unwrap();
        assert!(Volume::adopt(folder.path(), "v1").is_err());
        assert!(!folder.path().join(MARKER).exists());
    }

    #[test]
    fn a_volume_that_nobody_came_to_know_is_taken_again() {
        let folder = tempfile::tempdir().unwrap();
        for unfinished in [MARKER, DRAFT] {
            fs::write(folder.path().join(unfinished), b"{").unwrap();
        }
        Volume::adopt(folder.path(), "v1").unwrap();
        assert_eq!(volume(folder.path()).look(), VolumeState::Ready);
        Volume::adopt(folder.path(), "v2").unwrap();
        fs::create_dir(volume(folder.path()).root.join("torrents/x")).unwrap();
        let error = Volume::adopt(folder.path(), "v3").unwrap_err();
        assert!(error.to_string().contains("torrents"), "{error}");
    }

    #[test]
    fn an_erased_volume_is_an_empty_folder_and_anything_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let torrent = folder.path().join("torrents").join("a".repeat(40));
        fs::create_dir_all(&torrent).unwrap();
        fs::write(torrent.join("0"), b"model").unwrap();
        erase_volume(folder.path()).unwrap();
        assert!(torrent.join("0").exists(), "it was no volume");
        fs::write(folder.path().join(MARKER), b"{}").unwrap();
        erase_volume(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn deleting_frees_space_even_while_a_descriptor_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let torrent = folder.path().join("t");
        fs::create_dir(&torrent).unwrap();
        fs::write(torrent.join("0"), vec![1; 100_000]).unwrap();
        let open = File::open(torrent.join("0")).unwrap();
        delete(&torrent).unwrap();
        assert_eq!(open.metadata().unwrap().blocks(), 0);
        assert!(!torrent.exists());
    }

    #[test]
    fn a_link_is_removed_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        fs::write(&outside, b"precious").unwrap();
        let torrent = folder.path().join("t");
        fs::create_dir(&torrent).unwrap();
        std::os::unix::fs::symlink(&outside, torrent.join("0")).unwrap();
        delete(&torrent).unwrap();
        assert_eq!(fs::read(&outside).unwrap(), b"precious");
    }
}
