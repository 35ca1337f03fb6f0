//! The card's image in an emulated Raspberry Pi 3: flashed, filled in as an owner would, started,
//! spoken to through its ports, its serial line and its shell, and cut off from power.

mod card;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

pub use self::card::{Card, STICK, built};

use crate::{
    http::Client,
    process::{Process, run},
    wait::{hold, wait_until},
};

/// From power on to the panel's answer, emulated, on a machine with nothing else to do. Every limit
/// here is multiplied by `SEEDBOX_PATIENCE` where the machine is busy.
pub const START_LIMIT: Duration = Duration::from_secs(150);
const SERIAL_LINES: [&str; 2] = ["serial0", "serial1"];
/// For one request: a bundle takes minutes through the emulated network.
const REQUEST: Duration = Duration::from_secs(600);
const QMP: Duration = Duration::from_secs(10);

/// `limit` on this machine, as busy as `SEEDBOX_PATIENCE` says.
pub fn patient(limit: Duration) -> Duration {
    let factor = std::env::var("SEEDBOX_PATIENCE").ok();
    limit.mul_f64(factor.and_then(|text| text.parse().ok()).unwrap_or(1.0))
}

/// A machine that is turned on.
pub struct Machine<'a> {
    card: &'a Card,
    process: Process,
    started: Instant,
    ports: Vec<(u16, u16)>,
}

impl Machine<'_> {
    /// Where one of the machine's ports is reached from here.
    pub fn port(&self, guest: u16) -> u16 {
        self.ports
            .iter()
            .find(|(inside, _)| *inside == guest)
            .map_or(0, |(_, outside)| *outside)
    }

    /// The owner's panel.
    pub fn panel(&self) -> Client {
        let base = format!("http://127.0.0.1:{}", self.port(80));
        Client::waiting(base, patient(REQUEST))
    }

    /// What everybody may ask.
    pub fn public(&self) -> Client {
        Client::new(format!("http://127.0.0.1:{}", self.port(8081)))
    }

    /// Everything it has said on its serial lines since it was turned on.
    pub fn serial(&self) -> String {
        let lines = SERIAL_LINES.map(|line| fs::read(self.card.path(line)).unwrap_or_default());
        String::from_utf8_lossy(&lines.concat()).into_owned()
    }

    /// Waits until the panel answers; gives the time since the machine was turned on.
    ///
    /// # Errors
    /// It does not; the end of what the machine said is in the error.
    pub fn wait_panel(&mut self) -> Result<Duration> {
        // A request into a machine that is not there yet may hang.
        let panel = Client::new(format!("http://127.0.0.1:{}", self.port(80)));
        self.wait("the panel to answer", START_LIMIT, |_| {
            panel.send("GET", "/", &[], None)?.expect_success()
        })?;
        Ok(self.started.elapsed())
    }

    /// Waits, as long as this machine is busy, for a condition.
    ///
    /// # Errors
    /// It did not come about; the end of what the machine said is in the error.
    pub fn wait<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut probe: impl FnMut(&Self) -> Result<T>,
    ) -> Result<T> {
        let result = wait_until(what, patient(limit), || {
            if let Some(status) = self.process.ended()? {
                bail!("QEMU ended with {status}");
            }
            probe(self)
        });
        result.with_context(|| {
            let said = self.serial();
            let from = said.len().saturating_sub(3000);
            let end = said.get(from..).unwrap_or(&said);
            format!("the machine's last words:\n{end}")
        })
    }

    /// The claim code that it shows on its serial line, once it does.
    ///
    /// # Errors
    /// It does not.
    pub fn claim_code(&mut self) -> Result<String> {
        self.wait("a claim code on the serial line", START_LIMIT, |machine| {
            machine.shown_code()
        })
    }

    /// The claim code that it showed last.
    ///
    /// # Errors
    /// There was none yet.
    pub fn shown_code(&self) -> Result<String> {
        let said = self.serial();
        let (_, rest) = said.rsplit_once("claim code: ").context("none yet")?;
        let code = rest.split_whitespace().next().unwrap_or_default();
        ensure!(rest.contains('\n') && code.len() >= 16, "only {code}");
        Ok(code.to_owned())
    }

    /// Runs a command in the shell that the key opens, and gives what it printed.
    ///
    /// # Errors
    /// There is no shell, or the command failed.
    pub fn shell(&self, command: &str) -> Result<String> {
        run(Command::new("ssh")
            .args([
                "-q",
                "-o",
                "BatchMode=yes",
                "-o",
                "StrictHostKeyChecking=no",
            ])
            .args([
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "ConnectTimeout=60",
            ])
            .arg("-i")
            .arg(self.card.path("key"))
            .args(["-p", &self.port(22).to_string(), "root@127.0.0.1", command]))
        .with_context(|| format!("in the machine's shell: {command}"))
    }

    /// The same, again and again until the shell is there.
    ///
    /// # Errors
    /// It is not, or the command always fails.
    pub fn wait_shell(&mut self, command: &str) -> Result<String> {
        self.wait("the shell", START_LIMIT, |machine| machine.shell(command))
    }

    /// Copies a file into the machine.
    ///
    /// # Errors
    /// There is no shell, or no room.
    pub fn upload(&self, file: &Path, to: &str) -> Result<()> {
        let ssh = format!(
            "ssh -q -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
             -i {} -p {} root@127.0.0.1 'cat > {to}' < {}",
            self.card.path("key").display(),
            self.port(22),
            file.display()
        );
        run(Command::new("sh").args(["-c", &ssh])).map(drop)
    }

    /// Says a command to QEMU itself (QMP) and gives what it returned.
    ///
    /// # Errors
    /// QEMU refuses it.
    pub fn qmp(&self, command: &str, arguments: &Value) -> Result<Value> {
        let mut stream = UnixStream::connect(self.card.path("qmp"))?;
        stream.set_read_timeout(Some(QMP))?;
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let mut ask = |question: Value| -> Result<Value> {
            stream.write_all(question.to_string().as_bytes())?;
            for line in &mut lines {
                let answer: Value = serde_json::from_str(&line?)?;
                if !answer["error"].is_null() {
                    bail!("QEMU refuses {question}: {answer}");
                }
                if !answer["return"].is_null() {
                    return Ok(answer["return"].clone());
                }
            }
            bail!("QEMU is gone")
        };
        ask(json!({"execute": "qmp_capabilities"}))?;
        ask(json!({"execute": command, "arguments": arguments}))
    }

    /// Bytes that the machine has written to its card since it was turned on, as its kernel counts them
    /// on the block device (QEMU counts nothing for an emulated card).
    ///
    /// # Errors
    /// There is no shell.
    pub fn written(&self) -> Result<u64> {
        let counts = self.shell("cat /sys/block/mmcblk0/stat")?;
        let sectors = counts.split_whitespace().nth(6).context("no count")?;
        Ok(sectors.parse::<u64>()? * 512)
    }

    /// Plugs a device in, as `device_add` of QMP describes it.
    ///
    /// # Errors
    /// QEMU refuses it.
    pub fn plug(&self, device: &Value) -> Result<()> {
        self.qmp("device_add", device).map(drop)
    }

    /// Leaves the machine alone for so long.
    ///
    /// # Errors
    /// It has gone off.
    pub fn hold(&mut self, span: Duration) -> Result<()> {
        hold("the machine", span, || self.process.ensure_running())
    }

    /// Cuts the power: nothing that the machine has not given to its card is kept.
    ///
    /// # Errors
    /// It was off already.
    pub fn cut_power(mut self) -> Result<()> {
        self.process.kill()
    }

    /// Shuts the machine down as its owner would, through the shell.
    ///
    /// # Errors
    /// It does not end.
    pub fn shut_down(mut self) -> Result<()> {
        // The connection may end before the command's answer.
        let _ = self.shell("systemctl poweroff");
        wait_until(
            "the machine to be off",
            patient(Duration::from_secs(60)),
            || self.process.ended()?.context("it is on"),
        )
        .map(drop)
    }
}
