//! What the owner wrote on the card before its first start: name, Wi-Fi, claim code, wallets, quota,
//! where he has soldered light and button, and what else the box is to be told.
//!
//! The file is read by hand and not by derive, because its mistakes are shown to somebody who has
//! never seen TOML, on screens and in logs that must not repeat a password.

mod apply;
mod settings;
mod take;

use anyhow::{Context, anyhow, bail};
use seedbox_core::WalletAddress;
use toml::{Table, Value};

use crate::{config, settings::unreadable};

pub(crate) use apply::apply;
pub(crate) use settings::Further;
pub(crate) use take::{FILE, Taken};

/// Everything that may be preset. What is `None` or empty was not.
#[derive(Default, PartialEq)]
pub(crate) struct Preset {
    /// The box already has it.
    pub(crate) applied: bool,
    /// The machine's name, one label (RFC 1123) with room for a number behind it.
    pub(crate) hostname: Option<String>,
    pub(crate) wifi: Option<Wifi>,
    pub(crate) claim_code: Option<String>,
    pub(crate) wallets: Vec<WalletAddress>,
    /// What a volume may hold at first, as written and in bytes.
    pub(crate) quota: Option<(String, u64)>,
    pub(crate) led_pin: Option<u8>,
    pub(crate) button_pin: Option<u8>,
    pub(crate) settings: Option<Further>,
}

/// A wireless network.
#[derive(PartialEq, Eq)]
pub(crate) struct Wifi {
    /// 1 to 32 bytes.
    pub(crate) ssid: String,
    /// 8 to 63 printable ASCII characters; none for an open network.
    pub(crate) password: Option<String>,
    /// ISO 3166-1 alpha-2; which channels are allowed depends on it.
    pub(crate) country: Option<String>,
}

/// As many as the box watches.
const WALLETS: usize = 64;

impl Preset {
    /// Reads and checks all of it; the first mistake is told in plain words that repeat no secret.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut keys: Table = text.parse().map_err(|e| unreadable(text, &e))?;
        let preset = Self {
            applied: flag(&mut keys, "applied")?,
            hostname: checked(&mut keys, "hostname", hostname)?,
            wifi: keys.remove("wifi").map(wifi).transpose()?,
            claim_code: checked(&mut keys, "claim_code", claim_code)?,
            wallets: wallets(&mut keys)?,
            quota: checked(&mut keys, "quota", quota)?,
            led_pin: pin(&mut keys, "led_pin")?,
            button_pin: pin(&mut keys, "button_pin")?,
            settings: keys.remove("settings").map(Further::read).transpose()?,
        };
        no_others(
            &keys,
            "hostname, claim_code, wallets, quota, led_pin, button_pin, [wifi] and [settings]",
        )?;
        let pins = seedbox_board::Config {
            led_pin: preset.led_pin,
            button_pin: preset.button_pin,
            ..seedbox_board::Config::default()
        };
        pins.check()
            .context("`led_pin` or `button_pin` cannot be used")?;
        Ok(preset)
    }

    /// Whether nothing is preset.
    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            applied: _,
            hostname,
            wifi,
            claim_code,
            wallets,
            quota,
            led_pin,
            button_pin,
            settings,
        } = self;
        hostname.is_none()
            && wifi.is_none()
            && claim_code.is_none()
            && wallets.is_empty()
            && quota.is_none()
            && led_pin.is_none()
            && button_pin.is_none()
            && settings.is_none()
    }
}

fn no_others(left: &Table, known: &str) -> anyhow::Result<()> {
    match left.keys().next() {
        // A name longer than any of ours may be a secret in the wrong place.
        Some(key) if key.len() <= 16 => bail!("`{key}` is unknown here; known are {known}"),
        Some(_) => bail!("there is a name that is unknown here; known are {known}"),
        None => Ok(()),
    }
}

fn flag(keys: &mut Table, key: &str) -> anyhow::Result<bool> {
    match keys.remove(key) {
        None => Ok(false),
        Some(Value::Boolean(value)) => Ok(value),
        Some(_) => bail!("`{key}` has to be true or false, without quotes"),
    }
}

/// The number of a GPIO.
fn pin(keys: &mut Table, key: &str) -> anyhow::Result<Option<u8>> {
    match keys.remove(key) {
        None => Ok(None),
        Some(Value::Integer(number)) => u8::try_from(number)
            .map(Some)
            .map_err(|_| anyhow!("`{key}`: there is no GPIO {number}")),
        Some(_) => bail!("`{key}` has to be a number without quotes, like  {key} = 17"),
    }
}

/// A text, without the blanks around it; an empty one counts as none.
fn text(key: &str, value: Option<Value>) -> anyhow::Result<Option<String>> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|t| !t.is_empty())),
        Some(_) => bail!("`{key}` has to be a text in quotes, like  {key} = \"…\""),
    }
}

fn checked<T>(
    keys: &mut Table,
    key: &str,
    check: impl FnOnce(&str) -> anyhow::Result<T>,
) -> anyhow::Result<Option<T>> {
    let written = text(key, keys.remove(key))?;
    written.as_deref().map(check).transpose()
}

fn hostname(name: &str) -> anyhow::Result<String> {
    let name = name.to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() <= 40
        && name.chars().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
    {
        return Ok(name);
    }
    bail!("`hostname` may have up to 40 letters a-z, digits and hyphens inside, like seedbox")
}

fn claim_code(code: &str) -> anyhow::Result<String> {
    seedbox_http::Service::check_claim_code(code).context("`claim_code` cannot be used")?;
    Ok(code.to_owned())
}

fn quota(written: &str) -> anyhow::Result<(String, u64)> {
    let bytes = config::size("quota", Some(written), 0)?;
    Ok((written.to_owned(), bytes))
}

fn wallets(keys: &mut Table) -> anyhow::Result<Vec<WalletAddress>> {
    let written = match (keys.remove("wallets"), keys.remove("wallet")) {
        (Some(_), Some(_)) => bail!("write either `wallet` or `wallets`"),
        (None, None) => return Ok(Vec::new()),
        (Some(Value::Array(several)), None) => several,
        (Some(one), None) | (None, Some(one)) => vec![one],
    };
    if written.len() > WALLETS {
        bail!("`wallets`: the box watches {WALLETS} at most");
    }
    let texts = written
        .into_iter()
        .map(|value| text("wallets", Some(value)));
    texts
        .filter_map(Result::transpose)
        .enumerate()
        .map(|(i, address)| {
            // The text is not repeated: somebody may have pasted a private key.
            address?.parse().map_err(|_| {
                let nth = i + 1;
                anyhow!("`wallets`: number {nth} is not a wallet address; copy it whole, 0x and 40 characters")
            })
        })
        .collect()
}

fn wifi(value: Value) -> anyhow::Result<Wifi> {
    let Value::Table(mut keys) = value else {
        bail!(
            "`wifi` has to be a part of its own: a line [wifi], and below it ssid, password and country"
        );
    };
    // Blanks belong to a password and to a network's name.
    let raw = |value: Option<Value>, key: &str| match value {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(anyhow!("`{key}` of [wifi] has to be a text in quotes")),
    };
    let ssid =
        raw(keys.remove("ssid"), "ssid")?.context("[wifi] needs `ssid`, the network's name")?;
    if ssid.len() > 32 || ssid.chars().any(char::is_control) {
        bail!("`ssid` of [wifi] is no name of a network: it has at most 32 bytes");
    }
    let password = raw(keys.remove("password"), "password")?;
    let printable = |text: &String| text.bytes().all(|c| (b' '..=b'~').contains(&c));
    if password
        .as_ref()
        .is_some_and(|p| !(8..=63).contains(&p.len()) || !printable(p))
    {
        bail!("`password` of [wifi] has to have 8 to 63 letters, digits and signs without accents");
    }
    let country = text("country", keys.remove("country"))?.map(|c| c.to_ascii_uppercase());
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|c| c.is_ascii_uppercase());
    if country.as_ref().is_some_and(|code| !is_code(code)) {
        bail!("`country` of [wifi] has two letters, like DE");
    }
    no_others(&keys, "ssid, password and country")?;
    Ok(Wifi {
        ssid,
        password,
        country,
    })
}

#[cfg(test)]
mod tests;
