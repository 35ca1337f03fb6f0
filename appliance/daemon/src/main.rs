//! The box itself: configure, build, run, drain. Only the daemon knows all services; it gives
//! each what it needs and passes the owner's orders on.

mod alerts;
mod appliance;
mod board;
mod clock;
mod config;
mod console;
mod factory_reset;
mod gate;
mod instance;
mod logging;
mod preset;
mod relay;
mod run;
mod settings;
mod settings_files;
mod supervise;
mod updates;
mod webtransport;

use clap::{Args, Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

use config::Config;
use settings::Settings;

/// The Cosmos seed box.
#[derive(Parser)]
#[command(name = "seedbox", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the box until it is told to stop.
    Run(Configured),
    /// Asks the running box how it is; fails if it is not well.
    #[command(alias = "health")]
    Healthcheck(Healthcheck),
    /// Shows the code that claims a new box.
    ClaimCode(Configured),
    /// Forgets the owner's password and makes a new claim code.
    ResetPassword(Configured),
    /// Applies what the owner wrote on the card, once; for root, before the network is up.
    Preset {
        /// The folder with the owner's seedbox.toml, the card's FAT partition.
        #[arg(long)]
        boot: PathBuf,
        /// Where the machine's name, the Wi-Fi network and the box's own share go.
        #[arg(long)]
        into: PathBuf,
    },
    /// Prints the OpenAPI description of the owner's API.
    Openapi,
}

#[derive(Args)]
struct Healthcheck {
    /// Whether it can work: it has started, and its data folder can be written.
    #[arg(long)]
    ready: bool,
    /// Asks again until the answer is good, for so long at most, like 3min.
    #[arg(long)]
    wait: Option<String>,
    #[command(flatten)]
    configured: Configured,
}

#[derive(Args)]
struct Configured {
    /// The configuration file (TOML).
    #[arg(long, env = "SEEDBOX_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

impl Configured {
    fn read(self) -> anyhow::Result<Config> {
        let from_files = settings_files::read(|name| std::env::var(name).ok())?;
        Config::read(self.settings.or(from_files), self.config.as_deref())
    }
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(configured) => configured.read().and_then(run::run),
        Command::Healthcheck(Healthcheck {
            ready,
            wait,
            configured,
        }) => configured
            .read()
            .and_then(|config| console::healthcheck(&config, ready, wait.as_deref())),
        Command::ClaimCode(configured) => configured
            .read()
            .and_then(|config| console::claim_code(&config)),
        Command::ResetPassword(configured) => configured
            .read()
            .and_then(|config| console::reset_password(&config)),
        Command::Preset { boot, into } => preset::apply(&boot, &into),
        Command::Openapi => {
            use std::io::Write;
            // A reader that has seen enough is no error.
            let _ = write!(std::io::stdout(), "{}", seedbox_http::openapi_json());
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("seedbox: {error:#}");
            ExitCode::FAILURE
        }
    }
}
