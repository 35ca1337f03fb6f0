//! The service: takes streams of the mesh and clients' sockets, keeps the time, renews the descriptor.

use std::{sync::Arc, time::Duration};

use seedbox_core::{Health, RelayStatus, Shares};
use seedbox_mesh::{Handle as Mesh, NodeKey, Streams};
use seedbox_relay_proto::{
    Code, Descriptor, NodeId, NoiseSecret,
    server::{Budget, Carrier as Kind, Identity},
};
use seedbox_store::Store;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    sync::watch,
    time::{interval, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Carrier, Config, Error, Gate,
    carrier::{FrameStream, hop},
    directory::Directory,
    exchange,
    mailbox::Mailbox,
    session::{random, serve},
    shared::{Shared, reason},
    usage::Usage,
};

/// A stream's first bytes have to come within this time.
const HEADER: Duration = Duration::from_secs(5);
/// How often the status is looked at.
const STATUS: Duration = Duration::from_secs(1);
/// How often the month's sum is written down.
const SAVE: Duration = Duration::from_secs(60);
/// How long clients get to hear that the box stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// The relay, ready to run.
pub struct Service {
    shared: Arc<Shared>,
    config: Config,
    circuits: Streams,
    directory: Streams,
    status: watch::Sender<RelayStatus>,
}

/// What the rest of the box may know of the relay; cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    status: watch::Receiver<RelayStatus>,
}

/// This box's key for sessions. It follows from the node key, so that there is one secret to keep.
fn noise_secret(key: &NodeKey) -> NoiseSecret {
    NoiseSecret::new(*key.derive("cosmos-relay/1 noise"))
}

impl Service {
    /// Makes the relay. `circuits` and `directory` are the streams that others open for
    /// [`crate::PROTOCOL`] and [`crate::DIRECTORY_PROTOCOL`]; `gate` knows the chain.
    ///
    /// # Errors
    /// A failing store, a system without randomness.
    pub async fn new(
        config: Config,
        store: Store,
        mesh: Mesh,
        [circuits, directory]: [Streams; 2],
        gate: impl Gate,
    ) -> Result<(Self, Handle), Error> {
        let identity = Identity {
            node: NodeId(config.key.id().0),
            secret: noise_secret(&config.key),
            limits: config.limits,
            budget: Budget::new(config.limits.memory),
        };
        let secret = random().ok_or(Error::Randomness)?;
        let known = Directory::new(config.lan.clone());
        let mailbox = Mailbox::new(store.clone(), config.mailbox);
        let usage = Usage::load(store, config.month).await?;
        let gate = Box::new(gate);
        let shared = Shared::new(identity, secret, mesh, known, usage, gate, mailbox);
        let shared = Arc::new(shared);
        sign(&shared, &config);
        let (status, receiver) = watch::channel(look(&shared, &config));
        let handle = Handle {
            shared: Arc::clone(&shared),
            status: receiver,
        };
        let service = Self {
            shared,
            config,
            circuits,
            directory,
            status,
        };
        Ok((service, handle))
    }

    /// Relays until `cancelled`, then tells everybody and ends.
    ///
    /// # Errors
    /// A failing store, a mesh that ended.
    pub async fn run(self, cancelled: CancellationToken) -> Result<(), Error> {
        let Self {
            shared,
            config,
            circuits,
            directory,
            status,
        } = self;
        for peer in config.boxes.clone() {
            let asking = exchange::ask(Arc::clone(&shared), peer);
            shared.tasks.spawn(asking);
        }
        let outcome = tokio::select! {
            () = cancelled.cancelled() => Ok(()),
            () = take_streams(&shared, circuits) => Err(Error::Mesh),
            () = exchange::answer(Arc::clone(&shared), directory) => Err(Error::Mesh),
            () = keep_time(&shared) => Ok(()),
            () = keep_line(&shared) => Ok(()),
            () = keep_descriptor(&shared, &config) => Ok(()),
            failed = keep_books(&shared, &config, &status) => failed,
        };
        shared.stop.cancel();
        shared.wake_all(reason::STOPPING);
        shared.tasks.close();
        let _ = timeout(FAREWELL, shared.tasks.wait()).await;
        outcome.and(shared.usage.save().await)
    }
}

/// Sessions that come through other boxes.
async fn take_streams(shared: &Arc<Shared>, mut streams: Streams) {
    let peers = Shares::default();
    let most = shared.identity.limits.peer_streams;
    while let Some(mut stream) = streams.accept().await {
        let Some(place) = peers.admit(stream.peer, most) else {
            stream.sender.reset(Code::Busy.number().into());
            continue;
        };
        let serving = Arc::clone(shared);
        shared.tasks.spawn(async move {
            let _place = place;
            let mut first = [0; 4];
            let read = timeout(HEADER, stream.receiver.read_exact(&mut first)).await;
            if let (Ok(Ok(_)), Some(hop)) = (read, hop(first)) {
                let frames = FrameStream::new(stream.receiver, stream.sender);
                serve(serving, frames, Kind::Stream(hop)).await;
            }
        });
    }
}

/// Poses become due.
async fn keep_time(shared: &Shared) {
    loop {
        match shared.rooms(|rooms| rooms.deadline()) {
            Some(due) => {
                tokio::select! {
                    () = sleep_until(shared.clock.at(due)) => {}
                    () = shared.poses_due.notified() => continue,
                }
                let now = shared.clock.now();
                shared.rooms(|rooms| rooms.tick(now));
            }
            None => shared.poses_due.notified().await,
        }
    }
}

/// Who stands in line is told when he may send.
async fn keep_line(shared: &Shared) {
    loop {
        match shared.serve_line() {
            Some(wait) => sleep(Duration::from_millis(wait.max(1))).await,
            None => shared.line.notified().await,
        }
    }
}

async fn keep_descriptor(shared: &Shared, config: &Config) {
    let mut urls = config.urls.clone();
    loop {
        let changed = async {
            if urls.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = sleep(config.life / 2) => {}
            () = changed => {}
        }
        sign(shared, config);
    }
}

/// Signs a new descriptor, if there is anything that others could do with it.
fn sign(shared: &Shared, config: &Config) {
    let urls = config.urls.borrow().clone();
    if urls.is_empty() && config.addresses.is_empty() && config.relays.is_empty() {
        return;
    }
    let now = seedbox_clock::now().0;
    let descriptor = Descriptor {
        node: shared.identity.node,
        noise: shared.identity.secret.public(),
        operator: config.operator,
        roles: config.limits.roles,
        issued: now,
        expires: now + config.life.as_secs(),
        urls,
        addresses: config.addresses.clone(),
        relays: config.relays.clone(),
    };
    let bytes = descriptor.write(&config.key.sign(&descriptor.to_sign()));
    if shared.directory.take(&bytes).is_err() {
        tracing::warn!(
            "this box's own descriptor is not valid; check `relay_urls` and `mesh_relays`"
        );
    }
}

async fn keep_books(
    shared: &Shared,
    config: &Config,
    status: &watch::Sender<RelayStatus>,
) -> Result<(), Error> {
    let (mut looks, mut saves) = (interval(STATUS), interval(SAVE));
    loop {
        tokio::select! {
            _ = looks.tick() => {
                if shared.usage.is_spent() {
                    shared.wake_all(reason::STOPPING);
                }
                let seen = look(shared, config);
                status.send_if_modified(|shown| {
                    let changed = *shown != seen;
                    *shown = seen;
                    changed
                });
            }
            _ = saves.tick() => {
                shared.usage.save().await?;
                shared.mailbox.clean().await?;
            }
        }
    }
}

fn look(shared: &Shared, config: &Config) -> RelayStatus {
    use std::sync::atomic::Ordering::Relaxed;
    let (clients, streams, circuits, handshakes) = shared.sessions();
    let (rooms, members) = shared.rooms(|rooms| rooms.counts());
    let counters = &shared.counters;
    let (health, sentence) = if shared.usage.is_spent() {
        let sentence = "This month's bytes are used up; the relay rests until the next.";
        (Health::Attention, sentence)
    } else {
        (Health::Well, "The relay passes sealed bytes on.")
    };
    RelayStatus {
        on: true,
        health,
        sentence: sentence.to_owned(),
        clients,
        streams,
        circuits,
        handshakes,
        rooms,
        members,
        boxes: shared.directory.len(),
        links: {
            let mesh = shared.mesh.status();
            mesh.dialled + mesh.accepted
        },
        sessions: counters.sessions.load(Relaxed),
        challenged: counters.challenged.load(Relaxed),
        refused: counters.refused.load(Relaxed),
        frames_in: counters.frames_in.load(Relaxed),
        frames_out: counters.frames_out.load(Relaxed),
        bytes_in: counters.bytes_in.load(Relaxed),
        bytes_out: counters.bytes_out.load(Relaxed),
        month_bytes: shared.usage.bytes(),
        month_limit: config.month,
    }
}

impl Handle {
    /// The relay's latest word; changes wake the receiver.
    pub fn status(&self) -> watch::Receiver<RelayStatus> {
        self.status.clone()
    }

    /// This box's descriptor in base64; `None` if nobody could reach it by one.
    pub fn descriptor(&self) -> Option<String> {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let bytes = self.shared.directory.bytes(self.shared.identity.node)?;
        Some(BASE64_STANDARD.encode(bytes))
    }

    /// All descriptors that this box knows, in base64.
    pub fn descriptors(&self) -> Vec<String> {
        self.shared.directory.texts()
    }

    /// Serves a client's socket to its end. Ends with the relay.
    pub fn serve(&self, socket: impl Carrier) -> impl Future<Output = ()> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        let tasks = shared.tasks.clone();
        tasks.track_future(serve(shared, socket, Kind::Socket))
    }

    /// The same for a client whose frames come on a stream, each after its u16 length.
    pub fn serve_stream(
        &self,
        reader: impl AsyncRead + Unpin + Send + 'static,
        writer: impl AsyncWrite + Unpin + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        self.serve(FrameStream::new(reader, writer))
    }
}
