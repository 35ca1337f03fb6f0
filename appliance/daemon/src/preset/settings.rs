//! Settings of the box itself, in the part [settings] of what the owner wrote: the README's, by their
//! own names. They become the environment of the service, for as long as nothing else is preset.

use std::path::Path;

use anyhow::{anyhow, bail};
use toml::{Table, Value};

use crate::{
    config::Config,
    settings::{LONGEST_NAME, Settings},
};

/// What the card sets or its firewall counts on, or what has a line of its own in the owner's file.
const NOT_HERE: [&str; 16] = [
    "admin_listen",
    "button_pin",
    "claim_code",
    "data",
    "deployment",
    "host_names",
    "led_pin",
    "local_name",
    "mesh_listen",
    "peer_listen",
    "public_listen",
    "quota",
    "relay_webtransport",
    "update_folders",
    "updates",
    "volumes",
];
/// Their URLs may hold a key.
const SECRET: [&str; 2] = ["chain_beacon", "rpc"];

/// Further settings, each of them known, of the right kind, and fit for the environment.
#[derive(PartialEq)]
pub(crate) struct Further(Table);

impl Further {
    /// Reads the part; no mistake repeats a value.
    pub(super) fn read(value: Value) -> anyhow::Result<Self> {
        let Value::Table(keys) = value else {
            bail!(
                "`settings` has to be a part of its own: a line [settings], and the settings below it"
            );
        };
        for (key, value) in &keys {
            if NOT_HERE.contains(&key.as_str()) {
                bail!(
                    "`{key}` cannot be set in [settings]: the card decides it, or it goes above [settings]"
                );
            }
            let alone = Table::from_iter([(key.clone(), value.clone())]);
            if alone.try_into::<Settings>().is_err() {
                let name = if key.len() <= LONGEST_NAME {
                    key
                } else {
                    "a name"
                };
                bail!(
                    "`{name}` in [settings] is unknown, or its value is of another kind; the README lists all settings"
                );
            }
            if text(value).is_none() {
                bail!(
                    "`{key}` in [settings] may not hold quotes, backslashes, line ends or, in a list, commas"
                );
            }
        }
        Ok(Self(keys))
    }

    /// Whether the box would start with these and with the contracts in `deployment`.
    pub(super) fn check(&self, deployment: Option<&Path>) -> anyhow::Result<()> {
        let settings = self.0.clone().try_into::<Settings>();
        let mut settings = settings.map_err(|_| anyhow!("they do not go together"))?;
        settings.deployment = deployment.map(Path::to_owned);
        Config::read(settings, None).map(drop)
    }

    /// The same as a file for systemd (`EnvironmentFile`, systemd.exec(5)).
    pub(super) fn environment(&self, deployment: Option<&Path>) -> String {
        let further = self.0.iter();
        let further = further.filter_map(|(key, value)| Some((key.as_str(), text(value)?)));
        let deployment = deployment.map(|path| ("deployment", path.display().to_string()));
        further
            .chain(deployment)
            // An empty list is one with nothing in it, an empty variable one with an empty value.
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| format!("SEEDBOX_{}=\"{text}\"\n", key.to_ascii_uppercase()))
            .collect()
    }

    /// What of it may stay where everybody can read it.
    pub(super) fn public(&self) -> Table {
        let mut public = self.0.clone();
        public.retain(|key, _| !SECRET.contains(&key));
        public
    }
}

/// The value as the environment has it, if it can be written there.
fn text(value: &Value) -> Option<String> {
    let plain =
        |text: &str| !text.contains(['"', '\\', '`', '$']) && !text.contains(char::is_control);
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| plain(text)),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Array(several) => {
            let texts = several
                .iter()
                .map(|one| text(one).filter(|text| !text.contains(',')));
            texts
                .collect::<Option<Vec<_>>>()
                .map(|texts| texts.join(","))
        }
        _ => None,
    }
}
