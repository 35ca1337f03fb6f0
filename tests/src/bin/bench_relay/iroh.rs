//! `iroh-relay`'s server in a process of its own, without TLS as the box is, and pairs of its own clients.

use std::{
    io::{BufRead, BufReader},
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use futures::{SinkExt, StreamExt};
use iroh_base::{RelayUrl, SecretKey};
use iroh_dns::dns::DnsResolver;
use iroh_relay::{
    client::{Client, ClientBuilder},
    protos::relay::{ClientToRelayMsg, Datagrams, RelayToClientMsg},
    server::{RelayConfig, Server, ServerConfig},
    tls::{CaTlsConfig, default_provider},
};
use tokio::time::{MissedTickBehavior, interval_at, sleep_until, timeout};

/// The argument that makes this program the server.
pub(crate) const SERVER: &str = "iroh-relay-server";
const LIMIT: Duration = Duration::from_secs(20);

/// Serves until it is killed.
pub(crate) fn serve() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let mut config = ServerConfig::default();
            config.relay = Some(RelayConfig::new((Ipv4Addr::LOCALHOST, 0)));
            let mut server = Server::spawn(config)
                .await
                .map_err(|error| anyhow!("{error}"))?;
            println!("http://{}", server.http_addr().context("no address")?);
            let ended = server.join().await.map_err(|error| anyhow!("{error}"))?;
            ended.map_err(|error| anyhow!("{error}"))
        })
}

/// The server's process.
pub(crate) struct IrohRelay {
    child: Child,
    url: RelayUrl,
}

impl IrohRelay {
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVER)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let url = line.trim().parse()?;
        Ok(Self { child, url })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets `pairs` of clients send each other 200 bytes ten times a second. `warm` is called when all are
    /// there and have talked for two seconds, `done` at the end of `span`; answers how many messages
    /// arrived in between.
    pub(crate) fn talk(
        &self,
        pairs: usize,
        span: Duration,
        mut warm: impl FnMut() -> Result<()>,
        mut done: impl FnMut() -> Result<()>,
    ) -> Result<(u64, Duration)> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let heard = Arc::new(AtomicU64::new(0));
            let mut people = tokio::task::JoinSet::new();
            let mut clients = Vec::new();
            for _ in 0..pairs {
                let keys = [SecretKey::generate(), SecretKey::generate()];
                let one = self.connect(&keys[0]).await?;
                let other = self.connect(&keys[1]).await?;
                clients.push((one, keys[1].public()));
                clients.push((other, keys[0].public()));
            }
            let begun = tokio::time::Instant::now();
            let all = u32::try_from(clients.len())?;
            for (number, (client, peer)) in (0_u32..).zip(clients) {
                let first = begun + Duration::from_millis(100) * number / all;
                people.spawn(person(client, peer, first, Arc::clone(&heard)));
            }
            sleep_until(begun + Duration::from_secs(2)).await;
            warm()?;
            let (before, started) = (heard.load(Ordering::Relaxed), Instant::now());
            sleep_until(begun + Duration::from_secs(2) + span).await;
            let messages = heard.load(Ordering::Relaxed) - before;
            let took = started.elapsed();
            done()?;
            if let Some(ended) = people.try_join_next() {
                ended??;
            }
            Ok((messages, took))
        })
    }

    async fn connect(&self, key: &SecretKey) -> Result<Client> {
        let tls = CaTlsConfig::default().client_config(default_provider())?;
        let builder = ClientBuilder::new(self.url.clone(), key.clone(), DnsResolver::new())
            .tls_client_config(tls);
        let connected = timeout(LIMIT, builder.connect()).await?;
        connected.map_err(|error| anyhow!("{error}"))
    }
}

impl Drop for IrohRelay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn person(
    client: Client,
    peer: iroh_base::EndpointId,
    first: tokio::time::Instant,
    heard: Arc<AtomicU64>,
) -> Result<()> {
    let (mut from, mut to) = client.split();
    let mut beat = interval_at(first, Duration::from_millis(100));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = beat.tick() => {
                let datagrams = Datagrams::from([7; 200]);
                let message = ClientToRelayMsg::Datagrams { dst_endpoint_id: peer, datagrams };
                to.send(message).await.map_err(|error| anyhow!("{error}"))?;
            }
            message = from.next() => {
                let message = message.context("the relay is gone")?;
                match message.map_err(|error| anyhow!("{error}"))? {
                    RelayToClientMsg::Datagrams { .. } => { heard.fetch_add(1, Ordering::Relaxed); }
                    RelayToClientMsg::Ping(token) => {
                        let pong = to.send(ClientToRelayMsg::Pong(token)).await;
                        pong.map_err(|error| anyhow!("{error}"))?;
                    }
                    _ => {}
                }
            }
        }
    }
}
