//! Bundles on disks that are plugged in: by their name alone, not opened before the owner asks.

use std::{
    fs,
    path::{Path, PathBuf},
};

use seedbox_core::FoundBundle;

/// Bundles that are listed.
const MOST: usize = 8;
/// Entries of a folder that are looked at.
const ENTRIES: usize = 1000;

/// Looks in `folders` and in the folders right in them. Links are not followed.
pub(crate) fn look(folders: &[PathBuf]) -> Vec<FoundBundle> {
    let mut found = Vec::new();
    for folder in folders {
        for inner in look_in(folder, &mut found) {
            look_in(&inner, &mut found);
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.truncate(MOST);
    found
}

/// Adds what is in `folder`, and gives the folders in it.
fn look_in(folder: &Path, found: &mut Vec<FoundBundle>) -> Vec<PathBuf> {
    let mut inner = Vec::new();
    let entries = fs::read_dir(folder).into_iter().flatten();
    for entry in entries.take(ENTRIES).flatten() {
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else {
            continue;
        };
        if kind.is_dir() {
            inner.push(path);
        } else if kind.is_file()
            && path.extension().is_some_and(|end| end == "raucb")
            && let (Some(text), Ok(metadata)) = (path.to_str(), entry.metadata())
        {
            found.push(FoundBundle {
                path: text.to_owned(),
                size: metadata.len(),
            });
        }
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_are_found_one_folder_deep_and_links_are_not_followed() {
        let media = tempfile::tempdir().unwrap();
        let stick = media.path().join("stick");
        let deep = stick.join("deep");
        fs::create_dir_all(&deep).unwrap();
        for path in [stick.join("new.raucb"), deep.join("hidden.raucb")] {
            fs::write(path, "bundle").unwrap();
        }
        fs::write(stick.join("holiday.jpg"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", stick.join("link.raucb")).unwrap();
        let looks = [media.path().to_owned(), "/nonexistent".into()];
        let expected = FoundBundle {
            path: stick.join("new.raucb").to_str().unwrap().to_owned(),
            size: 6,
        };
        assert_eq!(look(&looks), [expected]);
    }
}
