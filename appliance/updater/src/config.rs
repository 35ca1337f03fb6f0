//! Where things are.

use std::path::PathBuf;

use crate::Version;

/// Settings of the updater.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether this box replaces its own system; if not, every order is a conflict.
    pub enabled: bool,
    /// Version of the running system.
    pub running: Version,
    /// The program `rauc`.
    pub rauc: PathBuf,
    /// A folder of the updater's own, for the bundle that is being taken in.
    pub folder: PathBuf,
    /// Folders in which, and in whose folders, bundles are looked for.
    pub looks: Vec<PathBuf>,
    /// A file that makes the machine restart once it is there.
    pub restart: PathBuf,
    /// A file that is there once the boot loader has been told that the running system works.
    pub confirmed: PathBuf,
    /// A file that says why the system tried last was given up, if one could say so.
    pub reason: PathBuf,
    /// A file of the updater's own that goes when the machine starts anew, and only then. (The kernel's
    /// boot ID is out of a confined service's sight.)
    pub this_run: PathBuf,
    /// The largest bundle that is taken in, bytes.
    pub largest: u64,
    /// Bytes that stay free on the disk when a bundle is taken in.
    pub reserve: u64,
}

impl Config {
    /// A box whose system is updated by others.
    pub fn disabled(running: Version) -> Self {
        Self {
            enabled: false,
            running,
            rauc: "rauc".into(),
            folder: PathBuf::new(),
            looks: Vec::new(),
            restart: "/run/seedbox/restart".into(),
            confirmed: "/run/seedbox/confirmed".into(),
            reason: PathBuf::new(),
            this_run: "/run/seedbox/run".into(),
            largest: 2_000_000_000,
            reserve: 0,
        }
    }
}
