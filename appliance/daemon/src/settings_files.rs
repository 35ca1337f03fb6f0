//! Settings from files: `SEEDBOX_RPC_FILE=/run/secrets/rpc` stands for `SEEDBOX_RPC` with what the
//! file holds, the way containers are handed their secrets.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context, anyhow, bail};
use clap::{Arg, Args, Command, FromArgMatches, builder::Resettable};

use crate::settings::Settings;

/// What a variable ends in that names a file instead of a value.
pub(crate) const SUFFIX: &str = "_FILE";
/// Bytes; far more than any setting takes.
const MAX_FILE: u64 = 64 * 1024;

/// Every setting whose variable, with `_FILE` behind it, names a file. `variable` reads the
/// environment. A list is separated by commas or line ends.
///
/// # Errors
/// A file that cannot be read or holds no such setting, and a setting that is given both ways. No
/// error repeats what a file holds.
pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Settings> {
    // What the environment itself says is read elsewhere.
    let mut command = Settings::augment_args(Command::new("seedbox").no_binary_name(true));
    let mut given = Vec::new();
    for setting in command.clone().get_arguments() {
        let Some(name) = setting.get_env().and_then(|name| name.to_str()) else {
            continue;
        };
        let id = setting.get_id().clone();
        command = command.mut_arg(id, |arg| arg.env(Resettable::Reset));
        let file = format!("{name}{SUFFIX}");
        let Some(path) = variable(&file).filter(|path| !path.is_empty()) else {
            continue;
        };
        if variable(name).is_some() {
            bail!("`{name}` and `{file}` are both given; keep one of them");
        }
        let text = contents(Path::new(&path)).with_context(|| format!("`{file}` = {path}"))?;
        given.push((file, argument(setting, &text)));
    }
    for (file, argument) in &given {
        // The parser's own words would repeat the value.
        let usable = command.clone().try_get_matches_from([argument]);
        usable.map_err(|_| anyhow!("`{file}`: what is in there is no value of this setting"))?;
    }
    let arguments = given.into_iter().map(|(_, argument)| argument);
    let found = command.try_get_matches_from(arguments)?;
    Ok(Settings::from_arg_matches(&found)?)
}

fn contents(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path).context("it cannot be opened")?;
    let mut text = String::new();
    let read = file.take(MAX_FILE + 1).read_to_string(&mut text);
    let size = read.context("it cannot be read as text")?;
    if size as u64 > MAX_FILE {
        bail!("it is larger than {MAX_FILE} bytes and cannot be right");
    }
    Ok(text)
}

fn argument(setting: &Arg, text: &str) -> String {
    let name = setting.get_long().unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let value = match setting.get_value_delimiter() {
        Some(delimiter) => lines.collect::<Vec<_>>().join(&delimiter.to_string()),
        None => text.trim().to_owned(),
    };
    format!("--{name}={value}")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read_with(variables: &[(&str, &str)]) -> anyhow::Result<Settings> {
        let found = |name: &str| variables.iter().find(|(known, _)| *known == name);
        read(|name| found(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn every_setting_may_come_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let holding = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let settings = read_with(&[
            ("SEEDBOX_CLAIM_CODE_FILE", &holding("code", "ABCD\n")),
            (
                "SEEDBOX_RPC_FILE",
                &holding("rpc", "http://a,http://b\n\nws://c\n"),
            ),
            ("SEEDBOX_DHT_FILE", &holding("dht", "false")),
            ("SEEDBOX_MAX_LIVE_FILE", &holding("live", " 7 \n")),
            ("SEEDBOX_QUOTA", "1GB"),
            ("SEEDBOX_QUOTA_FILE", ""),
        ])
        .unwrap();
        assert_eq!(settings.claim_code.as_deref(), Some("ABCD"));
        assert_eq!(settings.rpc, ["http://a", "http://b", "ws://c"]);
        assert_eq!((settings.dht, settings.max_live), (Some(false), Some(7)));
        assert_eq!(settings.quota, None);
    }

    #[test]
    fn a_mistake_names_the_variable_and_never_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "secret-words").unwrap();
        let large = folder.path().join("large");
        fs::write(&large, "secret-words".repeat(10_000)).unwrap();
        let (secret_path, large) = (secret.to_str().unwrap(), large.to_str().unwrap());
        for variables in [
            &[("SEEDBOX_MAX_LIVE_FILE", secret_path)][..],
            &[("SEEDBOX_MAX_LIVE_FILE", "/nonexistent")],
            &[("SEEDBOX_MAX_LIVE_FILE", large)],
            &[
                ("SEEDBOX_MAX_LIVE_FILE", secret_path),
                ("SEEDBOX_MAX_LIVE", "5"),
            ],
        ] {
            let error = format!("{:#}", read_with(variables).unwrap_err());
            assert!(error.contains("SEEDBOX_MAX_LIVE_FILE"), "{error}");
            assert!(!error.contains("secret-words"), "{error}");
        }
    }
}
