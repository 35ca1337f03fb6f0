//! Thousands of clients of the relay in one process, for `bench_relay`.

pub mod crowd;
pub mod pairs;
pub mod rooms;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use seedbox_relay_proto::{Descriptor, RoomName, RoomSecret, policy, record::Record};
use serde_json::Value;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::ClientRequestBuilder, protocol::WebSocketConfig},
};

use crate::{
    process::Usage,
    relay::{BoxKeys, Path, Told},
    seedbox::Seedbox,
};

/// How long a client may take to enter, with all attempts.
const ENTER: Duration = Duration::from_secs(120);

/// What a server did in a while.
#[derive(Debug)]
pub struct Measured {
    /// How long the while was.
    pub seconds: f64,
    /// Messages or poses that should have arrived.
    pub due: u64,
    /// Those that did.
    pub received: u64,
    /// Processor seconds of the servers.
    pub cpu_seconds: f64,
}

impl Measured {
    /// The share that arrived.
    pub fn share(&self) -> f64 {
        self.received as f64 / self.due.max(1) as f64
    }
}

/// The box's descriptor.
///
/// # Errors
/// It does not relay.
pub fn descriptor(seedbox: &Seedbox) -> Result<Descriptor> {
    let answer: Value = seedbox.public().get("/v1/relay")?;
    let text = answer["descriptors"][0].as_str().context("no descriptor")?;
    let now = std::time::UNIX_EPOCH.elapsed()?.as_secs();
    Ok(Descriptor::read(&BASE64_STANDARD.decode(text)?, now)?)
}

/// How other boxes are told of this one.
///
/// # Errors
/// It has no address.
pub fn named(descriptor: &Descriptor) -> Result<String> {
    let address = descriptor.addresses.first().context("no address")?;
    Ok(format!("{}@{address}", hex::encode(descriptor.node.0)))
}

/// Where the box's public listener is.
///
/// # Errors
/// It is not an address.
pub fn entry(seedbox: &Seedbox) -> Result<SocketAddr> {
    Ok(seedbox
        .public()
        .base()
        .trim_start_matches("http://")
        .parse()?)
}

/// A room that may be entered in one hop.
pub fn room(number: usize) -> RoomName {
    let mut secret = [0; 32];
    secret[..8].copy_from_slice(&number.to_le_bytes());
    RoomName {
        policy: policy::DIRECT,
        owner: [0; 32],
        salt: RoomSecret::new(secret).salt(),
    }
}

/// Processor seconds between two looks.
fn cpu(before: Usage, after: Usage) -> f64 {
    after.cpu_seconds - before.cpu_seconds
}

/// A client.
pub struct Client {
    socket: WebSocketStream<TcpStream>,
    path: Path,
}

impl Client {
    /// Enters, again if the box has too many at the door.
    ///
    /// # Errors
    /// It cannot within two minutes.
    pub async fn connect(entry: SocketAddr, path: &[BoxKeys]) -> Result<Self> {
        let until = Instant::now() + ENTER;
        loop {
            match Self::try_connect(entry, path).await {
                Ok(client) => return Ok(client),
                Err(error) if Instant::now() > until => return Err(error),
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn try_connect(entry: SocketAddr, path: &[BoxKeys]) -> Result<Self> {
        let stream = TcpStream::connect(entry).await?;
        stream.set_nodelay(true)?;
        let request = ClientRequestBuilder::new(format!("ws://{entry}/relay").parse()?)
            .with_sub_protocol("cosmos-relay.1");
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(0);
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await?;
        let mut client = Self {
            socket,
            path: Path::default(),
        };
        for keys in path {
            let (mut initiator, frames) = client.path.extend(*keys)?;
            for frame in frames {
                client.write(frame).await?;
            }
            loop {
                let answer = client.inner().await?;
                match client.path.answered(initiator, &answer)? {
                    None => break,
                    Some((again, frame)) => {
                        initiator = again;
                        client.write(frame).await?;
                    }
                }
            }
        }
        Ok(client)
    }

    /// Enters a room; answers the own slot.
    ///
    /// # Errors
    /// The room refuses.
    pub async fn join(&mut self, room: RoomName) -> Result<u8> {
        let frame = self.path.join(room)?;
        self.write(frame).await?;
        loop {
            for told in self.next().await? {
                match told {
                    Told::Joined(slot, _) => return Ok(slot),
                    Told::Other(0x2a) => bail!("the room refuses"),
                    _ => {}
                }
            }
        }
    }

    /// Sends a record to the last box.
    ///
    /// # Errors
    /// The socket is gone.
    pub async fn record(&mut self, record: &Record<'_>) -> Result<()> {
        let frame = self.path.seal(record)?;
        self.write(frame).await
    }

    /// What the next frame tells.
    ///
    /// # Errors
    /// The session is over.
    pub async fn next(&mut self) -> Result<Vec<Told>> {
        let frame = self.frame().await?;
        Ok(self.path.open(&frame)?.told)
    }

    async fn inner(&mut self) -> Result<Vec<u8>> {
        loop {
            let frame = timeout(Duration::from_secs(10), self.frame()).await??;
            if let Some(inner) = self.path.open(&frame)?.inner {
                return Ok(inner);
            }
        }
    }

    async fn frame(&mut self) -> Result<Bytes> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Binary(frame))) => return Ok(frame),
                Some(Ok(Message::Close(_))) | None => bail!("the box closed the socket"),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(anyhow!(error)),
            }
        }
    }

    async fn write(&mut self, frame: Bytes) -> Result<()> {
        Ok(self.socket.send(Message::Binary(frame)).await?)
    }
}
