//! Build everything, run it, and drain when told to stop.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use listenfd::ListenFd;
use seedbox_store::Store;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use crate::{
    alerts,
    appliance::Orders,
    board, clock,
    config::{self, Config},
    factory_reset,
    gate::Gate,
    instance::{self, DATABASE, Instance, Listening},
    logging, preset, relay,
    settings_files::SUFFIX,
    supervise::{Progress, Services},
};

/// How long the services may take to end. What comes after it, in the process and around it, has to
/// fit into the 8 s that are promised.
const DRAIN: Duration = Duration::from_secs(5);

pub(crate) fn run(config: Config) -> anyhow::Result<()> {
    logging::start(config.log);
    warn_of_unknown_environment();
    allow_descriptors();
    // Two threads serve a two- or four-core board; disk work has its own, few.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(serve(config));
    runtime.shutdown_timeout(Duration::from_millis(500));
    result
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for signals")?;
    let instance = Instance::lock(&config.data)?;
    factory_reset::carry_out(&config.data, &config.seeder.volumes)?;
    let stop = CancellationToken::new();
    let start_anew = CancellationToken::new();
    let mut services = Services::new(stop.clone());
    Box::pin(build(config, &instance, &mut services, &start_anew)).await?;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);

    let outcome = tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        // Whoever runs the box starts it again.
        () = start_anew.cancelled() => Ok(()),
        failure = services.first_to_end() => Err(failure),
    };
    log::info!("stopping");
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    stop.cancel();
    let drained = services.drain(DRAIN).await;
    outcome.and(drained)
}

async fn build(
    config: Config,
    instance: &Instance,
    services: &mut Services,
    start_anew: &CancellationToken,
) -> anyhow::Result<()> {
    // First, so that its light shows that the box is starting.
    let (board, board_handle) = seedbox_board::Service::new(&config.board)?;
    services.spawn("board", |stop| async move { Ok(board.run(stop).await?) });
    let store = Store::open(&config.data.join(DATABASE))?;
    let clock = clock::Keeper::start(store.clone(), clock::TIMESYNC.into()).await?;
    let preset = preset::Taken::read(&config.data, &store).await?;
    let (name, name_handle) =
        seedbox_mdns::Service::new(config.name.mdns(preset.hostname.clone()))?;

    let volumes = config.seeder.volumes.clone();
    let seeder = seedbox_seeder::Config {
        first_quota: preset.quota,
        ..config.seeder
    };
    let (chain, chain_handle) = seedbox_chain::Service::new(config.chain, store.clone()).await?;
    let (owned, grid) = (chain_handle.owned(), chain_handle.grid());
    let (seeder, seeder_handle) =
        seedbox_seeder::Service::new(seeder, store.clone(), owned.clone(), grid).await?;
    let gate = Gate(chain_handle.clone());
    let (relay, mesh) =
        relay::start(config.relay, &config.data, store.clone(), gate, services).await?;
    let (updater, updater_handle) =
        seedbox_updater::Service::new(config.updater, store.clone()).await?;
    let mut sources = alerts::Sources {
        chain: chain_handle.status(),
        seeder: seeder_handle.status(),
        owned,
        update: updater_handle.status(),
        further: vec![clock.concerns(), board_handle.concerns()],
    };
    let update = updater_handle.status();
    let (alert_list, alerts) = watch::channel(Arc::default());
    let orders = Orders {
        relay,
        chain: chain_handle,
        updater: updater_handle,
        store: store.clone(),
        seeder: seeder_handle.clone(),
        alerts: alerts.clone(),
        data: config.data.clone(),
        volumes,
        start_anew: start_anew.clone(),
    };
    let mut http = http_config(config.http, &preset)?;
    if config.name.mdns {
        http.local_names = name_handle.names();
    }
    let (http, http_handle) =
        seedbox_http::Service::bind(http, store.clone(), Arc::new(orders)).await?;
    preset.done()?;
    sources.further.push(http_handle.concerns());
    let attendant = board::Attendant {
        board: board_handle,
        http: http_handle.clone(),
        alerts,
        update,
        data: config.data,
        start_anew: start_anew.clone(),
    };

    let peers = seeder_handle.status().borrow().listen_port;
    let (admin, public) = (http_handle.admin_address(), http_handle.public_address());
    services.spawn("chain", |stop| async move { Ok(chain.run(stop).await?) });
    services.spawn("seeder", |stop| async move { Ok(seeder.run(stop).await?) });
    services.spawn(
        "updater",
        |stop| async move { Ok(updater.run(stop).await?) },
    );
    services.spawn("http", |stop| async move { Ok(http.run(stop).await?) });
    services.spawn("clock", |stop| clock.run(stop));
    services.spawn("alerts", |stop| async move {
        alerts::gather(sources, alert_list, stop).await;
        Ok(())
    });
    services.spawn("attendant", |stop| attendant.run(stop));
    if config.name.mdns {
        services.spawn("name", move |stop| async move {
            Ok(name.run(admin.port(), stop).await?)
        });
    }
    services.watch_progress(Progress {
        store,
        seeder: seeder_handle,
        panel: instance::reachable(admin),
    });
    instance.announce(&Listening {
        admin,
        public,
        peers,
        mesh,
    })?;

    log::info!("admin panel at http://{admin}, public listener at http://{public}");
    if let Some(code) = http_handle.claim_code().await? {
        log::info!("nobody owns this box yet: open the panel and enter the claim code {code}");
    }
    Ok(())
}

fn http_config(
    config: config::Http,
    preset: &preset::Taken,
) -> anyhow::Result<seedbox_http::Config> {
    let mut sockets = ListenFd::from_env();
    let mut socket = |n| {
        let socket = sockets.take_tcp_listener(n);
        socket.context("socket activation failed")
    };
    Ok(seedbox_http::Config {
        admin_listen: config.admin_listen,
        public_listen: config.public_listen,
        admin_socket: socket(0)?,
        public_socket: socket(1)?,
        public_connections: config.public_connections,
        public_connections_per_client: config.public_connections_per_client,
        host_names: config.host_names,
        metrics: config.metrics,
        claim_code: config.claim_code.or_else(|| preset.claim_code.clone()),
        ..seedbox_http::Config::default()
    })
}

/// Takes as many file descriptors as the system grants: every visitor, peer and open file needs
/// one, and the default of 1,024 is meant for programs that use `select`.
fn allow_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let granted = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: granted,
        maximum: granted,
    };
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        log::warn!("cannot raise the limit of open files: {error}");
    }
}

fn warn_of_unknown_environment() {
    use clap::{Args, Command};
    let known = crate::settings::Settings::augment_args(Command::new("seedbox"));
    let is_known = |name: &str| {
        name == "SEEDBOX_CONFIG"
            || known
                .get_arguments()
                .filter_map(|a| a.get_env()?.to_str())
                .any(|setting| name.strip_suffix(SUFFIX).unwrap_or(name) == setting)
    };
    for (name, _) in std::env::vars_os() {
        if let Some(name) = name.to_str()
            && name.starts_with("SEEDBOX_")
            && !is_known(name)
        {
            log::warn!("the environment variable {name} is no setting of the box and is ignored");
        }
    }
}
