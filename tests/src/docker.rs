//! A Docker daemon of the test's own, with the images that `make image-docker` packed. Meant for
//! `tests/image/own-network`, so that no port and no address of the machine is in its way.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    process::{Process, run},
    repository,
    wait::wait_until,
};

/// A running daemon.
pub struct Docker {
    process: Process,
    folder: TempDir,
}

impl Docker {
    /// Starts one that holds nothing yet.
    ///
    /// # Errors
    /// Docker is not installed, or may not run here.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("docker-").tempdir()?;
        let inside = |name: &str| folder.path().join(name);
        let mut command = Command::new("dockerd");
        command.arg("--data-root").arg(inside("data"));
        command.arg("--exec-root").arg(inside("exec"));
        command.arg("--pidfile").arg(inside("pid"));
        command.arg("--host").arg(host(folder.path()));
        let process = Process::start(&command, &inside("log"))?;
        let mut docker = Self { process, folder };
        wait_until("the Docker daemon", Duration::from_secs(30), || {
            docker.process.ensure_running()?;
            docker.run(&["version"])
        })
        .with_context(|| docker.process.last_words())?;
        Ok(docker)
    }

    /// A program that speaks to this daemon.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("DOCKER_HOST", host(self.folder.path()))
            // The older builder takes `FROM scratch` for its own architecture alone.
            .env("DOCKER_BUILDKIT", "1")
            .current_dir(repository());
        command
    }

    /// Runs `docker` and gives what it printed.
    ///
    /// # Errors
    /// It failed; what it said is in the error.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        let text = run(self.command("docker").args(arguments))?;
        Ok(text.trim().to_owned())
    }

    /// Builds the image for an architecture from the repository's Dockerfile.
    ///
    /// # Errors
    /// Its layer is missing: `make image-docker` packs it.
    pub fn build(&self, architecture: &str, tag: &str) -> Result<()> {
        let context = packed();
        let layer = context.join(architecture).join("layer.tar");
        ensure!(
            layer.exists(),
            "{} is missing: run `make image-docker`",
            layer.display()
        );
        let platform = format!("linux/{architecture}");
        let told = format!("TARGETARCH={architecture}");
        let context = context.display().to_string();
        self.run(&[
            "build",
            "--quiet",
            "--platform",
            &platform,
            "--build-arg",
            &told,
            "--tag",
            tag,
            "--file",
            "image/docker/Dockerfile",
            &context,
        ])
        .map(drop)
    }

    /// Bytes of an architecture's image on the way from a registry: its one layer, gzipped.
    ///
    /// # Errors
    /// The layer is missing.
    pub fn pulled(&self, architecture: &str) -> Result<u64> {
        let layer = packed().join(architecture).join("layer.tar");
        let bytes = run(Command::new("sh")
            .args(["-c", "gzip < \"$0\" | wc -c"])
            .arg(layer))?;
        Ok(bytes.trim().parse()?)
    }

    /// What Docker knows of a container or an image.
    ///
    /// # Errors
    /// There is no such thing.
    pub fn inspect(&self, name: &str) -> Result<Value> {
        let mut all: Vec<Value> = serde_json::from_str(&self.run(&["inspect", name])?)?;
        all.pop().with_context(|| format!("nothing called {name}"))
    }

    /// Waits until a container's own check says that it is well.
    ///
    /// # Errors
    /// It was not in time.
    pub fn wait_healthy(&self, container: &str, limit: Duration) -> Result<Duration> {
        let asked = Instant::now();
        wait_until(&format!("{container} to be healthy"), limit, || {
            let state = &self.inspect(container)?["State"];
            ensure!(state["Health"]["Status"] == "healthy", "{state}");
            Ok(())
        })?;
        Ok(asked.elapsed())
    }

    /// Everything a container has printed, on both of its streams.
    ///
    /// # Errors
    /// There is no such container.
    pub fn logs(&self, container: &str) -> Result<String> {
        let output = self.command("docker").args(["logs", container]).output()?;
        ensure!(output.status.success(), "{container} has no log");
        let both = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&both).into_owned())
    }

    /// A container's address on its network.
    ///
    /// # Errors
    /// It has none.
    pub fn address(&self, container: &str) -> Result<String> {
        let networks = &self.inspect(container)?["NetworkSettings"]["Networks"];
        networks
            .as_object()
            .and_then(|networks| networks.values().find_map(|n| n["IPAddress"].as_str()))
            .filter(|address| !address.is_empty())
            .map(str::to_owned)
            .with_context(|| format!("{container} has no address: {networks}"))
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        if let Ok(containers) = self.run(&["ps", "--all", "--quiet"]) {
            for container in containers.lines() {
                let _ = self.run(&["rm", "--force", "--volumes", container]);
            }
        }
        let _ = self.process.end(Signal::TERM, Duration::from_secs(15));
    }
}

/// Where `make image-docker` leaves what it packed.
fn packed() -> PathBuf {
    std::env::var_os("SEEDBOX_IMAGE_OUT")
        .map_or_else(|| repository().join("target/image"), PathBuf::from)
}

fn host(folder: &Path) -> String {
    format!("unix://{}/docker.sock", folder.display())
}
