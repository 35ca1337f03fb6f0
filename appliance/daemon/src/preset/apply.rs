//! `seedbox preset`: from the card's FAT partition to where the system and the box look. Run by root
//! before the network is up; what it writes lies in a folder of the box, whom it does not trust.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use toml::{Table, Value};

use super::{FILE, Further, Preset, Wifi};

const WRITTEN_BY_OWNER: &str = "seedbox.toml";
const MISTAKE: &str = "seedbox-error.txt";
/// For systemd, as the service's `EnvironmentFile`.
const PINS: &str = "pins";
/// The same, readable for root alone.
const SETTINGS: &str = "settings";
/// Where the contracts are, if the owner has put it beside his file; kept under this name.
const DEPLOYMENT: &str = "deployment.json";
/// Nobody writes so much by hand.
const LIMIT: u64 = 64 * 1024;

/// Applies `<boot>/seedbox.toml` to `into`, once. Without the file, or when it presets nothing,
/// nothing happens.
pub(crate) fn apply(boot: &Path, into: &Path) -> anyhow::Result<()> {
    let file = boot.join(WRITTEN_BY_OWNER);
    let Some(text) = read(&file)? else {
        return Ok(());
    };
    let told = boot.join(MISTAKE);
    let preset = match parse(&text, boot) {
        Ok(preset) => preset,
        Err(mistake) => {
            let words = format!(
                "{WRITTEN_BY_OWNER} has a mistake, so nothing of it was applied:\r\n\r\n  \
                 {mistake:#}\r\n\r\nCorrect it and start the box again.\r\n"
            );
            write(&told, words.as_bytes(), Access::Folder)
                .with_context(|| format!("cannot write {}", told.display()))?;
            return Err(mistake.context(format!("{} has a mistake", file.display())));
        }
    };
    remove(&told)?;
    if preset.applied || preset.is_empty() {
        return Ok(());
    }
    write_state(&preset, boot, into)
        .with_context(|| format!("cannot write what {} presets", file.display()))?;
    erase(&preset, &file).with_context(|| format!("cannot erase the secrets in {}", file.display()))
}

/// Reads all of it, and sees that the box would start with it.
fn parse(text: &str, boot: &Path) -> anyhow::Result<Preset> {
    let preset = Preset::parse(text)?;
    if let Some(settings) = preset.settings.as_ref().filter(|_| !preset.applied) {
        settings
            .check(deployment(boot).as_deref())
            .with_context(|| format!("[settings], with {DEPLOYMENT} beside it if that is there"))?;
    }
    Ok(preset)
}

fn read(file: &Path) -> anyhow::Result<Option<String>> {
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).with_context(|| format!("cannot read {}", file.display())),
    };
    let mut bytes = Vec::new();
    opened
        .take(LIMIT)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", file.display()))?;
    // Some editors begin a file with a byte order mark; what is no UTF-8 fails as TOML does.
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(text.trim_start_matches('\u{feff}').to_owned()))
}

/// Who may read a new file.
#[derive(Clone, Copy)]
enum Access {
    /// Root alone.
    Root,
    /// The group of the folder it lies in as well.
    Group,
    /// Whoever the folder lets in.
    Folder,
}

fn write_state(preset: &Preset, boot: &Path, into: &Path) -> anyhow::Result<()> {
    if let Some(hostname) = &preset.hostname {
        write(
            &into.join("hostname"),
            format!("{hostname}\n").as_bytes(),
            Access::Folder,
        )?;
    }
    if let Some(wifi) = &preset.wifi {
        let folder = into.join("wifi");
        match fs::create_dir(&folder) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(e.into()),
            _ => {}
        }
        if !fs::symlink_metadata(&folder)?.is_dir() {
            bail!("{} is not a folder; remove it", folder.display());
        }
        let (name, network) = iwd_network(wifi);
        write(&folder.join(name), network.as_bytes(), Access::Root)?;
        if let Some(country) = &wifi.country {
            write(
                &folder.join("country"),
                format!("{country}\n").as_bytes(),
                Access::Folder,
            )?;
        }
    }
    let pins = pins(preset);
    if !pins.is_empty() {
        write(&into.join(PINS), pins.as_bytes(), Access::Folder)?;
    }
    if let Some(settings) = &preset.settings {
        write_settings(settings, boot, into)?;
    }
    let for_the_box = for_the_box(preset);
    if !for_the_box.is_empty() {
        let text = for_the_box.to_string();
        write(&into.join(FILE), text.as_bytes(), Access::Group)?;
    }
    Ok(())
}

/// The file that says where the contracts are, if the owner has put it on the card.
fn deployment(boot: &Path) -> Option<PathBuf> {
    Some(boot.join(DEPLOYMENT)).filter(|file| file.exists())
}

fn write_settings(settings: &Further, boot: &Path, into: &Path) -> anyhow::Result<()> {
    let (given, kept) = (deployment(boot), into.join(DEPLOYMENT));
    if let Some(given) = &given {
        // It was read and found right; the box reads it under another user.
        let text = read(given)?.unwrap_or_default();
        write(&kept, text.as_bytes(), Access::Folder)?;
    }
    let text = settings.environment(given.map(|_| kept.as_path()));
    write(&into.join(SETTINGS), text.as_bytes(), Access::Root)
}

/// Where light and button are, as the box's environment variables.
fn pins(preset: &Preset) -> String {
    [
        ("SEEDBOX_LED_PIN", preset.led_pin),
        ("SEEDBOX_BUTTON_PIN", preset.button_pin),
    ]
    .into_iter()
    .filter_map(|(name, pin)| pin.map(|pin| format!("{name}={pin}\n")))
    .collect()
}

fn for_the_box(preset: &Preset) -> Table {
    let mut keys = Table::new();
    if let Some(hostname) = &preset.hostname {
        keys.insert("hostname".to_owned(), hostname.clone().into());
    }
    if let Some(code) = &preset.claim_code {
        keys.insert("claim_code".to_owned(), code.clone().into());
    }
    insert_wallets_and_quota(&mut keys, preset);
    keys
}

fn insert_wallets_and_quota(keys: &mut Table, preset: &Preset) {
    if !preset.wallets.is_empty() {
        let addresses = preset.wallets.iter().map(ToString::to_string);
        keys.insert("wallets".to_owned(), addresses.collect::<Vec<_>>().into());
    }
    if let Some((written, _)) = &preset.quota {
        keys.insert("quota".to_owned(), written.clone().into());
    }
}

/// Name and text of a known network's file, as `iwd.network(5)` wants them.
fn iwd_network(wifi: &Wifi) -> (String, String) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-');
    let name = if wifi.ssid.chars().all(plain) {
        wifi.ssid.clone()
    } else {
        let hex: String = wifi
            .ssid
            .bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("={hex}")
    };
    let Some(password) = &wifi.password else {
        return (format!("{name}.open"), String::new());
    };
    let escaped = password.replace('\\', "\\\\");
    let escaped = match escaped.strip_prefix(' ') {
        Some(rest) => format!("\\s{rest}"),
        None => escaped,
    };
    (
        format!("{name}.psk"),
        format!("[Security]\nPassphrase={escaped}\n"),
    )
}

/// Replaces the owner's file by one without secrets, and overwrites what it held.
fn erase(preset: &Preset, file: &Path) -> anyhow::Result<()> {
    let mut keys = Table::new();
    keys.insert("applied".to_owned(), true.into());
    if let Some(hostname) = &preset.hostname {
        keys.insert("hostname".to_owned(), hostname.clone().into());
    }
    insert_wallets_and_quota(&mut keys, preset);
    for (name, pin) in [
        ("led_pin", preset.led_pin),
        ("button_pin", preset.button_pin),
    ] {
        if let Some(pin) = pin {
            keys.insert(name.to_owned(), i64::from(pin).into());
        }
    }
    if let Some(wifi) = &preset.wifi {
        let mut network = Table::new();
        network.insert("ssid".to_owned(), wifi.ssid.clone().into());
        if let Some(country) = &wifi.country {
            network.insert("country".to_owned(), country.clone().into());
        }
        keys.insert("wifi".to_owned(), Value::Table(network));
    }
    if let Some(settings) = &preset.settings {
        keys.insert("settings".to_owned(), Value::Table(settings.public()));
    }
    let text = format!(
        "# The box has taken this over and erased the claim code, the Wi-Fi's password and the addresses\n\
         # of Ethereum's endpoints here, which may hold a key.\n\
         # To preset something else: write it whole, remove the line `applied` and start the box.\n\
         {keys}"
    );
    let mut old = OpenOptions::new().write(true).open(file)?;
    write(file, text.as_bytes(), Access::Folder)?;
    // The replaced file's place on the card is free now, but its bytes would stay.
    let length = usize::try_from(old.metadata()?.len())?;
    old.write_all(&vec![0; length])?;
    Ok(old.sync_all()?)
}

/// Writes a file whole or not at all, and never through a link that somebody put in its place.
fn write(file: &Path, bytes: &[u8], access: Access) -> anyhow::Result<()> {
    let folder = file.parent().context("a file without a folder")?;
    let mut draft = file.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    remove(draft)?;
    let mode = match access {
        Access::Root => 0o600,
        Access::Group => 0o640,
        Access::Folder => 0o644,
    };
    let mut new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(draft)?;
    new.write_all(bytes)?;
    if let Access::Group = access {
        new.set_permissions(Permissions::from_mode(mode))?;
        fchown(&new, None, Some(fs::metadata(folder)?.gid()))?;
    }
    new.sync_all()?;
    fs::rename(draft, file)?;
    Ok(File::open(folder)?.sync_all()?)
}

fn remove(file: &Path) -> anyhow::Result<()> {
    match fs::remove_file(file) {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            Err(e).with_context(|| format!("cannot remove {}", file.display()))
        }
        _ => Ok(()),
    }
}
