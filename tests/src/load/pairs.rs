//! Pairs that send each other messages at the same rate: through a box, through two, and through
//! `iroh-relay` as its library makes it.

use std::{
    net::Ipv4Addr,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use futures::{SinkExt, StreamExt, TryStreamExt, stream};
use iroh_base::{RelayUrl, SecretKey};
use iroh_relay::{
    client::ClientBuilder,
    protos::relay::{ClientToRelayMsg, Datagrams, RelayToClientMsg},
    server::{RelayConfig, Server, ServerConfig},
};
use seedbox_relay_proto::record::Record;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};

use super::{Client, Measured, cpu, descriptor, entry, room};
use crate::{
    process::{Process, Usage},
    relay::{BoxKeys, Told},
    seedbox::Seedbox,
    wait::wait_until,
};

/// The argument with which this program becomes the other relay.
pub const SERVE: &str = "serve-iroh-relay";

const PAIRS: usize = 250;
/// Between two messages of a client.
const STEP: Duration = Duration::from_millis(62);
/// Bytes of a message.
const MESSAGE: usize = 200;
const WARM_UP: Duration = Duration::from_secs(3);
const WHILE: Duration = Duration::from_secs(15);
const DOOR: usize = 64;

#[derive(Default)]
struct Run {
    counting: AtomicBool,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Run {
    /// The message's first byte says whether it counts.
    fn message(&self) -> [u8; MESSAGE] {
        let counts = self.counting.load(Ordering::Relaxed);
        self.sent.fetch_add(counts.into(), Ordering::Relaxed);
        let mut message = [7; MESSAGE];
        message[0] = counts.into();
        message
    }

    fn arrived(&self, message: &[u8]) {
        if message.first() == Some(&1) {
            self.received.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Lets the clients talk and looks at the servers before and after.
async fn watch(
    run: &Run,
    talking: &mut JoinSet<Result<()>>,
    usage: impl Fn() -> Result<Vec<Usage>>,
) -> Result<Measured> {
    sleep(WARM_UP).await;
    let before = usage()?;
    run.counting.store(true, Ordering::Relaxed);
    sleep(WHILE).await;
    run.counting.store(false, Ordering::Relaxed);
    let after = usage()?;
    sleep(Duration::from_millis(500)).await;
    if let Some(ended) = talking.try_join_next() {
        ended??;
    }
    Ok(Measured {
        seconds: WHILE.as_secs_f64(),
        due: run.sent.load(Ordering::Relaxed),
        received: run.received.load(Ordering::Relaxed),
        cpu_seconds: before
            .into_iter()
            .zip(after)
            .map(|(before, after)| cpu(before, after))
            .sum(),
    })
}

fn begin(number: usize) -> Instant {
    Instant::now() + STEP.mul_f64(number as f64 * 0.618_034 % 1.0)
}

/// Both clients of each pair on the box that hosts their room.
///
/// # Errors
/// Somebody does not get in, or is put out.
pub async fn one_hop(seedbox: &Seedbox) -> Result<Measured> {
    let keys = (&descriptor(seedbox)?).into();
    boxes(seedbox, &[keys], || Ok(vec![seedbox.usage()?])).await
}

/// Both clients of each pair on an entry box, their room on another.
///
/// # Errors
/// Somebody does not get in, or is put out.
pub async fn two_hops(first: &Seedbox, last: &Seedbox) -> Result<Measured> {
    let path = [(&descriptor(first)?).into(), (&descriptor(last)?).into()];
    boxes(first, &path, || Ok(vec![first.usage()?, last.usage()?])).await
}

async fn boxes(
    first: &Seedbox,
    path: &[BoxKeys],
    usage: impl Fn() -> Result<Vec<Usage>>,
) -> Result<Measured> {
    let address = entry(first)?;
    let clients: Vec<Client> = stream::iter(0..2 * PAIRS)
        .map(|number| async move {
            let mut client = Client::connect(address, path).await?;
            client.join(room(number / 2)).await?;
            anyhow::Ok(client)
        })
        .buffer_unordered(DOOR)
        .try_collect()
        .await?;
    let run = Arc::<Run>::default();
    let mut talking = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        talking.spawn(talk(client, Arc::clone(&run), begin(number)));
    }
    watch(&run, &mut talking, usage).await
}

async fn talk(mut client: Client, run: Arc<Run>, begin: Instant) -> Result<()> {
    let mut steps = interval_at(begin, STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = steps.tick() => {
                client.record(&Record::Send { to: 255, sealed: &run.message() }).await?;
            }
            told = client.next() => {
                for told in told? {
                    if let Told::Message(_, message) = told {
                        run.arrived(&message);
                    }
                }
            }
        }
    }
}

/// Becomes a relay of the other kind until killed; prints its port.
///
/// # Errors
/// It cannot listen.
pub fn serve_iroh() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut config = ServerConfig::default();
        config.relay = Some(RelayConfig::new((Ipv4Addr::LOCALHOST, 0)));
        let mut server = Server::spawn(config).await?;
        println!("listening {}", server.http_addr().context("no address")?);
        server.join().await??;
        Ok(())
    })
}

/// The same through `iroh-relay`, in a process of its own.
///
/// # Errors
/// It does not start, or somebody does not get in.
pub async fn iroh() -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(SERVE);
    let server = Process::start(&command, &folder.path().join("log"))?;
    let address = wait_until("the other relay to listen", Duration::from_secs(10), || {
        let log = server.log();
        let line = log.lines().find_map(|line| line.strip_prefix("listening "));
        Ok(line.context("not yet")?.to_owned())
    })?;
    let url: RelayUrl = format!("http://{address}").parse()?;
    let keys: Vec<SecretKey> = (0..2 * PAIRS).map(|_| SecretKey::generate()).collect();
    let mut clients = Vec::new();
    let tls = iroh_relay::tls::CaTlsConfig::embedded()
        .client_config(iroh_relay::tls::default_provider())?;
    for key in &keys {
        let resolver = iroh_dns::dns::DnsResolver::new();
        let builder = ClientBuilder::new(url.clone(), key.clone(), resolver);
        clients.push(builder.tls_client_config(tls.clone()).connect().await?);
    }
    let run = Arc::<Run>::default();
    let mut talking = JoinSet::new();
    for (number, mut client) in clients.into_iter().enumerate() {
        let other = keys[number ^ 1].public();
        let run = Arc::clone(&run);
        talking.spawn(async move {
            let mut steps = interval_at(begin(number), STEP);
            steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
            loop {
                tokio::select! {
                    _ = steps.tick() => {
                        let message = run.message().to_vec();
                        client.send(ClientToRelayMsg::Datagrams {
                            dst_endpoint_id: other,
                            datagrams: Datagrams::from(message),
                        }).await?;
                    }
                    told = client.next() => match told.context("put out")?? {
                        RelayToClientMsg::Datagrams { datagrams, .. } => run.arrived(&datagrams.contents),
                        RelayToClientMsg::Ping(token) => client.send(ClientToRelayMsg::Pong(token)).await?,
                        _ => {}
                    },
                }
            }
        });
    }
    let measured = watch(&run, &mut talking, || Ok(vec![server.usage()?])).await?;
    ensure!(measured.received > 0, "nothing arrived");
    Ok(measured)
}
