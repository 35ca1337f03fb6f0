//! What sessions share, each behind a short lock, and how they are woken.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
};

use futures::task::AtomicWaker;
use seedbox_mesh::Handle as Mesh;
use seedbox_relay_proto::{
    Millis,
    frame::Init,
    server::{Admission, Carrier, Decision, Identity, Rooms, SessionId, Turn, Turns},
};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    directory::Directory,
    gate::{Doorkeeper, Gate},
    mailbox::Mailbox,
    usage::Usage,
};

/// What a session is woken for.
pub(crate) mod reason {
    /// Its room has something for it.
    pub(crate) const ROOM: u8 = 1;
    /// It may send the frame that it holds.
    pub(crate) const TURN: u8 = 2;
    /// It took too long over its handshake; others need the place.
    pub(crate) const EVICTED: u8 = 4;
    /// The box stops, or may send nothing more.
    pub(crate) const STOPPING: u8 = 8;
}

/// Wakes one session's task.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    waker: AtomicWaker,
    reasons: AtomicU8,
}

impl Wake {
    fn wake(&self, reason: u8) {
        // Who is woken already need not be woken again.
        if self.reasons.fetch_or(reason, Ordering::AcqRel) & reason == 0 {
            self.waker.wake();
        }
    }

    /// Why it was woken since the last time; wakes `waker` from now on.
    pub(crate) fn take(&self, waker: &std::task::Waker) -> u8 {
        self.waker.register(waker);
        self.reasons.swap(0, Ordering::AcqRel)
    }
}

/// Sums since the start. None of them has a name.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) frames_in: AtomicU64,
    pub(crate) frames_out: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) sessions: AtomicU64,
    pub(crate) challenged: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// All that the relay's tasks have in common.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) identity: Arc<Identity>,
    pub(crate) mesh: Mesh,
    pub(crate) directory: Directory,
    pub(crate) usage: Usage,
    pub(crate) counters: Counters,
    pub(crate) doorkeeper: Arc<Doorkeeper>,
    pub(crate) mailbox: Mailbox,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// Poses came to wait in a room where none waited.
    pub(crate) poses_due: Notify,
    /// Somebody stands in line to send.
    pub(crate) line: Notify,
    admission: Mutex<Admission>,
    rooms: Mutex<Rooms>,
    turns: Mutex<Turns>,
    wakes: RwLock<HashMap<SessionId, Arc<Wake>>>,
}

impl Shared {
    pub(crate) fn new(
        identity: Identity,
        secret: [u8; 32],
        mesh: Mesh,
        directory: Directory,
        usage: Usage,
        gate: Box<dyn Gate>,
        mailbox: Mailbox,
    ) -> Self {
        let clock = Clock::start();
        let (limits, now) = (identity.limits, clock.now());
        Self {
            clock,
            identity: Arc::new(identity),
            mesh,
            directory,
            usage,
            counters: Counters::default(),
            doorkeeper: Arc::new(Doorkeeper::new(gate, now)),
            mailbox,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            poses_due: Notify::new(),
            line: Notify::new(),
            admission: Mutex::new(Admission::new(limits, secret, now)),
            rooms: Mutex::new(Rooms::new(limits)),
            turns: Mutex::new(Turns::new(&limits, now)),
            wakes: RwLock::default(),
        }
    }

    /// A carrier was opened; `None` while the box stops or may send nothing.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Entered> {
        if self.stop.is_cancelled() || self.usage.is_spent() {
            return None;
        }
        let (id, oldest) = lock(&self.admission).begin();
        let wake = Arc::<Wake>::default();
        self.wakes
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, Arc::clone(&wake));
        if let Some(oldest) = oldest {
            self.wake(oldest, reason::EVICTED);
        }
        Some(Entered {
            shared: Arc::clone(self),
            id,
            wake,
        })
    }

    pub(crate) fn decide(
        &self,
        id: SessionId,
        carrier: Carrier,
        init: &Init<'_>,
        now: Millis,
    ) -> Decision {
        let decision = lock(&self.admission).decide(id, carrier, init, now);
        let counter = match decision {
            Decision::Accept => &self.counters.sessions,
            Decision::Challenge(_) => &self.counters.challenged,
            Decision::Refuse(_) => &self.counters.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        decision
    }

    pub(crate) fn begin_circuit(&self) -> bool {
        lock(&self.admission).begin_circuit()
    }

    pub(crate) fn end_circuit(&self) {
        lock(&self.admission).end_circuit();
    }

    /// Sessions on sockets, sessions on streams, circuits to other boxes, handshakes under way.
    pub(crate) fn sessions(&self) -> (usize, usize, usize, usize) {
        let admission = lock(&self.admission);
        let (sockets, streams, circuits) = admission.counts();
        (sockets, streams, circuits, admission.half_open())
    }

    /// Does something with the rooms and wakes who has to know.
    pub(crate) fn rooms<T>(&self, act: impl FnOnce(&mut Rooms) -> T) -> T {
        let mut rooms = lock(&self.rooms);
        let before = rooms.deadline();
        let outcome = act(&mut rooms);
        let earlier = rooms
            .deadline()
            .is_some_and(|due| before.is_none_or(|b| due < b));
        let woken: Vec<SessionId> = rooms.woken().collect();
        drop(rooms);
        if earlier {
            self.poses_due.notify_one();
        }
        if !woken.is_empty() {
            let wakes = self.wakes.read().unwrap_or_else(PoisonError::into_inner);
            for wake in woken.iter().filter_map(|id| wakes.get(id)) {
                wake.wake(reason::ROOM);
            }
        }
        outcome
    }

    /// Whether a frame of so many bytes may go now; else the session is woken with
    /// [`reason::TURN`] when it may.
    pub(crate) fn ask(&self, id: SessionId, bytes: usize) -> bool {
        let turn = lock(&self.turns).ask(id, bytes, self.clock.now());
        if turn == Turn::Wait {
            self.line.notify_one();
        }
        turn == Turn::Now
    }

    /// Wakes those whose turn it is; milliseconds until somebody else's, if somebody waits.
    pub(crate) fn serve_line(&self) -> Option<Millis> {
        loop {
            let mut turns = lock(&self.turns);
            let Some(id) = turns.next(self.clock.now()) else {
                return turns.wait();
            };
            drop(turns);
            self.wake(id, reason::TURN);
        }
    }

    fn wake(&self, id: SessionId, reason: u8) {
        let wakes = self.wakes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(wake) = wakes.get(&id) {
            wake.wake(reason);
        }
    }

    pub(crate) fn wake_all(&self, reason: u8) {
        let wakes = self.wakes.read().unwrap_or_else(PoisonError::into_inner);
        for wake in wakes.values() {
            wake.wake(reason);
        }
    }
}

/// A carrier's place among the others, until it is dropped.
pub(crate) struct Entered {
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: SessionId,
    pub(crate) wake: Arc<Wake>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let shared = &self.shared;
        let mut wakes = shared.wakes.write().unwrap_or_else(PoisonError::into_inner);
        wakes.remove(&self.id);
        drop(wakes);
        lock(&shared.admission).end(self.id);
        lock(&shared.turns).end(self.id);
        shared.rooms(|rooms| rooms.end(self.id));
    }
}

/// A panic under one of these locks is a defect of one session; the others go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
