//! The service: binds early, so that errors are early, then takes links until told to stop.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{Config, Error, NodeId, NodeKey, Peer, Protocol, Stream, endpoint, links::Links};

/// How long peers get to hear that links close.
const FAREWELL: Duration = Duration::from_secs(3);

/// The mesh, bound and ready to run.
pub struct Service {
    links: Arc<Links>,
}

/// Opens streams; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    links: Arc<Links>,
    key: NodeKey,
    listening: Option<SocketAddr>,
}

/// The streams that peers open for one protocol.
pub struct Streams(mpsc::Receiver<Stream>);

impl Streams {
    /// The next one; `None` once the mesh is gone. A stream shows when its opener has sent the first
    /// byte. Who does not take them fast enough lets them be reset.
    pub async fn accept(&mut self) -> Option<Stream> {
        self.0.recv().await
    }
}

/// Sums without names, for the owner's panel and for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Links open that this box began.
    pub dialled: usize,
    /// Links open that others began.
    pub accepted: usize,
    /// Streams that this box opened since the start.
    pub streams_opened: u64,
    /// Streams that others opened since the start.
    pub streams_accepted: u64,
    /// Links and streams refused by a limit since the start.
    pub refused: u64,
}

impl Service {
    /// Binds the mesh for these protocols and answers the streams of each, in the same order.
    ///
    /// # Errors
    /// [`Error::Listen`] if the address cannot be listened on, [`Error::Relay`] if a relay is none.
    pub async fn bind<const N: usize>(
        config: Config,
        protocols: [Protocol; N],
    ) -> Result<(Self, Handle, [Streams; N]), Error> {
        let endpoint = endpoint::bind(&config, &protocols).await?;
        let listening = endpoint::listening(&endpoint);
        let mut takers = HashMap::new();
        let streams = protocols.map(|protocol| {
            let (sender, receiver) = mpsc::channel(config.limits.waiting);
            takers.insert(protocol, sender);
            Streams(receiver)
        });
        let links = Arc::new(Links::new(endpoint, config.limits, takers));
        let handle = Handle {
            links: Arc::clone(&links),
            key: config.key,
            listening,
        };
        Ok((Self { links }, handle, streams))
    }

    /// Takes links until `cancelled`, then closes all.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the engine ends by itself.
    pub async fn run(self, cancelled: CancellationToken) -> Result<(), Error> {
        let ended = loop {
            let incoming = tokio::select! {
                () = cancelled.cancelled() => break Ok(()),
                incoming = self.links.endpoint.accept() => incoming,
            };
            match incoming {
                Some(incoming) => self.links.incoming(incoming),
                None => break Err(Error::Stopped),
            }
        };
        self.links.stop.cancel();
        self.links.tasks.close();
        let farewell = async {
            self.links.tasks.wait().await;
            self.links.endpoint.close().await;
        };
        if timeout(FAREWELL, farewell).await.is_err() {
            tracing::debug!("some peers did not hear that the mesh stops");
        }
        ended
    }
}

impl Handle {
    /// This box's name.
    pub fn id(&self) -> NodeId {
        self.key.id()
    }

    /// Where the mesh listens, UDP, on this machine.
    pub fn listening(&self) -> Option<SocketAddr> {
        self.listening
    }

    /// Opens a stream to a peer that speaks the protocol; whoever is at the other end has proved to
    /// be `peer.id`. He notices with the first byte that is sent.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if nobody with that key answers at these addresses, [`Error::Full`] and
    /// [`Error::Busy`] if limits are reached, [`Error::Protocol`] for one that was not declared,
    /// [`Error::Peer`] for a name that is none or our own, [`Error::Stopped`] afterwards.
    pub async fn open(&self, peer: &Peer, protocol: Protocol) -> Result<Stream, Error> {
        if peer.id == self.id() {
            return Err(Error::Peer(peer.id));
        }
        self.links.open(peer, protocol).await
    }

    /// Signs with the node key (Ed25519). The caller puts a label in front that tells what for.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message)
    }

    /// How much is going on.
    pub fn status(&self) -> Status {
        let (dialled, accepted) = self.links.open_links();
        let counters = &self.links.counters;
        Status {
            dialled,
            accepted,
            streams_opened: counters.opened.load(Ordering::Relaxed),
            streams_accepted: counters.accepted.load(Ordering::Relaxed),
            refused: counters.refused.load(Ordering::Relaxed),
        }
    }
}
