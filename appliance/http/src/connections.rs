//! Accepting connections: so many in all, so many a client, each with limits in bytes and time,
//! so that slow or greedy clients cannot keep others out.

use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpListener as StdListener},
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use seedbox_core::{Share, Shares};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    Error,
    client_address::{ClientAddress, ClientNetwork},
};

/// What one listener and one client may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections of the listener; further ones wait.
    pub(crate) connections: usize,
    /// Connections of one client; further ones are closed.
    pub(crate) a_client: usize,
    /// How long a client may take to send a request's head, or be idle.
    pub(crate) head: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 512,
            a_client: 64,
            head: Duration::from_secs(15),
        }
    }
}

/// Largest head of a request in bytes.
const HEAD_LIMIT: usize = 16 * 1024;
/// A client that takes no bytes for so long is cut off.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests under way may take once the box stops.
const DRAIN: Duration = Duration::from_secs(3);
/// Pause after a failed accept, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A bound listener.
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    name: &'static str,
    limits: Limits,
}

impl Listener {
    /// Takes the `given` socket or binds `address`. `name` is for errors.
    pub(crate) async fn bind(
        name: &'static str,
        given: Option<StdListener>,
        address: SocketAddr,
        limits: Limits,
    ) -> Result<Self, Error> {
        let unusable = |source| Error::Listener {
            listener: name,
            source,
        };
        let socket = match given {
            Some(given) => given
                .set_nonblocking(true)
                .and_then(|()| TcpListener::from_std(given))
                .map_err(unusable)?,
            None => TcpListener::bind(address)
                .await
                .map_err(|source| Error::Bind {
                    listener: name,
                    address,
                    source,
                })?,
        };
        let address = socket.local_addr().map_err(unusable)?;
        Ok(Listener {
            socket,
            address,
            name,
            limits,
        })
    }

    /// The address actually bound.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `router` until `cancelled`, then gives requests under way a moment to end.
    pub(crate) async fn serve(
        self,
        router: Router,
        cancelled: CancellationToken,
    ) -> Result<(), Error> {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let clients = Shares::default();
        let mut connections = JoinSet::new();
        let mut silent = Silent::default();
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                () = cancelled.cancelled() => break,
                accepted = accept(&self.socket, &places, &mut silent) => accepted,
            };
            let Some((stream, client, place)) = accepted else {
                tracing::warn!(listener = self.name, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let Some(admitted) = clients.admit(client.network(), self.limits.a_client) else {
                continue;
            };
            let (head, cancelled) = (self.limits.head, cancelled.clone());
            let router = router.clone();
            let held = Held(Arc::new(Holding {
                has_asked: AtomicBool::new(false),
                _place: place,
                _admitted: admitted,
            }));
            let asks = Arc::downgrade(&held.0);
            let connection = serve_connection(stream, client, held, router, head, cancelled);
            silent.push(connections.spawn(connection), asks);
        }
        // Dropping the set aborts whatever is left.
        let _ = timeout(DRAIN, async {
            while connections.join_next().await.is_some() {}
        })
        .await;
        Ok(())
    }
}

type Place = tokio::sync::OwnedSemaphorePermit;

/// A connection's place, taken until the last copy is dropped. A socket that outlives HTTP, because
/// the client asked for another protocol, keeps one.
#[derive(Clone)]
pub(crate) struct Held(Arc<Holding>);

struct Holding {
    /// Whether a request has come.
    has_asked: AtomicBool,
    _place: Place,
    _admitted: Share<ClientNetwork>,
}

/// Connections on which no request has come yet, oldest first. Where places are short, they make
/// room: who is honest asks at once and is never the oldest.
#[derive(Default)]
struct Silent(VecDeque<(AbortHandle, Weak<Holding>)>);

impl Silent {
    fn push(&mut self, connection: AbortHandle, holding: Weak<Holding>) {
        self.0.push_back((connection, holding));
        // Half of them may have asked meanwhile; looking at each once for each doubling is cheap.
        if self.0.len() == self.0.capacity() {
            self.0.retain(|(_, holding)| is_silent(holding));
        }
    }

    /// Closes the oldest, if there is one.
    fn close_one(&mut self) {
        while let Some((connection, holding)) = self.0.pop_front() {
            if is_silent(&holding) {
                connection.abort();
                return;
            }
        }
    }
}

fn is_silent(holding: &Weak<Holding>) -> bool {
    let holding = holding.upgrade();
    holding.is_some_and(|holding| !holding.has_asked.load(Ordering::Relaxed))
}

/// Waits for a connection and then for a free place.
async fn accept(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
    silent: &mut Silent,
) -> Option<(TcpStream, ClientAddress, Place)> {
    let (stream, peer) = socket.accept().await.ok()?;
    let place = Arc::clone(places).try_acquire_owned();
    let place = match place {
        Ok(place) => place,
        Err(_) => {
            silent.close_one();
            Arc::clone(places).acquire_owned().await.ok()?
        }
    };
    Some((stream, ClientAddress(peer.ip()), place))
}

async fn serve_connection(
    stream: TcpStream,
    client: ClientAddress,
    held: Held,
    router: Router,
    head: Duration,
    cancelled: CancellationToken,
) {
    // Best effort: without these a stalled reader only costs its own place.
    let socket = SockRef::from(&stream);
    let _ = socket.set_tcp_user_timeout(Some(STALL_TIMEOUT));
    let _ = socket.set_tcp_nodelay(true);
    // A layer on the router would copy every route for every connection.
    let service = service_fn(|request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(client);
        held.0.has_asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(held.clone());
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_buf_size(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    // A connection's error is its client's affair: gone, too slow, not HTTP.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = cancelled.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

#[cfg(test)]
mod tests;
