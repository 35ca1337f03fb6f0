//! The links that there are: at most one that we begin to each peer and protocol, used for streams
//! in both directions whoever began it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use iroh::{
    Endpoint,
    endpoint::{Accepting, Connection, Incoming, VarInt},
};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Error, Limits, NodeId, Peer, Protocol, Stream,
    admission::{Admission, Place},
    stream::Uses,
};

/// Why a link is closed, as the peer's engine sees it; protocols do not.
const CLOSED: VarInt = VarInt::from_u32(0);
/// With this a stream is reset that nobody takes.
const NOBODY: VarInt = VarInt::from_u32(1);

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) opened: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Clone)]
struct Link {
    connection: Connection,
    uses: Uses,
}

impl Link {
    fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }
}

/// Held while somebody dials, so that others wait for his link instead of dialling too.
type Slot = Arc<tokio::sync::Mutex<Option<Link>>>;

/// What keeps a link's place as long as it lives.
enum Kept {
    Dialled {
        _permit: tokio::sync::OwnedSemaphorePermit,
    },
    Accepted {
        _place: Place,
    },
}

/// All links of a mesh.
pub(crate) struct Links {
    pub(crate) endpoint: Endpoint,
    pub(crate) limits: Limits,
    pub(crate) counters: Counters,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    protocols: HashMap<Protocol, mpsc::Sender<Stream>>,
    slots: Mutex<HashMap<(NodeId, Protocol), Slot>>,
    dialled: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
    admission: Arc<Admission>,
}

impl Links {
    pub(crate) fn new(
        endpoint: Endpoint,
        limits: Limits,
        protocols: HashMap<Protocol, mpsc::Sender<Stream>>,
    ) -> Self {
        Self {
            endpoint,
            limits,
            counters: Counters::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            protocols,
            slots: Mutex::default(),
            dialled: Arc::new(Semaphore::new(limits.dialled)),
            handshakes: Arc::new(Semaphore::new(limits.handshakes)),
            admission: Admission::new(limits.accepted, limits.accepted_per_network),
        }
    }

    /// Links that are open: begun by us, begun by others.
    pub(crate) fn open_links(&self) -> (usize, usize) {
        (
            self.limits.dialled - self.dialled.available_permits(),
            self.admission.taken(),
        )
    }

    /// A stream to a peer, over the link that there is or a new one.
    pub(crate) async fn open(
        self: &Arc<Self>,
        peer: &Peer,
        protocol: Protocol,
    ) -> Result<Stream, Error> {
        let known = self.protocols.get_key_value(protocol);
        let (protocol, _) = known.ok_or(Error::Protocol(protocol))?;
        // The link may be closed for want of use just now; then a second one is dialled.
        for _ in 0..2 {
            let link = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(Error::Stopped),
                link = self.link(peer, protocol) => link,
            };
            let link = link.inspect_err(|_| self.forget(peer.id, protocol))?;
            match timeout(self.limits.open, link.connection.open_bi()).await {
                Ok(Ok(halves)) => {
                    Counters::add(&self.counters.opened);
                    return Ok(Stream::new(peer.id, halves, &link.uses));
                }
                Ok(Err(_)) => {}
                Err(_) => return Err(Error::Busy(peer.id)),
            }
        }
        Err(Error::Unreachable(peer.id))
    }

    fn slot(&self, id: NodeId, protocol: Protocol) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry((id, protocol)).or_default())
    }

    async fn link(self: &Arc<Self>, peer: &Peer, protocol: Protocol) -> Result<Link, Error> {
        let slot = self.slot(peer.id, protocol);
        let mut slot = slot.lock().await;
        if let Some(link) = slot.as_ref().filter(|link| link.is_open()) {
            return Ok(link.clone());
        }
        let permit = Arc::clone(&self.dialled)
            .try_acquire_owned()
            .map_err(|_| Error::Full)?;
        let dial = self.endpoint.connect(peer.endpoint()?, protocol.as_bytes());
        let connection = match timeout(self.limits.open, dial).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(_)) | Err(_) => return Err(Error::Unreachable(peer.id)),
        };
        let link = Link {
            connection,
            uses: Uses::default(),
        };
        *slot = Some(link.clone());
        self.serve(link.clone(), protocol, Kept::Dialled { _permit: permit });
        Ok(link)
    }

    /// Takes a stranger's first packet: cheap refusals first.
    pub(crate) fn incoming(self: &Arc<Self>, incoming: Incoming) {
        let Ok(handshake) = Arc::clone(&self.handshakes).try_acquire_owned() else {
            Counters::add(&self.counters.refused);
            // Silence costs nothing; who is honest sends again.
            return incoming.ignore();
        };
        if !incoming.remote_addr_validated() {
            // Nobody gets a place for an address that is not his.
            if incoming.retry().is_err() {
                Counters::add(&self.counters.refused);
            }
            return;
        }
        let Some(place) = self.admission.admit(&incoming.remote_addr()) else {
            Counters::add(&self.counters.refused);
            return incoming.refuse();
        };
        let Ok(accepting) = incoming.accept() else {
            return;
        };
        let links = Arc::clone(self);
        self.tasks.spawn(async move {
            links.handshake(accepting, place).await;
            drop(handshake);
        });
    }

    async fn handshake(self: &Arc<Self>, accepting: Accepting, place: Place) {
        let connection = tokio::select! {
            () = self.stop.cancelled() => return,
            connection = timeout(self.limits.open, accepting) => connection,
        };
        let Ok(Ok(connection)) = connection else {
            return;
        };
        let name = std::str::from_utf8(connection.alpn()).ok();
        let Some((protocol, _)) = name.and_then(|name| self.protocols.get_key_value(name)) else {
            return connection.close(CLOSED, b"");
        };
        let id = NodeId(*connection.remote_id().as_bytes());
        let link = Link {
            connection,
            uses: Uses::default(),
        };
        // Where nobody dials and no link is open, this one serves for our streams too: a box behind
        // a router is reached by the link that it began.
        if let Ok(mut slot) = self.slot(id, protocol).try_lock()
            && !slot.as_ref().is_some_and(Link::is_open)
        {
            *slot = Some(link.clone());
        }
        self.serve(link, protocol, Kept::Accepted { _place: place });
    }

    /// Hands a link's streams on until it ends or nobody has used it for long.
    fn serve(self: &Arc<Self>, link: Link, protocol: Protocol, kept: Kept) {
        let links = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = links.stop.cancelled() => {}
                () = links.streams(&link, protocol) => {}
                () = unused(&link, links.limits.idle) => {}
            }
            link.connection.close(CLOSED, b"");
            links.forget(NodeId(*link.connection.remote_id().as_bytes()), protocol);
            drop(kept);
        });
    }

    async fn streams(&self, link: &Link, protocol: Protocol) {
        let peer = NodeId(*link.connection.remote_id().as_bytes());
        let Some(takers) = self.protocols.get(protocol) else {
            return;
        };
        while let Ok((mut send, mut receive)) = link.connection.accept_bi().await {
            match takers.try_reserve() {
                Ok(place) => {
                    Counters::add(&self.counters.accepted);
                    place.send(Stream::new(peer, (send, receive), &link.uses));
                }
                Err(_) => {
                    Counters::add(&self.counters.refused);
                    let _ = (send.reset(NOBODY), receive.stop(NOBODY));
                }
            }
        }
    }

    /// Removes a peer's slot unless it holds an open link or somebody waits for one.
    fn forget(&self, id: NodeId, protocol: Protocol) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = slots.get(&(id, protocol)).is_some_and(|slot| {
            let held = slot.try_lock();
            let is_open = held.is_ok_and(|link| link.as_ref().is_some_and(Link::is_open));
            Arc::strong_count(slot) == 1 && !is_open
        });
        if is_over {
            slots.remove(&(id, protocol));
        }
    }
}

/// Returns once a link has had no stream for a while.
async fn unused(link: &Link, idle: std::time::Duration) {
    let mut looks = interval(idle);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks.tick().await;
    let mut was_unused = false;
    loop {
        looks.tick().await;
        let is_unused = link.uses.none();
        if is_unused && was_unused {
            return;
        }
        was_unused = is_unused;
    }
}
