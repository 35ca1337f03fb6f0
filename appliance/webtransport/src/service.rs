//! The listener: takes visitors, and another certificate when it is time.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use rustls::crypto::ring;
use seedbox_core::{Shares, subscriber};
use tokio::{
    sync::{Semaphore, watch},
    time::{interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use web_transport_noq::{
    ALPN, Request,
    http::StatusCode,
    noq::{
        Endpoint, Incoming, ServerConfig, TransportConfig, VarInt, crypto::rustls::QuicServerConfig,
    },
};

use crate::{
    Error, Fingerprint, Reader, Writer,
    certificate::{self, Certificate},
    socket::Place,
};

/// Seconds until a visitor has to have its stream.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// A visitor of whom nothing comes for so long is gone; who lives says something every ten seconds.
const IDLE: Duration = Duration::from_secs(30);
/// How often it is looked whether another certificate is due: clocks are set, and boxes sleep.
const LOOK: Duration = Duration::from_secs(600);
/// How long visitors get to hear the end.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes that wait for a visitor, and from it.
const WINDOW: u32 = 64 * 1_024;
/// The request's and the visitor's own.
const STREAMS: u32 = 2;
/// HTTP/3's: control, and two for compression of headers; one more for what a browser tries out.
const CONTROL_STREAMS: u32 = 4;
/// HTTP/3 wants datagrams, which the relay does not use.
const DATAGRAMS: usize = 2_048;

/// What the listener is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// UDP.
    pub listen: SocketAddr,
    /// Where the certificates lie.
    pub folder: PathBuf,
    /// The path that visitors ask for, as `/relay`.
    pub path: String,
    /// Visitors at the same time.
    pub visitors: usize,
    /// Visitors of one subscriber.
    pub per_subscriber: usize,
}

/// The listener, ready to run.
pub struct Service {
    config: Config,
    endpoint: Endpoint,
    listening: SocketAddr,
    period: u64,
    fingerprints: watch::Sender<[Fingerprint; 2]>,
}

impl Service {
    /// Binds the address and makes the certificates.
    ///
    /// # Errors
    /// [`Error::Bind`], [`Error::Folder`], [`Error::Certificate`] or [`Error::Tls`].
    pub fn bind(config: Config) -> Result<Self, Error> {
        let period = certificate::period(seedbox_clock::now().0);
        let (server, fingerprints) = ready(&config, period)?;
        let bound = Endpoint::server(server, config.listen)
            .and_then(|endpoint| Ok((endpoint.local_addr()?, endpoint)));
        let (listening, endpoint) = bound.map_err(|source| Error::Bind {
            address: config.listen,
            source,
        })?;
        Ok(Self {
            config,
            endpoint,
            listening,
            period,
            fingerprints: watch::Sender::new(fingerprints),
        })
    }

    /// Where it listens, UDP.
    pub const fn listening(&self) -> SocketAddr {
        self.listening
    }

    /// The hashes of the certificate in use and of the next one.
    pub fn fingerprints(&self) -> watch::Receiver<[Fingerprint; 2]> {
        self.fingerprints.subscribe()
    }

    /// Hands each visitor's stream to `serve` until `cancelled`.
    ///
    /// # Errors
    /// The next certificate cannot be made or kept.
    pub async fn run<F>(
        mut self,
        serve: impl Fn(Reader, Writer) -> F + Clone + Send + Sync + 'static,
        cancelled: CancellationToken,
    ) -> Result<(), Error>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let visitors = TaskTracker::new();
        let places = Arc::new(Semaphore::new(self.config.visitors));
        let subscribers = Shares::default();
        let mut look = interval(LOOK);
        let outcome = loop {
            let incoming = tokio::select! {
                () = cancelled.cancelled() => break Ok(()),
                _ = look.tick() => {
                    if let Err(error) = self.renew() {
                        break Err(error);
                    }
                    continue;
                }
                incoming = self.endpoint.accept() => incoming,
            };
            let Some(incoming) = incoming else {
                break Ok(());
            };
            if !incoming.remote_address_validated() {
                // Costs a round trip, and nobody can take places in another's name.
                let _ = incoming.retry();
                continue;
            }
            let subscriber = subscriber(incoming.remote_address().ip());
            let share = subscribers.admit(subscriber, self.config.per_subscriber);
            let permit = Arc::clone(&places).try_acquire_owned();
            let (Some(share), Ok(permit)) = (share, permit) else {
                incoming.refuse();
                continue;
            };
            let (path, serve) = (self.config.path.clone(), serve.clone());
            visitors.spawn(async move {
                let opened = timeout(HANDSHAKE, open(incoming, &path)).await;
                if let Ok(Some((session, writer, reader))) = opened {
                    let place = Arc::new(Place {
                        _session: session,
                        _permit: permit,
                        _share: share,
                    });
                    let reader = Reader {
                        stream: reader,
                        _place: Arc::clone(&place),
                    };
                    let writer = Writer {
                        stream: writer,
                        _place: place,
                    };
                    serve(reader, writer).await;
                }
            });
        };
        visitors.close();
        let _ = timeout(FAREWELL, visitors.wait()).await;
        self.endpoint.close(VarInt::from_u32(0), b"");
        outcome
    }

    /// Takes another certificate if it is time.
    fn renew(&mut self) -> Result<(), Error> {
        let now = certificate::period(seedbox_clock::now().0);
        if now == self.period {
            return Ok(());
        }
        let (server, fingerprints) = ready(&self.config, now)?;
        self.endpoint.set_server_config(Some(server));
        self.period = now;
        self.fingerprints.send_replace(fingerprints);
        Ok(())
    }
}

/// The certificate of a period in use, and its hash and the next one's.
fn ready(config: &Config, period: u64) -> Result<(ServerConfig, [Fingerprint; 2]), Error> {
    certificate::tidy(&config.folder, certificate::end(period) - 1)?;
    let current = Certificate::of(&config.folder, period)?;
    let next = Certificate::of(&config.folder, period + 1)?;
    let fingerprints = [current.fingerprint(), next.fingerprint()];
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![current.chain], current.key)?;
    tls.alpn_protocols = vec![ALPN.as_bytes().to_vec()];
    let quic = QuicServerConfig::try_from(tls)
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(STREAMS.into())
        .max_concurrent_uni_streams(CONTROL_STREAMS.into())
        .stream_receive_window(WINDOW.into())
        .receive_window((2 * WINDOW).into())
        .send_window(WINDOW.into())
        .datagram_receive_buffer_size(Some(DATAGRAMS))
        .datagram_send_buffer_size(DATAGRAMS)
        .max_idle_timeout(IDLE.try_into().ok());
    let mut server = ServerConfig::with_crypto(Arc::new(quic));
    server.transport_config(Arc::new(transport));
    server.migration(true);
    Ok((server, fingerprints))
}

type Opened = (
    web_transport_noq::Session,
    web_transport_noq::SendStream,
    web_transport_noq::RecvStream,
);

/// The visitor's one stream; `None` if it wants something else.
async fn open(incoming: Incoming, path: &str) -> Option<Opened> {
    let connection = incoming.accept().ok()?.await.ok()?;
    let request = Request::accept(connection).await.ok()?;
    if request.url.path() != path {
        let _ = request.reject(StatusCode::NOT_FOUND).await;
        return None;
    }
    let session = request.ok().await.ok()?;
    let (writer, reader) = session.accept_bi().await.ok()?;
    Some((session, writer, reader))
}
