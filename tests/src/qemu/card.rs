//! The card: flashed, filled in as an owner would on his computer, read again.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{Machine, SERIAL_LINES, patient};
use crate::{
    process::{Process, run},
    repository,
};

/// The emulated card reader takes cards of powers of two only.
const CARD: u64 = 2 << 30;
/// Bytes of the boot partition.
const BOOT: u64 = 256 << 20;
/// The emulated watchdog bites as soon as it is armed, so systemd is told to leave it alone; what
/// systemd tells goes to the serial line, where a test that fails can quote it; and a version that
/// does not work is given up sooner than an owner's would be. The emulated network device is one that
/// cdc_subset takes as well, if it comes first, and then hardly anything gets through.
const CMDLINE: &str = "cmdline=systemd.watchdog_sec=0 module_blacklist=cdc_subset \
                       console=ttyS1,115200 seedbox.patience=";
/// The file of the boot partition that is a stick's content.
pub const STICK: &str = "stick.img";
/// Seconds that a tried version has on a machine with nothing else to do.
const TRIED: u64 = 240;

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
        let build = fs::read_to_string(built("img.buildinfo")?)?;
        println!("image of {}", build.lines().next().unwrap_or_default());
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
        let tried = patient(Duration::from_secs(TRIED)).as_secs();
        card.put("cmdline.txt", format!("{CMDLINE}{tried}").as_bytes())?;
        for file in ["u-boot.bin", "bcm2837-rpi-3-b.dtb"] {
            let content = card.take(file)?.context("the image lacks U-Boot")?;
            fs::write(card.path(file), content)?;
        }
        Ok(card)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
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
        copy_into(&self.partition(), &draft, name)
    }

    /// Lays a stick with these files on the boot partition, as an image for the machine to mount: the
    /// emulated board has one USB port, and its network is there.
    ///
    /// # Errors
    /// No room.
    pub fn put_stick(&self, files: &[(&str, &Path)]) -> Result<()> {
        let stick = self.path("stick");
        let _ = fs::remove_file(&stick);
        let mut bytes = 2 << 20;
        for (_, file) in files {
            bytes += fs::metadata(file)?.len();
        }
        File::create(&stick)?.set_len(bytes.next_multiple_of(1 << 20))?;
        run(Command::new("mkfs.vfat").arg(&stick))?;
        for (name, file) in files {
            copy_into(&stick.display().to_string(), file, name)?;
        }
        copy_into(&self.partition(), &stick, STICK)
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

    /// Whether the boot partition of a card that is in no running machine holds a text anywhere, in
    /// a file or where one has been.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn holds(&self, text: &str) -> Result<bool> {
        let mut file = File::open(self.path("disk"))?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::new();
        file.take(BOOT).read_to_end(&mut bytes)?;
        let text = text.as_bytes();
        Ok(bytes.windows(text.len()).any(|found| found == text))
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
        qemu.args(["-device", "usb-net,netdev=net,id=nic"]);
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

/// Copies a file to an image of a FAT file system, as mtools name it.
fn copy_into(image: &str, file: &Path, name: &str) -> Result<()> {
    run(Command::new("mcopy")
        .args(["-o", "-i", image])
        .arg(file)
        .arg(format!("::{name}")))
    .map(drop)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
