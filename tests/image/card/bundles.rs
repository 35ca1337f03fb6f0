//! Bundles made of the image's own root: newer, broken, by strangers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use system_tests::{models::random_file, process::run, qemu::built, repository};
use tempfile::TempDir;

/// Makes bundles; they go when it does.
pub(crate) struct Bundles {
    folder: TempDir,
}

impl Bundles {
    /// Whoever makes them, with a folder beside the image.
    ///
    /// # Errors
    /// There is no image.
    pub(crate) fn new() -> Result<Self> {
        let beside = built("img")?;
        let beside = beside.parent().unwrap_or(Path::new("."));
        let folder = tempfile::Builder::new()
            .prefix("bundles-")
            .tempdir_in(beside)?;
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The image's root as `version`; `change` are further commands for debugfs(8).
    fn root(&self, version: &str, change: &[String]) -> Result<PathBuf> {
        let root = self.path("root.ext4");
        let original = built("img")?.with_file_name("card/partitions/root.ext4");
        run(Command::new("cp").arg(original).arg(&root))?;
        let release = self.path("os-release");
        let text = format!(
            "NAME=\"Cosmos seed box\"\nID=seedbox\nID_LIKE=debian\nIMAGE_VERSION={version}\n"
        );
        fs::write(&release, text)?;
        let mut commands = vec![
            "rm /usr/lib/os-release".to_owned(),
            format!("write {} /usr/lib/os-release", release.display()),
        ];
        commands.extend_from_slice(change);
        let script = self.path("commands");
        fs::write(&script, commands.join("\n"))?;
        run(Command::new("debugfs")
            .args(["-w", "-f"])
            .arg(&script)
            .arg(&root))?;
        Ok(root)
    }

    fn pack(&self, version: &str, root: &Path, signer: &[(&str, PathBuf)]) -> Result<PathBuf> {
        let file = self.path(&format!("{version}.raucb"));
        let mut bundle = Command::new(repository().join("image/card/bundle"));
        bundle.arg(version).arg(root).arg(&file);
        bundle.env("SEEDBOX_IMAGE_LEVEL", "1");
        run(bundle.envs(signer.iter().map(|(name, path)| (name, path))))?;
        Ok(file)
    }

    /// The image's own system under another version.
    ///
    /// # Errors
    /// It cannot be packed.
    pub(crate) fn good(&self, version: &str) -> Result<PathBuf> {
        let root = self.root(version, &[])?;
        self.pack(version, &root, &[])
    }

    /// A system whose box never gets ready.
    ///
    /// # Errors
    /// It cannot be packed.
    pub(crate) fn never_ready(&self, version: &str) -> Result<PathBuf> {
        let program = self.path("seedbox");
        fs::write(&program, "#!/bin/sh\nexit 1\n")?;
        run(Command::new("chmod").arg("755").arg(&program))?;
        let change = [
            "rm /usr/bin/seedbox".to_owned(),
            format!("write {} /usr/bin/seedbox", program.display()),
        ];
        let root = self.root(version, &change)?;
        self.pack(version, &root, &[])
    }

    /// A bundle for this box, signed by somebody whom it does not know.
    ///
    /// # Errors
    /// It cannot be packed.
    pub(crate) fn strange(&self, version: &str) -> Result<PathBuf> {
        let (key, certificate) = (self.path("strange.key"), self.path("strange.pem"));
        run(Command::new("openssl")
            .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split(' '))
            .args(["-days", "3650", "-subj", "/CN=a stranger"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate))?;
        let root = random_file(self.folder.path(), "small.ext4", 1 << 20, 7)?;
        let signer = [
            ("SEEDBOX_IMAGE_CERT", certificate.clone()),
            ("SEEDBOX_IMAGE_KEY", key),
            ("SEEDBOX_IMAGE_KEYRING", certificate),
        ];
        self.pack(version, &root, &signer)
    }
}
