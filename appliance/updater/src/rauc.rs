//! The program `rauc` (<https://rauc.readthedocs.io>), the only part that trusts or refuses a
//! bundle and the only one that writes to a slot. It is run as a program and not spoken to over
//! D-Bus: it does that itself, checks on the way what we would have to, and its output is stable.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::error::RaucError;

/// Bytes of what it prints that are read.
const OUTPUT: u64 = 256 * 1024;
/// Reading a bundle's signature takes seconds on the slowest card.
const QUESTION: Duration = Duration::from_secs(120);
/// Writing a slot takes minutes on the slowest card.
const INSTALL: Duration = Duration::from_secs(3600);
/// What its service answers to every question while it writes a slot.
const BUSY: &str = "already processing a different method";

/// How to run it.
#[derive(Debug, Clone)]
pub(crate) struct Rauc {
    program: PathBuf,
}

/// What a bundle says about itself, its signature being right.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) version: Option<String>,
    pub(crate) description: Option<String>,
}

/// Which slots there are.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Slots {
    /// The boot name of the slot that runs.
    pub(crate) booted: Option<String>,
    /// The name of the slot that is started next.
    boot_primary: Option<String>,
    #[serde(default)]
    slots: Vec<HashMap<String, Slot>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Slot {
    bootname: Option<String>,
}

impl Slots {
    /// The boot name of the slot that is started next.
    pub(crate) fn next(&self) -> Option<String> {
        let name = self.boot_primary.as_ref()?;
        let slot = self.slots.iter().find_map(|slot| slot.get(name))?;
        slot.bootname.clone()
    }
}

impl Rauc {
    pub(crate) fn new(program: PathBuf) -> Self {
        Self { program }
    }

    /// Checks a bundle's signature and reads what it says about itself.
    pub(crate) async fn info(&self, bundle: &Path) -> Result<Manifest, RaucError> {
        let text = self.ask(&["info"], Some(bundle)).await?;
        serde_json::from_str(&text).map_err(|error| unreadable("info", &error))
    }

    /// Asks which slot runs; [`RaucError::Busy`] while a slot is being written, whoever ordered that.
    pub(crate) async fn slots(&self) -> Result<Slots, RaucError> {
        let text = self.ask(&["status"], None).await?;
        serde_json::from_str(&text).map_err(|error| unreadable("status", &error))
    }

    /// Writes a bundle to the other slot and makes it the next to be started. Tells `progress` in
    /// percent. The writing is done by `rauc`'s service, so an error does not mean that it has ended.
    pub(crate) async fn install(
        &self,
        bundle: &Path,
        progress: impl FnMut(u8),
    ) -> Result<(), RaucError> {
        let mut command = self.command(&["install"]);
        let mut child = self.start(command.arg(bundle))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let work = async {
            let (said, complaints) = tokio::join!(follow(stdout, progress), read(stderr));
            (said, complaints, child.wait().await)
        };
        let (said, complaints, status) = timeout(INSTALL, work)
            .await
            .map_err(|_| RaucError::Unavailable("it takes more than an hour".into()))?;
        match said {
            Some(why) if !succeeded(&status) => Err(RaucError::Refused(why)),
            _ => judge(&status, &complaints),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            // Its messages are shown to the owner, who reads the panel's language.
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    fn start(&self, command: &mut Command) -> Result<Child, RaucError> {
        command.spawn().map_err(|error| {
            let program = self.program.display();
            RaucError::Unavailable(format!("{program} cannot be started: {error}"))
        })
    }

    async fn ask(&self, arguments: &[&str], bundle: Option<&Path>) -> Result<String, RaucError> {
        let mut command = self.command(arguments);
        command.arg("--output-format=json").args(bundle);
        let mut child = self.start(&mut command)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let work = async {
            let (answer, complaints) = tokio::join!(read(stdout), read(stderr));
            (answer, complaints, child.wait().await)
        };
        let (answer, complaints, status) = timeout(QUESTION, work)
            .await
            .map_err(|_| RaucError::Unavailable("rauc does not answer".into()))?;
        judge(&status, &complaints).map(|()| answer)
    }
}

fn succeeded(status: &io::Result<ExitStatus>) -> bool {
    status.as_ref().is_ok_and(ExitStatus::success)
}

/// What it means that the program has ended like this.
fn judge(status: &io::Result<ExitStatus>, complaints: &str) -> Result<(), RaucError> {
    if succeeded(status) {
        return Ok(());
    }
    if complaints.to_lowercase().contains(BUSY) {
        return Err(RaucError::Busy);
    }
    match status {
        Ok(status) if status.code().is_some() => Err(RaucError::Refused(last_line(complaints))),
        // Killed, for want of memory above all: it has not judged anything.
        _ => Err(RaucError::Unavailable(
            "rauc was stopped before it answered".into(),
        )),
    }
}

fn unreadable(question: &str, error: &serde_json::Error) -> RaucError {
    RaucError::Unavailable(format!(
        "what `rauc {question}` answers cannot be read: {error}"
    ))
}

async fn read(from: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        let _ = from.take(OUTPUT).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads the lines of an installation: ` 40% Checking bundle done.` Gives the reason it names for
/// having failed.
async fn follow(
    from: Option<impl AsyncRead + Unpin>,
    mut progress: impl FnMut(u8),
) -> Option<String> {
    let mut reason = None;
    let mut lines = BufReader::new(from?.take(OUTPUT)).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(why) = line.strip_prefix("LastError: ") {
            reason = Some(why.trim().to_owned());
        } else if let Some((percent, _)) = line.split_once('%')
            && let Ok(percent) = percent.trim().parse::<u8>()
        {
            progress(percent.min(100));
        }
    }
    reason
}

/// The last thing it complained of, without the time and name that log lines begin with.
fn last_line(complaints: &str) -> String {
    let line = complaints.lines().rev().map(str::trim).find(|line| {
        !line.is_empty() && !line.starts_with("rauc-Message") && !line.starts_with("idle")
    });
    line.map_or_else(
        || "rauc failed and did not say why".to_owned(),
        |line| line.chars().take(300).collect(),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[tokio::test]
    async fn progress_and_reason_are_read_from_what_it_prints() {
        let printed = "installing\n  0% Installing\n 20% Checking bundle\n 40% Checking bundle failed.\n100% Installing failed.\nLastError: signature verification failed\nidle\n";
        let mut told = Vec::new();
        let reason = follow(Some(printed.as_bytes()), |percent| told.push(percent)).await;
        assert_eq!(reason.as_deref(), Some("signature verification failed"));
        assert_eq!(told, [0, 20, 40, 100]);
    }

    #[test]
    fn the_last_complaint_is_no_log_line() {
        let printed = "rauc-Message: 07:42:36.424: Reading bundle: /x\nInvalid bundle format: too short\nrauc-Message: bye\n\n";
        assert_eq!(last_line(printed), "Invalid bundle format: too short");
        assert!(last_line("").contains("did not say why"));
    }

    #[test]
    fn the_slot_that_comes_next_is_read() {
        let said = r#"{"compatible":"seedbox","variant":"","booted":"A","boot_primary":"rootfs.1","slots":[
            {"rootfs.1":{"class":"rootfs","bootname":"B","state":"inactive","boot_status":"good"}},
            {"rootfs.0":{"class":"rootfs","bootname":"A","state":"booted","parent":null}}]}"#;
        let slots: Slots = serde_json::from_str(said).unwrap();
        assert_eq!(slots.booted.as_deref(), Some("A"));
        assert_eq!(slots.next().as_deref(), Some("B"));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let rauc = Rauc::new("/nonexistent/rauc".into());
        let error = rauc.slots().await.unwrap_err();
        assert!(matches!(error, RaucError::Unavailable(_)), "{error}");
        assert!(error.to_string().contains("/nonexistent/rauc"), "{error}");
    }

    #[test]
    fn a_refusal_a_busy_service_and_no_answer_are_told_apart() {
        let ended = |status| judge(&Ok(ExitStatus::from_raw(status)), "signature is wrong\n");
        assert_eq!(ended(0), Ok(()));
        let refused = RaucError::Refused("signature is wrong".into());
        assert_eq!(ended(1 << 8), Err(refused));
        assert!(matches!(ended(9), Err(RaucError::Unavailable(_))));
        let no_child = judge(&Err(io::ErrorKind::Other.into()), "");
        assert!(matches!(no_child, Err(RaucError::Unavailable(_))));
        // As rauc 1.8 prints it for `status` and for `install`.
        for printed in [
            "rauc-WARNING **: 21:29:19.558: already processing a different method\nError retrieving slot status via D-Bus: error calling D-Bus method \"GetSlotStatus\": already processing a different method\n",
            "Failed GDBus.Error:org.gtk.GDBus.UnmappedGError.Quark._g_2dio_2derror_2dquark.Code30: Already processing a different method\nD-Bus error while installing `/x`\n",
        ] {
            let busy = judge(&Ok(ExitStatus::from_raw(1 << 8)), printed);
            assert_eq!(busy, Err(RaucError::Busy));
        }
    }
}
