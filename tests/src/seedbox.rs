//! The box itself: the real binary with a data folder of its own, on ports of its own choice,
//! started, claimed, asked, killed and started again as its owner and the world would.

mod answers;
mod relay;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::process::Signal;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

pub use self::answers::{Refusal, Torrent, Volume};

use crate::{
    http::{Answer, Client},
    process::{Process, Usage, run},
    repository,
    tracker::own_address,
    wait::{hold, wait_until},
};

/// How long a box may take from start to ready, also after a crash.
pub const START_LIMIT: Duration = Duration::from_secs(5);
/// How long a box may take to end when asked.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(8);
/// The claim code that every box of the tests is given.
pub const CLAIM_CODE: &str = "TEST-TEST-TEST-TEST";
/// The password that the tests choose for it.
pub const PASSWORD: &str = "a long enough password";

/// What a box is started with: its configuration keys, as environment variables.
#[derive(Clone)]
pub struct Settings {
    keys: BTreeMap<String, String>,
    environment: BTreeMap<String, OsString>,
    /// A program and its arguments that start the box.
    inside: Vec<String>,
    folder: Arc<TempDir>,
}

impl Settings {
    /// A box that knows nobody: no chain, no peers, no DHT, ports of its own choice, allowed to
    /// dial this machine.
    ///
    /// # Errors
    /// No folder can be made for it.
    pub fn new() -> Result<Self> {
        let folder = Arc::new(tempfile::Builder::new().prefix("seedbox-").tempdir()?);
        let settings = Self {
            keys: BTreeMap::new(),
            environment: BTreeMap::new(),
            inside: Vec::new(),
            folder,
        };
        let data = settings.data();
        let lan = format!("127.0.0.0/8,{}/32", own_address());
        Ok(settings
            .set("data", data.display().to_string())
            .set("claim_code", CLAIM_CODE)
            .set("admin_listen", "127.0.0.1:0")
            .set("public_listen", "127.0.0.1:0")
            .set("peer_listen", "0.0.0.0:0")
            .set("mesh_listen", "127.0.0.1:0")
            .set("mesh_port_mapping", "false")
            .set("chain_poll", "250ms")
            .set("dht", "false")
            .set("mdns", "false")
            .set("lan", lan)
            .set("quota", "100MB")
            .set("reserve", "1MB")
            .set("log", "info"))
    }

    /// The same with one key set; lists are joined by commas.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.keys.insert(key.to_owned(), value.into());
        self
    }

    /// The same, started by another program that ends in becoming it.
    #[must_use]
    pub fn inside(mut self, program: Vec<String>) -> Self {
        self.inside = program;
        self
    }

    /// The same with one key as the box has it by itself.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.keys.remove(key);
        self
    }

    /// What a console command prints.
    ///
    /// # Errors
    /// It failed.
    pub fn console(&self, subcommand: &str) -> Result<String> {
        Ok(run(&mut self.command(subcommand)?)?.trim().to_owned())
    }

    /// The same with one variable of the environment that is no setting.
    #[must_use]
    pub fn with_environment(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// A folder of the box's own, for what a test wants to lie beside its data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The box's data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its (first) volume.
    pub fn volume(&self) -> PathBuf {
        let configured = self
            .keys
            .get("volumes")
            .and_then(|list| list.split(',').next());
        configured.map_or_else(|| self.data().join("volume"), PathBuf::from)
    }

    /// The command that starts it.
    ///
    /// # Errors
    /// The box does not build.
    pub fn command(&self, subcommand: &str) -> Result<Command> {
        let mut command = match self.inside.split_first() {
            None => Command::new(binary()?),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary()?);
                command
            }
        };
        command.arg(subcommand).current_dir(self.folder.path());
        for (key, value) in &self.keys {
            command.env(format!("SEEDBOX_{}", key.to_uppercase()), value);
        }
        command.envs(&self.environment);
        Ok(command)
    }

    /// Starts the box and waits until it answers, well or not.
    ///
    /// # Errors
    /// It did not within [`START_LIMIT`]; the end of its log is in the error.
    pub fn start(&self) -> Result<Seedbox> {
        fs::create_dir_all(self.data())?;
        // A crashed box leaves this behind; the new one must write its own.
        let listening = self.data().join("listening.json");
        let _ = fs::remove_file(&listening);
        let started = Instant::now();
        let log = self.folder.path().join("log");
        let mut process = Process::start(&self.command("run")?, &log)?;
        let addresses: Addresses = wait_until("the box to listen", START_LIMIT, || {
            process.ensure_running()?;
            Ok(serde_json::from_slice(&fs::read(&listening)?)?)
        })
        .with_context(|| process.last_words())?;
        let public = Client::new(format!("http://{}", addresses.public));
        let admin = Client::new(format!("http://{}", addresses.admin));
        wait_until("the box to answer", START_LIMIT, || {
            process.ensure_running()?;
            public.send("GET", "/healthz", &[], None)
        })
        .with_context(|| process.last_words())?;
        let settings = self.clone();
        Ok(Seedbox {
            settings,
            process,
            addresses,
            admin,
            public,
            started,
        })
    }

    /// Starts the box and kills it after `life`, wherever it is by then.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_and_kill(&self, life: Duration) -> Result<()> {
        let mut process = Process::start(&self.command("run")?, &self.folder.path().join("log"))?;
        hold("the box starts", life, || process.ensure_running())?;
        process.kill()
    }
}

#[derive(Debug, Clone, Deserialize)]
struct Addresses {
    admin: SocketAddr,
    public: SocketAddr,
    peers: Option<u16>,
}

/// A running box.
pub struct Seedbox {
    settings: Settings,
    process: Process,
    addresses: Addresses,
    admin: Client,
    public: Client,
    started: Instant,
}

impl Seedbox {
    /// Waits until it is ready for work; gives the time since it was started.
    ///
    /// # Errors
    /// It was not within [`START_LIMIT`] of its start.
    pub fn wait_ready(&mut self) -> Result<Duration> {
        let left = START_LIMIT.saturating_sub(self.started.elapsed());
        wait_until("the box to be ready", left, || {
            self.process.ensure_running()?;
            self.public
                .send("GET", "/readyz", &[], None)?
                .expect_success()
        })?;
        Ok(self.started.elapsed())
    }

    /// What it was started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where the admin panel is.
    pub fn panel(&self) -> String {
        format!("http://{}/", self.addresses.admin)
    }

    /// Where peers reach it.
    pub fn peer_address(&self) -> SocketAddr {
        SocketAddr::new(own_address(), self.addresses.peers.unwrap_or(0))
    }

    /// The admin API. [`Seedbox::claim`] or [`Seedbox::sign_in`] come first.
    pub fn admin(&self) -> &Client {
        &self.admin
    }

    /// The public listener.
    pub fn public(&self) -> &Client {
        &self.public
    }

    /// Everything it has logged since it was first started.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// What it has cost so far.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> Result<Usage> {
        self.process.usage()
    }

    /// Fails if it has ended or a part of it has panicked.
    ///
    /// # Errors
    /// It has ended, or its log speaks of a panic.
    pub fn ensure_sound(&mut self) -> Result<()> {
        self.process.ensure_running()?;
        ensure_no_panic(&self.log())
    }

    /// Claims the box for its owner, who is then signed in.
    ///
    /// # Errors
    /// It was refused.
    pub fn claim(&self) -> Result<()> {
        let claim = json!({"code": CLAIM_CODE, "password": PASSWORD});
        self.admin.post("/api/v1/claim", &claim)?;
        let session = self.admin.send("GET", "/api/v1/session", &[], None)?;
        if session.status == 200 {
            Ok(())
        } else {
            self.sign_in()
        }
    }

    /// Signs the owner in.
    ///
    /// # Errors
    /// It was refused.
    pub fn sign_in(&self) -> Result<()> {
        self.admin
            .post("/api/v1/session", &json!({"password": PASSWORD}))
            .map(drop)
    }

    /// Links a wallet.
    ///
    /// # Errors
    /// It was refused.
    pub fn link_wallet(&self, address: &str) -> Result<()> {
        self.admin
            .post("/api/v1/wallets", &json!({"address": address}))
            .map(drop)
    }

    /// Adds a torrent for the owner.
    ///
    /// # Errors
    /// It was refused.
    pub fn accept(&self, magnet: &str) -> Result<()> {
        self.admin
            .post("/api/v1/torrents", &json!({"magnet": magnet}))
            .map(drop)
    }

    /// Asks for a model as a visitor; any answer will do.
    ///
    /// # Errors
    /// The box could not be spoken to.
    pub fn request(&self, info_hash: &str) -> Result<Answer> {
        self.public.send(
            "POST",
            &format!("/v1/models/{info_hash}/request"),
            &[],
            Some(&json!({})),
        )
    }

    /// The status, whole.
    ///
    /// # Errors
    /// It was refused.
    pub fn status(&self) -> Result<Value> {
        self.admin.get("/api/v1/status")
    }

    /// The names of what needs the owner, gravest first.
    ///
    /// # Errors
    /// It was refused.
    pub fn alerts(&self) -> Result<Vec<String>> {
        let status = self.status()?;
        let alerts = status["alerts"].as_array().context("no alerts")?;
        let ids = alerts.iter().filter_map(|alert| alert["id"].as_str());
        Ok(ids.map(str::to_owned).collect())
    }

    /// Every torrent it holds.
    ///
    /// # Errors
    /// It was refused.
    pub fn torrents(&self) -> Result<Vec<Torrent>> {
        let value: Value = self.admin.get("/api/v1/torrents")?;
        Ok(serde_json::from_value(value["torrents"].clone())?)
    }

    /// One torrent.
    ///
    /// # Errors
    /// The box does not hold it.
    pub fn torrent(&self, info_hash: &str) -> Result<Torrent> {
        let mut torrents = self.torrents()?.into_iter();
        torrents
            .find(|torrent| torrent.info_hash == info_hash)
            .ok_or_else(|| anyhow!("the box does not hold {info_hash}"))
    }

    /// Its volumes.
    ///
    /// # Errors
    /// It was refused.
    pub fn volumes(&self) -> Result<Vec<Volume>> {
        let status = self.status()?;
        Ok(serde_json::from_value(status["seeder"]["volumes"].clone())?)
    }

    /// What it did not store.
    ///
    /// # Errors
    /// It was refused.
    pub fn refusals(&self) -> Result<Vec<Refusal>> {
        let value: Value = self.admin.get("/api/v1/refusals")?;
        Ok(serde_json::from_value(value["refusals"].clone())?)
    }

    /// Waits until it holds all of a torrent and keeps it for `keep`'s sake.
    ///
    /// # Errors
    /// It was not in time; how far it came is in the error.
    pub fn wait_secured(
        &mut self,
        info_hash: &str,
        keep: &str,
        limit: Duration,
    ) -> Result<Torrent> {
        wait_until(
            &format!("{info_hash} to be secured as {keep}"),
            limit,
            || {
                self.process.ensure_running()?;
                let torrent = self.torrent(info_hash)?;
                ensure!(torrent.is_secured() && torrent.keep == keep, "{torrent:?}");
                Ok(torrent)
            },
        )
        .with_context(|| self.process.last_words())
    }

    /// Waits until it has read the chain up to `height`.
    ///
    /// # Errors
    /// It was not in time.
    pub fn wait_block(&mut self, height: u64, limit: Duration) -> Result<()> {
        wait_until(&format!("block {height}"), limit, || {
            self.process.ensure_running()?;
            let chain = &self.status()?["chain"];
            let number = chain["as_of"]["number"].as_u64().unwrap_or(0);
            ensure!(number >= height, "{chain}");
            Ok(())
        })
    }

    /// Kills it without warning and gives what it was, to be started again.
    ///
    /// # Errors
    /// The system cannot tell how it ended.
    pub fn kill(mut self) -> Result<Settings> {
        self.process.kill()?;
        ensure_no_panic(&self.log())?;
        Ok(self.settings.clone())
    }

    /// Waits until it has ended by itself, and gives what it was, to be started again.
    ///
    /// # Errors
    /// It did not within `limit`, or did not end well.
    pub fn wait_end(mut self, limit: Duration) -> Result<Settings> {
        let status = wait_until("the box to end", limit, || {
            self.process.ended()?.context("it runs")
        })?;
        ensure!(
            status.success(),
            "the box ended with {status}:\n{}",
            self.process.last_words()
        );
        ensure_no_panic(&self.log())?;
        Ok(self.settings.clone())
    }

    /// Interrupts it as Ctrl-C does.
    ///
    /// # Errors
    /// It took longer than [`DRAIN_LIMIT`], or did not end well.
    pub fn interrupt(mut self) -> Result<()> {
        let (status, _) = self.process.end(Signal::INT, DRAIN_LIMIT)?;
        ensure!(
            status.success(),
            "the box ended with {status}:\n{}",
            self.process.last_words()
        );
        Ok(())
    }

    /// Asks it to end and gives what it was, to be started again, and how long it took.
    ///
    /// # Errors
    /// It took longer than [`DRAIN_LIMIT`], or did not end well.
    pub fn terminate(mut self) -> Result<(Settings, Duration)> {
        let (status, took) = self.process.end(Signal::TERM, DRAIN_LIMIT)?;
        ensure!(
            status.success(),
            "the box ended with {status}:\n{}",
            self.process.last_words()
        );
        ensure_no_panic(&self.log())?;
        let listening = self.settings.data().join("listening.json");
        ensure!(
            !listening.exists(),
            "the box left {} behind",
            listening.display()
        );
        Ok((self.settings.clone(), took))
    }
}

fn ensure_no_panic(log: &str) -> Result<()> {
    match log.lines().find(|line| line.contains("panicked at")) {
        Some(line) => bail!("the box panicked: {line}"),
        None => Ok(()),
    }
}

/// The box's binary of the same build profile as the test, brought up to date once a run.
fn binary() -> Result<&'static Path> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BINARY.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    built
        .as_deref()
        .map_err(|error| anyhow!("the box does not build: {error}"))
}

fn build() -> Result<PathBuf> {
    if let Some(binary) = std::env::var_os("SEEDBOX_BINARY") {
        return Ok(binary.into());
    }
    // <target>/<profile>/[deps/]<this program>
    let program = std::env::current_exe()?;
    let folder = program.parent().context("no folder")?;
    let folder = if folder.ends_with("deps") {
        folder.parent().context("no folder")?
    } else {
        folder
    };
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let profile = if name == "debug" { "dev" } else { &name };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "build",
        "--quiet",
        "--package",
        "seedbox",
        "--profile",
        profile,
        "--target-dir",
    ]);
    cargo
        .arg(folder.parent().context("no folder")?)
        .current_dir(repository());
    // What cargo tells this program about its own package would make build scripts that look at it
    // run again, and everything that hangs on them be compiled again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    run(&mut cargo)?;
    Ok(folder.join("seedbox"))
}
