//! What is published: real glTF models, and random content of any size that no compression or
//! deduplication makes smaller.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use sha2::{Digest, Sha256};

use crate::repository;

/// What the chain is told of a model.
#[derive(Debug, Clone)]
pub struct Published {
    /// Name for people.
    pub name: String,
    /// BitTorrent v1 info hash, 40 hexadecimal digits.
    pub info_hash: String,
    /// SHA-256 of the content, 64 hexadecimal digits.
    pub content_hash: String,
    /// Content size in bytes.
    pub size: u64,
    /// Further magnet parameters.
    pub sources: String,
}

impl Published {
    /// Its magnet link, without sources.
    pub fn magnet(&self) -> String {
        format!("magnet:?xt=urn:btih:{}&xl={}", self.info_hash, self.size)
    }
}

/// The real models, smallest first: distinct binary glTF files from the WebXR input profiles.
///
/// # Errors
/// They are not there: `make setup` gets them.
pub fn real_models() -> Result<Vec<PathBuf>> {
    let root =
        repository().join("tests/models/node_modules/@webxr-input-profiles/assets/dist/profiles");
    let profiles = fs::read_dir(&root)
        .with_context(|| format!("{} is missing: run `make setup`", root.display()))?;
    let mut found = Vec::new();
    for profile in profiles {
        let profile = profile?.path();
        if !profile.is_dir() {
            continue;
        }
        for file in fs::read_dir(profile)? {
            let file = file?;
            if file
                .path()
                .extension()
                .is_some_and(|extension| extension == "glb")
            {
                found.push((file.metadata()?.len(), file.path()));
            }
        }
    }
    found.sort();
    // Left and right hands are mirror images of one size; one of each size is enough.
    found.dedup_by_key(|(size, _)| *size);
    ensure!(
        found.len() >= 12,
        "only {} models in {}",
        found.len(),
        root.display()
    );
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// A name for a real model: the device it shows and which hand it is for.
pub fn name_of(model: &Path) -> String {
    let part = |path: Option<&Path>| {
        path.and_then(Path::file_stem)
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    format!("{} {}", part(model.parent()), part(Some(model)))
}

/// Writes `size` random bytes, the same for the same `seed`, into `folder`.
///
/// # Errors
/// The disk is full.
pub fn random_file(folder: &Path, name: &str, size: u64, seed: u64) -> Result<PathBuf> {
    let path = folder.join(name);
    let mut file = BufWriter::new(File::create(&path)?);
    let mut random = SmallRng::seed_from_u64(seed);
    let mut block = vec![0; 64 << 10];
    let mut left = size;
    while left > 0 {
        let part = left.min(block.len() as u64);
        random.fill_bytes(&mut block);
        file.write_all(&block[..usize::try_from(part)?])?;
        left -= part;
    }
    file.flush()?;
    Ok(path)
}

/// SHA-256 of a file, or of all files of a folder one after the other in the order of their
/// paths; and how many bytes that was.
///
/// # Errors
/// A file cannot be read.
pub fn content_hash(path: &Path) -> Result<(String, u64)> {
    let mut files = Vec::new();
    collect(path, &mut files)?;
    files.sort();
    let mut hash = Sha256::new();
    let mut size = 0;
    for file in files {
        let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
        size += bytes.len() as u64;
        hash.update(&bytes);
    }
    Ok((hex::encode(hash.finalize()), size))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else {
        files.push(path.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_content_is_repeatable_and_of_its_size() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let one = content_hash(&random_file(folder.path(), "a", 100_001, 7)?)?;
        let same = content_hash(&random_file(folder.path(), "b", 100_001, 7)?)?;
        let other = content_hash(&random_file(folder.path(), "c", 100_001, 8)?)?;
        assert_eq!(one, same);
        assert_ne!(one.0, other.0);
        assert_eq!(one.1, 100_001);
        assert_eq!(content_hash(folder.path())?.1, 300_003);
        Ok(())
    }

    #[test]
    fn there_are_a_dozen_real_models() -> Result<()> {
        let models = real_models()?;
        for model in &models {
            assert_eq!(&fs::read(model)?[..4], b"glTF", "{}", model.display());
        }
        Ok(())
    }
}
