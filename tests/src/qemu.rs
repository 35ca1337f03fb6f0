//! The card's image in an emulated Raspberry Pi 3: flashed, filled in as an owner would, started,
//! spoken to through its ports, its serial line and its shell, and cut off from power.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    net::TcpListener,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    http::Client,
    process::{Process, run},
    repository,
    wait::wait_until,
};

/// From power on to the panel's answer, emulated, on a machine with nothing else to do. Every limit
/// here is multiplied by `SEEDBOX_PATIENCE` where the machine is busy.
pub const START_LIMIT: Duration = Duration::from_secs(150);
/// The emulated card reader takes cards of powers of two only.
const CARD: u64 = 2 << 30;
/// The emulated watchdog bites as soon as it is armed, so systemd is told to leave it alone; and what
/// systemd tells goes to the serial line, where a test that fails can quote it.
const CMDLINE: &str = "cmdline=systemd.watchdog_sec=0 console=ttyS1,115200";
const SERIAL_LINES: [&str; 2] = ["serial0", "serial1"];
const QMP: Duration = Duration::from_secs(10);

/// `limit` on this machine, as busy as `SEEDBOX_PATIENCE` says.
pub fn patient(limit: Duration) -> Duration {
    let factor = std::env::var("SEEDBOX_PATIENCE").ok();
    limit.mul_f64(factor.and_then(|text| text.parse().ok()).unwrap_or(1.0))
}

/// What `make image` builds.
///
/// # Errors
/// It has not been built.
pub fn built(extension: &str) -> Result<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    let out = std::env::var_os("SEEDBOX_IMAGE_OUT")
        .map_or_else(|| repository().join("target/image"), PathBuf::from);
    let file = out.join(format!("seedbox-{version}-rpi-arm64.{extension}"));
    ensure!(
        file.exists(),
        "{} is missing: run `make image`",
        file.display()
    );
    Ok(file)
}

/// A card with the image on it, and what an owner writes on its boot partition.
pub struct Card {
    folder: TempDir,
    offset: u64,
}

impl Card {
    /// Writes the image to a new card, and the tests' key, which opens the shell.
    ///
    /// # Errors
    /// There is no image, or no room for the card.
    pub fn flash() -> Result<Self> {
        let card = Self::flash_without_key()?;
        let key = card.path("key");
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key))?;
        card.put("authorized_keys", &fs::read(key.with_extension("pub"))?)?;
        Ok(card)
    }

    /// The same as it comes from the download: no shell.
    ///
    /// # Errors
    /// As [`Card::flash`].
    pub fn flash_without_key() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("card-").tempdir()?;
        let disk = folder.path().join("disk");
        run(Command::new("cp")
            .arg("--sparse=always")
            .arg(built("img")?)
            .arg(&disk))?;
        let mut file = File::options().read(true).write(true).open(&disk)?;
        file.set_len(CARD)?;
        // Where the first partition begins, as the MBR says.
        let mut start = [0; 4];
        file.seek(SeekFrom::Start(446 + 8))?;
        file.read_exact(&mut start)?;
        let card = Self {
            folder,
            offset: u64::from(u32::from_le_bytes(start)) * 512,
        };
        card.put("cmdline.txt", CMDLINE.as_bytes())?;
        for file in ["u-boot.bin", "bcm2837-rpi-3-b.dtb"] {
            let content = card.take(file)?.context("the image lacks U-Boot")?;
            fs::write(card.path(file), content)?;
        }
        Ok(card)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn partition(&self) -> String {
        format!("{}@@{}", self.path("disk").display(), self.offset)
    }

    /// Writes a file to the boot partition of a card that is in no running machine.
    ///
    /// # Errors
    /// No room.
    pub fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        let draft = self.path("draft");
        fs::write(&draft, content)?;
        run(Command::new("mcopy")
            .args(["-o", "-i", &self.partition()])
            .arg(&draft)
            .arg(format!("::{name}")))
        .map(drop)
    }

    /// Reads a file of the boot partition, if it is there.
    ///
    /// # Errors
    /// The partition cannot be read.
    pub fn take(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let draft = self.path("draft");
        let _ = fs::remove_file(&draft);
        let listed = run(Command::new("mdir").args(["-b", "-i", &self.partition(), "::"]))?;
        if !listed.lines().any(|line| line == format!("::/{name}")) {
            return Ok(None);
        }
        run(Command::new("mcopy")
            .args(["-n", "-i", &self.partition(), &format!("::{name}")])
            .arg(&draft))?;
        Ok(Some(fs::read(draft)?))
    }

    /// Puts the card into a machine and turns it on; `further` are words for QEMU.
    ///
    /// # Errors
    /// QEMU does not start.
    pub fn start(&self, further: &[&str]) -> Result<Machine<'_>> {
        let ports = [80, 8081, 4240, 22].map(|guest| Ok((guest, free_port()?)));
        let ports: Vec<(u16, u16)> = ports.into_iter().collect::<Result<_>>()?;
        let forwards: String = ports
            .iter()
            .map(|(guest, host)| format!(",hostfwd=tcp:127.0.0.1:{host}-:{guest}"))
            .collect();
        let mut qemu = Command::new("qemu-system-aarch64");
        qemu.args(["-M", "raspi3b", "-display", "none", "-monitor", "none"]);
        for line in SERIAL_LINES {
            qemu.arg("-serial")
                .arg(format!("file:{}", self.path(line).display()));
        }
        qemu.arg("-qmp")
            .arg(format!("unix:{},server,nowait", self.path("qmp").display()));
        qemu.arg("-kernel").arg(self.path("u-boot.bin"));
        qemu.arg("-dtb").arg(self.path("bcm2837-rpi-3-b.dtb"));
        qemu.arg("-drive").arg(format!(
            "if=sd,format=raw,file={}",
            self.path("disk").display()
        ));
        qemu.arg("-netdev").arg(format!("user,id=net{forwards}"));
        // The machine has one USB port. Behind a hub this device receives next to nothing.
        qemu.args(["-device", "usb-net,netdev=net"]);
        qemu.args(further);
        for line in SERIAL_LINES {
            let _ = fs::remove_file(self.path(line));
        }
        let _ = fs::remove_file(self.path("qmp"));
        Ok(Machine {
            card: self,
            process: Process::start(&qemu, &self.path("qemu.log"))?,
            started: Instant::now(),
            ports,
        })
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
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
        Client::new(format!("http://127.0.0.1:{}", self.port(80)))
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
        let panel = self.panel();
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
            let said = machine.serial();
            let (_, rest) = said.rsplit_once("claim code: ").context("none yet")?;
            let code = rest.split_whitespace().next().unwrap_or_default();
            ensure!(rest.contains('\n') && code.len() >= 16, "only {code}");
            Ok(code.to_owned())
        })
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

    /// Bytes that the machine has written to its card since it was turned on, as QEMU counts them.
    ///
    /// # Errors
    /// QEMU does not say.
    pub fn written(&self) -> Result<u64> {
        let devices = self.qmp("query-blockstats", &json!({}))?;
        let sd = devices
            .as_array()
            .and_then(|all| all.iter().find(|one| one["device"] == "sd0"))
            .context("no card among QEMU's devices")?;
        sd["stats"]["wr_bytes"].as_u64().context("no count")
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
