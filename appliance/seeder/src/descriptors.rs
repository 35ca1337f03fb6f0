//! A bounded set of open files: descriptors are opened when first needed, and the longest unused
//! one is closed when too many are open. Files are never created here, so that a volume that was
//! unmounted never turns into writes on the card below its mount point.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use seedbox_core::InfoHash;

type Key = (InfoHash, usize);

/// Open files of all torrents, shared.
pub(crate) struct Descriptors {
    open: Mutex<Open>,
    capacity: usize,
}

#[derive(Default)]
struct Open {
    files: HashMap<Key, (Arc<File>, u64)>,
    clock: u64,
}

impl Descriptors {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            open: Mutex::default(),
            capacity,
        }
    }

    /// The open file of a torrent's file, opened for reading and writing if it is not yet.
    pub(crate) fn get(&self, key: Key, path: &Path) -> io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.clock += 1;
        let now = open.clock;
        if let Some((file, used)) = open.files.get_mut(&key) {
            *used = now;
            return Ok(file.clone());
        }
        let file = Arc::new(OpenOptions::new().read(true).write(true).open(path)?);
        if open.files.len() >= self.capacity {
            let oldest = open
                .files
                .iter()
                .min_by_key(|(_, (_, used))| *used)
                .map(|(key, _)| *key);
            oldest.map(|key| open.files.remove(&key));
        }
        open.files.insert(key, (file.clone(), now));
        Ok(file)
    }

    /// Closes all files of a torrent.
    pub(crate) fn forget(&self, torrent: InfoHash) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.files.retain(|(info_hash, _), _| *info_hash != torrent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_descriptor_is_closed_and_nothing_is_created() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("0");
        std::fs::write(&path, b"x").unwrap();
        let descriptors = Descriptors::new(2);
        let torrent = InfoHash([1; 20]);
        for index in [0, 1, 0, 2] {
            descriptors.get((torrent, index), &path).unwrap();
        }
        let keys: Vec<usize> = descriptors
            .open
            .lock()
            .unwrap()
            .files
            .keys()
            .map(|(_, index)| *index)
            .collect();
        assert_eq!(keys.len(), 2);
        assert!(!keys.contains(&1));
        assert!(
            descriptors
                .get((torrent, 9), &folder.path().join("absent"))
                .is_err()
        );
        assert!(!folder.path().join("absent").exists());
    }
}
