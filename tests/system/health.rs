//! What a monitor, a container and an update's trial ask from the console: well, ready, or not.

use std::time::Duration;

use anyhow::{Result, ensure};
use system_tests::{
    process::{Process, run},
    seedbox::Settings,
    wait::wait_until,
};

#[test]
fn ready_is_waited_for_and_told_by_the_exit_status() -> Result<()> {
    let settings = Settings::new()?;
    let ask = |arguments: &[&str]| -> Result<_> {
        let mut command = settings.command("healthcheck")?;
        command.args(arguments);
        Ok(command)
    };
    ensure!(run(&mut ask(&["--ready"])?).is_err(), "nobody is there");
    let log = settings.data().with_extension("log");
    std::fs::create_dir_all(settings.data())?;
    let mut early = Process::start(&ask(&["--ready", "--wait", "30s"])?, &log)?;
    let seedbox = settings.start()?;
    let status = wait_until("the answer", Duration::from_secs(30), || {
        early
            .ended()?
            .ok_or_else(|| anyhow::anyhow!("still asking"))
    })?;
    ensure!(status.success(), "{}", early.log());
    run(&mut ask(&[])?)?;
    let left = std::fs::read_dir(settings.data())?
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("health."));
    ensure!(!left, "the trial file is left behind");
    seedbox.terminate()?;
    ensure!(run(&mut ask(&["--ready"])?).is_err(), "nobody is there");
    Ok(())
}
