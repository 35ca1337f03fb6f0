//! What systemd hears from the box: that it is ready, and that it makes progress.

use std::{os::unix::net::UnixDatagram, time::Duration};

use anyhow::{Result, ensure};
use system_tests::seedbox::Settings;

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn systemd_hears_that_the_box_is_ready_and_goes_on() -> Result<()> {
    let settings = Settings::new()?;
    let path = settings.folder().join("notify");
    let systemd = UnixDatagram::bind(&path)?;
    systemd.set_read_timeout(Some(LIMIT))?;
    let settings = settings
        .with_environment("NOTIFY_SOCKET", &path)
        .with_environment("WATCHDOG_USEC", "3000000");
    let mut seedbox = settings.start()?;
    let mut heard = String::new();
    while heard.matches("WATCHDOG=1").count() < 3 || !heard.contains("READY=1") {
        let mut message = [0; 256];
        let length = systemd.recv(&mut message)?;
        heard.push_str(&String::from_utf8_lossy(&message[..length]));
        ensure!(heard.len() < 4096, "{heard}");
    }
    seedbox.ensure_sound()
}
