//! From settings to what each service is told. All of it is checked before any port is opened;
//! every error names the key and what to write instead.

use std::{
    fmt::Display,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};

use seedbox_chain::{Deployment, TrustSetting};

use crate::{settings::Settings, updates};

pub(crate) mod relay;

/// Everything the box is told before it starts.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) data: PathBuf,
    pub(crate) log: log::LevelFilter,
    pub(crate) http: Http,
    pub(crate) chain: seedbox_chain::Config,
    pub(crate) seeder: seedbox_seeder::Config,
    /// `None` if the box does not relay.
    pub(crate) relay: Option<relay::Relay>,
    pub(crate) updater: seedbox_updater::Config,
    pub(crate) board: seedbox_board::Config,
    pub(crate) name: Name,
}

/// The box's name in the home network.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    /// Whether it is told.
    pub(crate) mdns: bool,
    /// Without `.local`; what was preset on the card, or `seedbox`, if `None`.
    pub(crate) wanted: Option<String>,
}

impl Name {
    pub(crate) fn mdns(&self, preset: Option<String>) -> seedbox_mdns::Config {
        let name = self.wanted.clone().or(preset);
        seedbox_mdns::Config {
            name: name.unwrap_or_else(|| "seedbox".to_owned()),
            ..seedbox_mdns::Config::default()
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Http {
    pub(crate) admin_listen: SocketAddr,
    pub(crate) public_listen: SocketAddr,
    pub(crate) public_connections: usize,
    pub(crate) public_connections_per_client: usize,
    pub(crate) host_names: Vec<String>,
    pub(crate) metrics: bool,
    pub(crate) claim_code: Option<String>,
}

const MAX_OWNERSHIP_AGE: Duration = Duration::from_secs(3600);
const METADATA_TIMEOUT: Duration = Duration::from_secs(45);

impl Config {
    /// Flags and environment, then the file, then the defaults.
    pub(crate) fn read(given: Settings, file: Option<&Path>) -> anyhow::Result<Self> {
        let settings = match file {
            Some(path) => given.or(Settings::from_file(path)?),
            None => given,
        };
        Self::check(settings)
    }

    fn check(s: Settings) -> anyhow::Result<Self> {
        let chain = chain(&s)?;
        let relay = relay::read(&s)?;
        let board = seedbox_board::Config {
            led_pin: s.led_pin,
            button_pin: s.button_pin,
            ..seedbox_board::Config::default()
        };
        let name = Name {
            mdns: s.mdns.unwrap_or(true),
            wanted: s.local_name,
        };
        name.mdns(None)
            .check()
            .context("`local_name` cannot be used")?;
        board
            .check()
            .context("`led_pin` or `button_pin` cannot be used")?;
        let data = s.data.unwrap_or_else(|| "seedbox-data".into());
        let volumes = if s.volumes.is_empty() {
            vec![data.join("volume")]
        } else {
            s.volumes
        };
        let volumes = volumes
            .iter()
            .map(std::path::absolute)
            .collect::<Result<Vec<_>, _>>()
            .context("`volumes`: the current folder is gone")?;
        for (i, path) in volumes.iter().enumerate() {
            if volumes[..i].contains(path) {
                bail!("`volumes`: {} is listed twice; remove one", path.display());
            }
        }
        let reserve = size("reserve", s.reserve.as_deref(), 500_000_000)?;
        if let Some(code) = &s.claim_code {
            // The text is a secret and is not repeated.
            seedbox_http::Service::check_claim_code(code).context("`claim_code` cannot be used")?;
        }
        let visitors = seedbox_http::Config::default();
        let public_connections = s.public_connections.unwrap_or(visitors.public_connections);
        let public_connections_per_client = s
            .public_connections_per_client
            .unwrap_or(visitors.public_connections_per_client);
        if public_connections == 0 || public_connections_per_client == 0 {
            bail!(
                "`public_connections` and `public_connections_per_client`: nobody could visit; \
                 write 1 or more"
            );
        }
        let max_live = s.max_live.unwrap_or(200);
        if max_live == 0 {
            bail!("`max_live` = 0: nothing would be seeded; write 1 or more");
        }
        let address = "an address like 0.0.0.0:8080";
        let means = one::<updates::Means>("updates", s.updates.as_deref(), "off", "off or rauc")?;
        Ok(Self {
            updater: updates::config(means, s.update_folders, &data, reserve)?,
            data,
            log: one(
                "log",
                s.log.as_deref(),
                "info",
                "error, warn, info, debug or trace",
            )?,
            http: Http {
                admin_listen: one(
                    "admin_listen",
                    s.admin_listen.as_deref(),
                    "0.0.0.0:8080",
                    address,
                )?,
                public_listen: one(
                    "public_listen",
                    s.public_listen.as_deref(),
                    "0.0.0.0:8081",
                    address,
                )?,
                public_connections,
                public_connections_per_client,
                host_names: s.host_names,
                metrics: s.metrics.unwrap_or(false),
                claim_code: s.claim_code,
            },
            chain,
            relay,
            board,
            name,
            seeder: seedbox_seeder::Config {
                listen: one(
                    "peer_listen",
                    s.peer_listen.as_deref(),
                    "0.0.0.0:4240",
                    address,
                )?,
                dht: s.dht.unwrap_or(true),
                trackers: s.trackers,
                peers: many("peers", &s.peers, "an address like 203.0.113.5:6881")?,
                lan: many("lan", &s.lan, "a range like 192.168.0.0/16")?,
                volumes,
                quota: s
                    .quota
                    .as_deref()
                    .map(|text| size("quota", Some(text), 0))
                    .transpose()?,
                first_quota: None,
                reserve,
                model_limit: size("model_limit", s.model_limit.as_deref(), 2_000_000_000)?,
                max_live,
                max_ownership_age: MAX_OWNERSHIP_AGE,
                metadata_timeout: METADATA_TIMEOUT,
            },
        })
    }
}

fn chain(s: &Settings) -> anyhow::Result<seedbox_chain::Config> {
    if s.deployment.is_some() && s.rpc.is_empty() {
        bail!("`deployment` is given but no `rpc`; add an endpoint like \"https://…\"");
    }
    if s.deployment.is_none() && !s.rpc.is_empty() {
        bail!("`rpc` is given but no `deployment`; add the path of deployments/<chain id>.json");
    }
    let deployment = s.deployment.as_deref().map(Deployment::read).transpose()?;
    let poll_interval = duration(
        "chain_poll",
        s.chain_poll.as_deref(),
        Duration::from_secs(4),
    )?;
    let chain = seedbox_chain::Config {
        trust: trust(s, deployment.as_ref())?,
        rpc: s.rpc.clone(),
        deployment,
        poll_interval,
        max_ownership_age: MAX_OWNERSHIP_AGE,
        ..seedbox_chain::Config::default()
    };
    chain.check().context("`rpc`")?;
    Ok(chain)
}

/// Who has to vouch for a block. What is given for another level than the chosen one is a mistake:
/// the owner would believe in more than there is.
fn trust(s: &Settings, deployment: Option<&Deployment>) -> anyhow::Result<TrustSetting> {
    let level = s.chain_trust.as_deref().unwrap_or("rpc");
    let unused = |level: &str| {
        let given = [
            ("chain_quorum", s.chain_quorum.is_some(), "quorum"),
            ("chain_beacon", !s.chain_beacon.is_empty(), "finalized"),
            (
                "chain_checkpoint",
                s.chain_checkpoint.is_some(),
                "finalized",
            ),
            ("chain_network", s.chain_network.is_some(), "finalized"),
        ];
        given
            .into_iter()
            .find(|(_, given, of)| *given && *of != level)
    };
    if let Some((key, _, of)) = unused(level) {
        bail!("`{key}` is for `chain_trust` = \"{of}\", which is \"{level}\"; change one of them");
    }
    let Some(deployment) = deployment else {
        if level != "rpc" {
            bail!("`chain_trust` = \"{level}\" needs a chain; give `rpc` and `deployment`");
        }
        return Ok(TrustSetting::Rpc);
    };
    match level {
        "unproved" => Ok(TrustSetting::Unproved),
        "rpc" => Ok(TrustSetting::Rpc),
        "quorum" => {
            let needed = s.chain_quorum.context(
                "`chain_trust` = \"quorum\" needs `chain_quorum`, how many endpoints have to agree",
            )?;
            Ok(TrustSetting::quorum(needed, &s.rpc)?)
        }
        "finalized" => Ok(TrustSetting::finalized(
            s.chain_beacon.clone(),
            s.chain_checkpoint.as_deref().unwrap_or_default(),
            deployment.chain_id,
            s.chain_network.as_deref(),
        )?),
        other => Err(wrong(
            "chain_trust",
            other,
            "unproved, rpc, quorum or finalized",
        )),
    }
}

fn wrong(key: &str, text: &str, expected: impl Display) -> anyhow::Error {
    anyhow!("`{key}` = \"{text}\" cannot be used; write {expected}")
}

fn one<T: FromStr>(
    key: &str,
    text: Option<&str>,
    default: &str,
    expected: &str,
) -> anyhow::Result<T> {
    let text = text.unwrap_or(default);
    text.parse().map_err(|_| wrong(key, text, expected))
}

fn many<T: FromStr>(key: &str, texts: &[String], expected: &str) -> anyhow::Result<Vec<T>> {
    texts
        .iter()
        .map(|text| text.parse().map_err(|_| wrong(key, text, expected)))
        .collect()
}

fn split(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

/// A size in bytes: a number with B, kB, MB, GB, TB (powers of 1000) or KiB … TiB (of 1024).
pub(crate) fn size(key: &str, text: Option<&str>, default: u64) -> anyhow::Result<u64> {
    let Some(text) = text else { return Ok(default) };
    let (number, unit) = split(text.trim());
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(wrong(key, text, "a size like 50GB")),
    };
    #[allow(clippy::cast_possible_truncation)] // bounded below
    let whole = |bytes: f64| bytes as u64;
    let bytes = number.parse::<f64>().ok().map(|n| n * scale as f64);
    // Beyond 2^53 bytes no disk exists and no f64 counts exactly.
    match bytes {
        Some(bytes) if (0.0..=9e15).contains(&bytes) => Ok(whole(bytes)),
        _ => Err(wrong(key, text, "a size like 50GB")),
    }
}

/// A duration: a number with ms, s or min.
pub(crate) fn duration(
    key: &str,
    text: Option<&str>,
    default: Duration,
) -> anyhow::Result<Duration> {
    let Some(text) = text else { return Ok(default) };
    let (number, unit) = split(text.trim());
    let scale = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "min" => 60.0,
        _ => return Err(wrong(key, text, "a duration like 4s")),
    };
    match number.parse::<f64>() {
        Ok(n) if (0.05..=86_400.0).contains(&(n * scale)) => Ok(Duration::from_secs_f64(n * scale)),
        _ => Err(wrong(key, text, "a duration like 4s, from 50ms to a day")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str) -> anyhow::Result<Config> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), toml).unwrap();
        Config::read(Settings::default(), Some(file.path()))
    }

    #[test]
    fn nothing_given_is_fine() {
        let config = Config::read(Settings::default(), None).unwrap();
        assert_eq!(config.http.admin_listen.port(), 8080);
        assert!(config.seeder.volumes[0].ends_with("seedbox-data/volume"));
        assert_eq!(config.seeder.quota, None);
    }

    #[test]
    fn flags_win_over_the_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "quota = \"1GB\"\nreserve = \"2MiB\"").unwrap();
        let flags = Settings {
            quota: Some("3GB".into()),
            ..Settings::default()
        };
        let config = Config::read(flags, Some(file.path())).unwrap();
        assert_eq!(config.seeder.quota, Some(3_000_000_000));
        assert_eq!(config.seeder.reserve, 2 << 20);
    }

    #[test]
    fn the_level_of_trust_is_checked_with_all_that_it_needs() {
        let folder = tempfile::tempdir().unwrap();
        let deployment = folder.path().join("1.json");
        let contract = format!("0x{}", "ab".repeat(20));
        let text = format!(
            r#"{{"chainId":1,"block":0,"land":"{contract}","model":"{contract}","placement":"{contract}"}}"#
        );
        std::fs::write(&deployment, text).unwrap();
        let root = format!("0x{}", "12".repeat(32));
        let rpc = r#"rpc = ["http://a.example", "http://b.example"]"#;
        let with = |more: &str| check(&format!("{rpc}\ndeployment = {deployment:?}\n{more}"));
        let beacon = "chain_beacon = [\"https://node.example/secret\"]";
        for good in [
            "",
            "chain_trust = \"rpc\"",
            "chain_trust = \"quorum\"\nchain_quorum = 2",
            &format!("chain_trust = \"finalized\"\n{beacon}\nchain_checkpoint = \"{root}\""),
        ] {
            with(good).unwrap();
        }
        for (wrong, key) in [
            ("chain_trust = \"quorum\"".to_owned(), "chain_quorum"),
            (
                "chain_trust = \"quorum\"\nchain_quorum = 3".to_owned(),
                "chain_quorum",
            ),
            ("chain_trust = \"finalized\"".to_owned(), "chain_checkpoint"),
            (
                format!("chain_trust = \"finalized\"\n{beacon}"),
                "chain_checkpoint",
            ),
            (
                format!("chain_trust = \"finalized\"\nchain_checkpoint = \"{root}\""),
                "chain_beacon",
            ),
            (format!("chain_trust = \"rpc\"\n{beacon}"), "chain_beacon"),
            ("chain_trust = \"blind\"".to_owned(), "chain_trust"),
        ] {
            let error = format!("{:#}", with(&wrong).unwrap_err());
            assert!(
                error.contains(key) && !error.contains("secret"),
                "{wrong}: {error}"
            );
        }
    }

    #[test]
    fn every_mistake_names_its_key() {
        for (toml, key) in [
            ("quota = \"50 gigs\"", "quota"),
            ("quota = \"-1GB\"", "quota"),
            ("quota = \"1e99GB\"", "quota"),
            ("admin_listen = \"here\"", "admin_listen"),
            ("log = \"loud\"", "log"),
            ("lan = [\"10.0.0.1\"]", "lan"),
            ("peers = [\"example.org\"]", "peers"),
            ("chain_poll = \"0s\"", "chain_poll"),
            ("max_live = 0", "max_live"),
            ("qouta = \"1GB\"", "qouta"),
            ("dht = \"yes\"", "dht"),
            ("rpc = [\"http://127.0.0.1:1\"]", "deployment"),
            ("volumes = [\"/a\", \"/a\"]", "volumes"),
            ("chain_trust = \"finalized\"", "deployment"),
            ("chain_quorum = 2", "chain_trust"),
            ("chain_beacon = [\"http://127.0.0.1:1\"]", "chain_trust"),
        ] {
            let error = format!("{:#}", check(toml).unwrap_err());
            assert!(error.contains(key), "{toml}: {error}");
        }
    }
}
