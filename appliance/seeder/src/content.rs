//! One torrent's bytes on disk, as librqbit may see them: files named by index, opened lazily,
//! every piece verified before its first byte is given to anyone.
//!
//! A piece is `ABSENT` until it was downloaded and checked, `CLAIMED` when the store says that it
//! is there but this process has not looked, and otherwise carries the moment of its last check. A
//! check is good for [`RECHECK_SECONDS`] or until a file changes behind our back. A piece that
//! fails is refused, marked absent and reported, so that the seeder can fetch it again.

use std::{
    fs::File,
    io::{self, ErrorKind},
    os::unix::fs::{FileExt, MetadataExt},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Instant,
};

use seedbox_core::{ContentHash, InfoHash};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use tokio::sync::mpsc;

use crate::{descriptors::Descriptors, metainfo::Metainfo, volume::is_stored};

const ABSENT: u32 = 0;
const CLAIMED: u32 = 1;
/// How long a check of a piece is good for.
const RECHECK_SECONDS: u32 = 900;
const READ_BUFFER: usize = 64 << 10;

/// A piece on disk was not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) info_hash: InfoHash,
}

/// One torrent's content.
pub(crate) struct Content {
    metainfo: Arc<Metainfo>,
    folder: PathBuf,
    offsets: Vec<u64>,
    checked: Vec<AtomicU32>,
    started: Instant,
    changed: AtomicBool,
    // Pieces refused since the last recheck.
    refused: AtomicU32,
    // Times of the last change, per file, once nothing is written any more.
    sealed: Vec<AtomicU64>,
    is_sealed: AtomicBool,
    descriptors: Arc<Descriptors>,
    damage: mpsc::Sender<Damage>,
}

impl Content {
    /// Takes up a torrent's content; `have` is the stored bitfield. If it is `complete` nothing
    /// will be written, see [`Content::seal`].
    pub(crate) fn new(
        metainfo: Arc<Metainfo>,
        folder: PathBuf,
        have: &[u8],
        complete: bool,
        descriptors: Arc<Descriptors>,
        damage: mpsc::Sender<Damage>,
    ) -> Arc<Self> {
        let mut offset = 0;
        let offsets = metainfo
            .files()
            .iter()
            .map(|file| {
                let at = offset;
                offset += file.len;
                at
            })
            .collect();
        let claimed = |i: usize| {
            have.get(i / 8)
                .is_some_and(|byte| byte & (0x80 >> (i % 8)) != 0)
        };
        let pieces = metainfo.piece_hashes().len();
        let checked = (0..pieces)
            .map(|i| AtomicU32::new(if claimed(i) { CLAIMED } else { ABSENT }))
            .collect();
        let sealed = metainfo.files().iter().map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self {
            metainfo,
            folder,
            offsets,
            checked,
            started: Instant::now(),
            changed: AtomicBool::new(false),
            refused: AtomicU32::new(0),
            sealed,
            is_sealed: AtomicBool::new(complete),
            descriptors,
            damage,
        })
    }

    pub(crate) fn metainfo(&self) -> &Arc<Metainfo> {
        &self.metainfo
    }

    pub(crate) fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// The piece bitfield (BEP 3) of what is there.
    pub(crate) fn have(&self) -> Box<[u8]> {
        let mut bits = vec![0u8; self.checked.len().div_ceil(8)];
        for (i, state) in self.checked.iter().enumerate() {
            if state.load(Ordering::Relaxed) != ABSENT {
                bits[i / 8] |= 0x80 >> (i % 8);
            }
        }
        bits.into()
    }

    /// Bytes of the pieces that are there.
    pub(crate) fn have_bytes(&self) -> u64 {
        (0u32..)
            .zip(&self.checked)
            .filter(|(_, state)| state.load(Ordering::Relaxed) != ABSENT)
            .map(|(piece, _)| u64::from(self.metainfo.piece_size(piece).unwrap_or(0)))
            .sum()
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.checked
            .iter()
            .all(|state| state.load(Ordering::Relaxed) != ABSENT)
    }

    /// Whether pieces came or went since the last call.
    pub(crate) fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::Relaxed)
    }

    /// Closes the torrent's files.
    pub(crate) fn close(&self) {
        self.descriptors.forget(self.metainfo.info_hash());
    }

    /// From now on nothing is written; a file that changes was touched by
    /// somebody else and is checked again before it is served.
    pub(crate) fn seal(&self) -> io::Result<()> {
        for index in self.stored() {
            let file = self.open(index)?;
            file.sync_data()?;
            self.sealed[index].store(changed_at(&file)?, Ordering::Relaxed);
        }
        self.is_sealed.store(true, Ordering::Release);
        Ok(())
    }

    /// Reads all pieces from disk and marks those that fail absent. Gives the number of damaged
    /// pieces, with those that were refused before. The volume
    /// must be in its place: without it every piece would count as lost.
    pub(crate) fn recheck(&self) -> u32 {
        let mut damaged = self.refused.swap(0, Ordering::Relaxed);
        for (piece, state) in (0u32..).zip(&self.checked) {
            if state.load(Ordering::Relaxed) == ABSENT {
                continue;
            }
            if self.hash_matches(piece).unwrap_or(false) {
                state.store(self.now(), Ordering::Relaxed);
            } else {
                state.store(ABSENT, Ordering::Relaxed);
                damaged += 1;
            }
        }
        self.changed.store(true, Ordering::Relaxed);
        damaged
    }

    /// Whether a piece that an earlier process wrote is not what it should be. A power cut can keep
    /// the store's word that a piece is there and lose the piece.
    pub(crate) fn has_damage(&self) -> io::Result<bool> {
        for (piece, state) in (0u32..).zip(&self.checked) {
            if state.load(Ordering::Relaxed) != CLAIMED {
                continue;
            }
            if !self.hash_matches(piece)? {
                return Ok(true);
            }
            state.store(self.now(), Ordering::Relaxed);
        }
        Ok(false)
    }

    /// SHA-256 of the whole content, files concatenated in torrent order.
    pub(crate) fn content_hash(&self) -> io::Result<ContentHash> {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; READ_BUFFER];
        let total = self.metainfo.total();
        self.visit(0, total, &mut buffer, |bytes| hash.update(bytes))?;
        Ok(ContentHash(hash.finalize().into()))
    }

    /// Gives the bytes of a file to a reader outside, each piece verified first.
    pub(crate) fn read(&self, index: usize, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let result = self.read_verified(index, offset, buf);
        // Damaged, gone, or the whole volume is: which, the seeder must find out. If the queue is
        // full it knows already and rechecks the whole torrent.
        if let Err(ErrorKind::InvalidData | ErrorKind::NotFound) =
            result.as_ref().map_err(io::Error::kind)
        {
            let _ = self.damage.try_send(Damage {
                info_hash: self.metainfo.info_hash(),
            });
        }
        result
    }

    fn read_verified(&self, index: usize, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let start = self.position(index, offset, buf.len() as u64)?;
        if buf.is_empty() {
            return Ok(());
        }
        let length = u64::from(self.metainfo.piece_length());
        let pieces = start / length..=(start + buf.len() as u64 - 1) / length;
        self.notice_changes(index)?;
        for piece in pieces {
            self.verify(u32::try_from(piece).map_err(|_| ErrorKind::InvalidInput)?)?;
        }
        self.read_raw(index, offset, buf)
    }

    fn write(&self, index: usize, offset: u64, buf: &[u8]) -> io::Result<()> {
        self.position(index, offset, buf.len() as u64)?;
        let file = &self.metainfo.files()[index];
        if !is_stored(file.len, file.padding) {
            return Ok(());
        }
        self.open(index)?.write_all_at(buf, offset)
    }

    fn completed(&self, piece: u32) {
        if let Some(state) = self.checked.get(piece as usize) {
            state.store(self.now(), Ordering::Relaxed);
            self.changed.store(true, Ordering::Relaxed);
        }
    }

    /// A piece that the torrent does not have yet is read only to be hashed by librqbit itself.
    fn verify(&self, piece: u32) -> io::Result<()> {
        let state = self
            .checked
            .get(piece as usize)
            .ok_or(ErrorKind::InvalidInput)?;
        let checked = state.load(Ordering::Relaxed);
        let fresh = checked > CLAIMED && self.now() - checked < RECHECK_SECONDS;
        if checked == ABSENT || fresh {
            return Ok(());
        }
        if self.hash_matches(piece)? {
            state.store(self.now(), Ordering::Relaxed);
            return Ok(());
        }
        if state.swap(ABSENT, Ordering::Relaxed) != ABSENT {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        self.changed.store(true, Ordering::Relaxed);
        Err(io::Error::new(
            ErrorKind::InvalidData,
            format!("piece {piece} is damaged on disk"),
        ))
    }

    fn notice_changes(&self, index: usize) -> io::Result<()> {
        if !self.is_sealed.load(Ordering::Acquire) {
            return Ok(());
        }
        let file = &self.metainfo.files()[index];
        if !is_stored(file.len, file.padding) {
            return Ok(());
        }
        let now = changed_at(&*self.open(index)?)?;
        if self.sealed[index].swap(now, Ordering::Relaxed) != now {
            let length = u64::from(self.metainfo.piece_length());
            let start = self.offsets[index];
            for piece in start / length..=(start + file.len - 1) / length {
                if let Some(state) = self
                    .checked
                    .get(usize::try_from(piece).unwrap_or(usize::MAX))
                    && state.load(Ordering::Relaxed) != ABSENT
                {
                    state.store(CLAIMED, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    fn hash_matches(&self, piece: u32) -> io::Result<bool> {
        let size = self
            .metainfo
            .piece_size(piece)
            .ok_or(ErrorKind::InvalidInput)?;
        let start = u64::from(piece) * u64::from(self.metainfo.piece_length());
        let mut hash = Sha1::new();
        let mut buffer = vec![0; READ_BUFFER.min(size as usize)];
        match self.visit(start, u64::from(size), &mut buffer, |bytes| {
            hash.update(bytes)
        }) {
            Ok(()) => Ok(hash.finalize()[..] == self.metainfo.piece_hashes()[piece as usize]),
            // A file cut short is damage, not a reason to fail.
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Walks a range of the torrent across its files.
    fn visit(
        &self,
        start: u64,
        len: u64,
        buffer: &mut [u8],
        mut bytes: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        let (mut at, end) = (start, start + len);
        let mut index = self.offsets.partition_point(|offset| *offset <= at) - 1;
        while at < end {
            let file = &self.metainfo.files()[index];
            let inside = at - self.offsets[index];
            let step = (file.len - inside).min(end - at).min(buffer.len() as u64);
            if step == 0 {
                index += 1;
                continue;
            }
            let part = &mut buffer[..usize::try_from(step).unwrap_or(0)];
            self.read_raw(index, inside, part)?;
            bytes(part);
            at += step;
        }
        Ok(())
    }

    fn read_raw(&self, index: usize, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let file = &self.metainfo.files()[index];
        if !is_stored(file.len, file.padding) {
            buf.fill(0);
            return Ok(());
        }
        self.open(index)?.read_exact_at(buf, offset)
    }

    fn open(&self, index: usize) -> io::Result<Arc<File>> {
        let key = (self.metainfo.info_hash(), index);
        self.descriptors
            .get(key, &self.folder.join(index.to_string()))
    }

    fn stored(&self) -> impl Iterator<Item = usize> + '_ {
        let files = self.metainfo.files().iter().enumerate();
        files
            .filter(|(_, f)| is_stored(f.len, f.padding))
            .map(|(index, _)| index)
    }

    /// Position in the torrent of a range in one of its files.
    fn position(&self, index: usize, offset: u64, len: u64) -> io::Result<u64> {
        let file = self
            .metainfo
            .files()
            .get(index)
            .ok_or(ErrorKind::InvalidInput)?;
        match offset.checked_add(len) {
            Some(end) if end <= file.len => Ok(self.offsets[index] + offset),
            _ => Err(ErrorKind::InvalidInput.into()),
        }
    }

    fn now(&self) -> u32 {
        let seconds = u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX / 2);
        seconds + CLAIMED + 1
    }
}

fn changed_at(file: &File) -> io::Result<u64> {
    let meta = file.metadata()?;
    // Unlike the modification time, this one cannot be set back.
    Ok((meta.ctime().cast_unsigned() << 30) ^ meta.ctime_nsec().cast_unsigned())
}

mod storage {
    //! The face that librqbit sees.

    use std::{path::Path, sync::Arc};

    use librqbit::{
        ManagedTorrentShared, TorrentMetadata,
        storage::{BoxStorageFactory, StorageFactory, StorageFactoryExt, TorrentStorage},
    };

    use super::{AtomicBool, Content, Ordering};

    /// Gives librqbit the content of one torrent.
    #[derive(Clone)]
    pub(crate) struct ContentFactory(pub(crate) Arc<Content>);

    impl StorageFactory for ContentFactory {
        type Storage = ContentStorage;

        fn create(
            &self,
            shared: &ManagedTorrentShared,
            metadata: &TorrentMetadata,
        ) -> anyhow::Result<ContentStorage> {
            let ours = self.0.metainfo();
            let lengths = ours.files().iter().map(|f| f.len);
            let same = shared.info_hash.0 == ours.info_hash().0
                && metadata.file_infos.iter().map(|f| f.len).eq(lengths);
            anyhow::ensure!(
                same,
                "librqbit read the metadata differently than the box did"
            );
            Ok(ContentStorage {
                content: self.0.clone(),
                taken: AtomicBool::new(false),
            })
        }

        fn clone_box(&self) -> BoxStorageFactory {
            self.clone().boxed()
        }
    }

    pub(crate) struct ContentStorage {
        content: Arc<Content>,
        taken: AtomicBool,
    }

    impl ContentStorage {
        fn content(&self) -> anyhow::Result<&Content> {
            anyhow::ensure!(
                !self.taken.load(Ordering::Relaxed),
                "the torrent was paused"
            );
            Ok(&self.content)
        }
    }

    impl TorrentStorage for ContentStorage {
        fn init(&mut self, _: &ManagedTorrentShared, _: &TorrentMetadata) -> anyhow::Result<()> {
            Ok(())
        }

        fn pread_exact(&self, file: usize, offset: u64, buf: &mut [u8]) -> anyhow::Result<()> {
            Ok(self.content()?.read(file, offset, buf)?)
        }

        fn pwrite_all(&self, file: usize, offset: u64, buf: &[u8]) -> anyhow::Result<()> {
            Ok(self.content()?.write(file, offset, buf)?)
        }

        // Deleting is the seeder's, which knows what the torrent's files are named.
        fn remove_file(&self, _: usize, _: &Path) -> anyhow::Result<()> {
            Ok(())
        }

        fn remove_directory_if_empty(&self, _: &Path) -> anyhow::Result<()> {
            Ok(())
        }

        // Files have had their full length since they were admitted.
        fn ensure_file_length(&self, _: usize, _: u64) -> anyhow::Result<()> {
            Ok(())
        }

        fn take(&self) -> anyhow::Result<Box<dyn TorrentStorage>> {
            self.taken.store(true, Ordering::Relaxed);
            Ok(Box::new(ContentStorage {
                content: self.content.clone(),
                taken: AtomicBool::new(false),
            }))
        }

        fn on_piece_completed(
            &self,
            piece: librqbit_core::lengths::ValidPieceIndex,
        ) -> anyhow::Result<()> {
            self.content()?.completed(piece.get());
            Ok(())
        }
    }
}

pub(crate) use storage::ContentFactory;

#[cfg(test)]
mod tests;
