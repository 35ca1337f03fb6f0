//! Where the updater finds things on this machine, and which version of the system runs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::Context;
use seedbox_updater::{Config, Version};

/// What replaces the machine's system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Means {
    /// Nothing of the box's: a package manager, whoever makes containers.
    Off,
    /// RAUC with two slots.
    Rauc,
}

impl FromStr for Means {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "off" => Ok(Self::Off),
            "rauc" => Ok(Self::Rauc),
            _ => Err(()),
        }
    }
}

/// The updater's own folder.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("updates")
}

pub(crate) fn config(
    means: Means,
    folders: Vec<PathBuf>,
    data: &Path,
    reserve: u64,
) -> anyhow::Result<Config> {
    let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let off = Config::disabled(running(&os_release)?);
    if means == Means::Off {
        return Ok(off);
    }
    // rauc is another process, in another folder.
    let folder = std::path::absolute(folder(data)).context("`data`: the current folder is gone")?;
    // systemd makes this folder, empties it with every start of the machine, and names it.
    let run = env::var_os("RUNTIME_DIRECTORY").map_or("/run/seedbox".into(), PathBuf::from);
    Ok(Config {
        enabled: true,
        reason: folder.join("failed"),
        folder,
        looks: if folders.is_empty() {
            vec!["/media".into()]
        } else {
            folders
        },
        restart: run.join("restart"),
        confirmed: run.join("confirmed"),
        this_run: run.join("run"),
        reserve,
        ..off
    })
}

/// The image's version where the system is one (os-release(5), `IMAGE_VERSION`), else the box's.
fn running(os_release: &str) -> anyhow::Result<Version> {
    let stated = os_release
        .lines()
        .find_map(|line| line.strip_prefix("IMAGE_VERSION="))
        .map(|version| version.trim_matches(['"', '\'']));
    let text = stated.unwrap_or(env!("CARGO_PKG_VERSION"));
    text.parse()
        .with_context(|| format!("/etc/os-release: IMAGE_VERSION={text} is no version like 1.2.3"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_states_its_version() {
        let debian = "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"13\"\n";
        assert_eq!(
            running(debian).unwrap().to_string(),
            env!("CARGO_PKG_VERSION")
        );
        let image = format!("{debian}IMAGE_VERSION=\"0.3.0+20261127\"\n");
        assert_eq!(running(&image).unwrap().to_string(), "0.3.0+20261127");
        assert!(running("IMAGE_VERSION=yesterday").is_err());
    }
}
