//! Making the box as new: its database, identity, owner and models go, and it starts with a new
//! claim code. The order is a file, carried out at the next start before anything is opened, and
//! the file goes last: whatever interrupts the work, the start after it finishes it.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use seedbox_store::Store;
use serde::{Deserialize, Serialize};

use crate::{instance, preset, relay, updates, webtransport};

const ORDER: &str = "factory-reset";

/// An empty file, made by hand, is an order too.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Order {
    external_volumes: bool,
    /// The box's volumes when it was told: what names them may go before the box is started anew.
    volumes: Vec<PathBuf>,
}

/// Leaves the order for the next start. Models on disks of their own, of these `volumes`, stay unless
/// `external_volumes`.
pub(crate) fn order(data: &Path, volumes: &[PathBuf], external_volumes: bool) -> io::Result<()> {
    let order = Order {
        external_volumes,
        volumes: volumes.to_vec(),
    };
    let draft = data.join("factory-reset.tmp");
    let mut file = File::create(&draft)?;
    file.write_all(&serde_json::to_vec(&order)?)?;
    file.sync_all()?;
    fs::rename(&draft, data.join(ORDER))?;
    File::open(data)?.sync_all()
}

/// Carries the order out, if there is one, on the volumes of then and of now. The caller holds the
/// lock on the data folder.
///
/// # Errors
/// Something of the box's own cannot be deleted; the order stays.
pub(crate) fn carry_out(data: &Path, volumes: &[PathBuf]) -> anyhow::Result<()> {
    let path = data.join(ORDER);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        text => text.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let order: Order = serde_json::from_slice(&text).unwrap_or_default();
    log::warn!("this box is being reset as its owner asked; it starts as new");
    for volume in order.volumes.iter().chain(volumes) {
        if is_external(volume, data) && !order.external_volumes {
            log::info!("what is on {} stays", volume.display());
            continue;
        }
        let erased = seedbox_seeder::erase_volume(volume)
            .with_context(|| format!("cannot empty the volume {}", volume.display()));
        match erased {
            // A disk that is going bad must not keep the box from starting.
            Err(error) if is_external(volume, data) => log::error!("{error:#}"),
            erased => erased?,
        }
    }
    erase_state(data)
        .and_then(|()| fs::remove_file(&path))
        .and_then(|()| File::open(data)?.sync_all())
        .with_context(|| format!("cannot delete the box's state in {}", data.display()))
}

/// By name: the folder may hold what is not the box's.
fn erase_state(data: &Path) -> io::Result<()> {
    Store::erase(&data.join(instance::DATABASE))?;
    for file in [preset::FILE, relay::NODE_KEY] {
        or_never_there(fs::remove_file(data.join(file)))?;
    }
    for folder in [updates::folder(data), data.join(webtransport::FOLDER)] {
        or_never_there(fs::remove_dir_all(folder))?;
    }
    File::open(data)?.sync_all()
}

fn or_never_there(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Whether a volume lies on another file system than the database.
fn is_external(volume: &Path, data: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    device(volume).is_some_and(|found| device(data) != Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_carried_out_once_and_takes_only_what_is_the_boxs() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path();
        let volume = data.join("volume");
        fs::create_dir_all(volume.join("torrents")).unwrap();
        fs::write(volume.join(".seedbox-volume.json"), "{}").unwrap();
        fs::create_dir(updates::folder(data)).unwrap();
        fs::write(updates::folder(data).join("incoming.raucb"), "x").unwrap();
        fs::create_dir(data.join("webtransport")).unwrap();
        for name in [
            "seedbox.db",
            "seedbox.db-wal",
            "preset.toml",
            "node.key",
            "letter.txt",
        ] {
            fs::write(data.join(name), "x").unwrap();
        }
        carry_out(data, std::slice::from_ref(&volume)).unwrap();
        assert!(data.join("seedbox.db").exists(), "nobody asked");

        let then = [volume.clone(), data.join("never-there")];
        order(data, &then, false).unwrap();
        // Nothing names the volume any more.
        carry_out(data, &[]).unwrap();
        let mut left: Vec<_> = fs::read_dir(data)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["letter.txt", "volume"]);
        assert_eq!(fs::read_dir(&volume).unwrap().count(), 0);
    }

    #[test]
    fn a_file_made_by_hand_is_an_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["seedbox.db", ORDER] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        carry_out(folder.path(), &[]).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
