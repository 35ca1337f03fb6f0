//! A board without a battery wakes up in 1970: the box does not believe it, says so, and is not
//! thrown off when the network sets the clock.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use system_tests::{
    seedbox::{Seedbox, Settings},
    wait::wait_until,
};

const LIMIT: Duration = Duration::from_secs(60);
/// The program was made after this.
const PAST: u64 = 1_700_000_000;
const DAY: u64 = 86_400;

/// The library that turns a program's clock (Debian's package `faketime`).
fn faketime() -> Result<PathBuf> {
    let folders = fs::read_dir("/usr/lib")?
        .flatten()
        .map(|entry| entry.path());
    folders
        .map(|folder| folder.join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists())
        .context("libfaketime is missing; `make setup` installs it")
}

fn now(seedbox: &Seedbox) -> Result<u64> {
    seedbox.status()?["now"].as_u64().context("no time")
}

fn is_unsure(seedbox: &Seedbox) -> Result<bool> {
    Ok(seedbox.alerts()?.contains(&"clock-unsure".to_owned()))
}

#[test]
fn it_is_never_1970_and_the_clock_may_be_set_at_any_time() -> Result<()> {
    let settings = Settings::new()?;
    let clock = settings.folder().join("clock");
    let set = |text: &str| fs::write(&clock, text);
    let settings = settings
        .with_environment("LD_PRELOAD", faketime()?)
        .with_environment("FAKETIME_TIMESTAMP_FILE", &clock)
        .with_environment("FAKETIME_NO_CACHE", "1")
        .with_environment("DONT_FAKE_MONOTONIC", "1")
        .with_environment("TZ", "UTC");

    set("@1970-01-01 00:00:20")?;
    let mut seedbox = settings.start()?;
    seedbox.claim()?;
    let woken = now(&seedbox)?;
    ensure!(woken > PAST, "the box believes that it is {woken}");
    wait_until("the box to say so", LIMIT, || {
        ensure!(is_unsure(&seedbox)?, "{:?}", seedbox.alerts()?);
        Ok(())
    })?;

    let set_right = woken + 7 * DAY;
    set(&format!("@{}", date(set_right)?))?;
    wait_until("the box to be sure", LIMIT, || {
        ensure!(!is_unsure(&seedbox)?, "{:?}", seedbox.alerts()?);
        Ok(())
    })?;
    // The session, opened in a time that never was, still holds.
    let told = now(&seedbox)?;
    ensure!(told.abs_diff(set_right) < DAY, "{told} is not {set_right}");
    seedbox.ensure_sound()?;
    seedbox.terminate()?;

    set("@1970-01-01 00:00:20")?;
    let mut seedbox = settings.start()?;
    seedbox.sign_in()?;
    let woken = now(&seedbox)?;
    ensure!(
        woken >= set_right,
        "it forgot the last time that it was sure of: {woken}"
    );
    seedbox.ensure_sound()
}

/// Seconds since 1970 as libfaketime reads them.
fn date(seconds: u64) -> Result<String> {
    let mut command = std::process::Command::new("date");
    let told = system_tests::process::run(command.args([
        "-u",
        "-d",
        &format!("@{seconds}"),
        "+%Y-%m-%d %H:%M:%S",
    ]))?;
    Ok(told.trim().to_owned())
}
