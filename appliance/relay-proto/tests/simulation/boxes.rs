//! A box: the machines, and what a host does for them. It may be a liar.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use rand_chacha::{ChaCha20Rng, rand_core::Rng};
use seedbox_relay_proto::{
    Code, NodeId, NoiseSecret, RoomBox,
    server::{
        Admission, Answer, Budget, Carrier, Handshake, Identity, Limits, Order, Request, Rooms,
        Session, SessionId,
    },
};

use crate::pipe::Pipe;

pub(crate) type PipeId = u64;

/// All pipes of the world.
#[derive(Default)]
pub(crate) struct Pipes {
    pub(crate) all: HashMap<PipeId, Pipe>,
    next: PipeId,
}

impl Pipes {
    pub(crate) fn open(&mut self, delay: u64) -> PipeId {
        self.next += 1;
        self.all.insert(self.next, Pipe::new(delay));
        self.next
    }
}

enum Stage {
    Shaking(Handshake),
    Open(Box<Session>),
}

struct Line {
    pipe: PipeId,
    stage: Stage,
    circuits: BTreeMap<u32, PipeId>,
}

/// One thing in so many goes wrong.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lies {
    /// With frames of circuits.
    pub(crate) frames: u32,
    /// With what is sealed.
    pub(crate) sealed: u32,
}

pub(crate) struct Place {
    pub(crate) room_box: RoomBox,
    identity: Arc<Identity>,
    pub(crate) admission: Admission,
    rooms: Rooms,
    lines: BTreeMap<SessionId, Line>,
    pub(crate) lies: Lies,
    pub(crate) dead: bool,
    kept: Vec<Bytes>,
}

/// A stream that a box wants to another.
pub(crate) struct Wanted {
    pub(crate) node: NodeId,
    pub(crate) hop: u8,
    pub(crate) pipe: PipeId,
}

pub(crate) fn chance(rng: &mut ChaCha20Rng, one_in: u32) -> bool {
    one_in > 0 && rng.next_u32().is_multiple_of(one_in)
}

pub(crate) fn seed(rng: &mut ChaCha20Rng) -> [u8; 32] {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    seed
}

impl Place {
    pub(crate) fn new(rng: &mut ChaCha20Rng, now: u64) -> Self {
        let limits = Limits::default();
        let secret = NoiseSecret::new(seed(rng));
        let node = NodeId(seed(rng));
        let noise = secret.public();
        let budget = Budget::new(limits.memory);
        Self {
            room_box: RoomBox { node, noise },
            identity: Arc::new(Identity {
                node,
                secret,
                limits,
                budget,
            }),
            admission: Admission::new(limits, seed(rng), now),
            rooms: Rooms::new(limits),
            lines: BTreeMap::new(),
            lies: Lies::default(),
            dead: false,
            kept: Vec::new(),
        }
    }

    /// Somebody opened a pipe to this box.
    pub(crate) fn accept(&mut self, carrier: Carrier, pipe: PipeId, now: u64) {
        let (id, oldest) = self.admission.begin();
        assert!(oldest.is_none());
        let stage = Stage::Shaking(Handshake::new(carrier, now));
        let circuits = BTreeMap::new();
        let line = Line {
            pipe,
            stage,
            circuits,
        };
        self.lines.insert(id, line);
    }

    /// All is lost but the keys.
    pub(crate) fn die(&mut self, pipes: &mut Pipes, rng: &mut ChaCha20Rng, now: u64) {
        for line in std::mem::take(&mut self.lines).into_values() {
            for pipe in line.circuits.values().chain([&line.pipe]) {
                if let Some(pipe) = pipes.all.get_mut(pipe) {
                    pipe.cut();
                }
            }
        }
        let limits = self.identity.limits;
        assert_eq!(
            self.identity.budget.used(),
            0,
            "all that waited was counted"
        );
        self.admission = Admission::new(limits, seed(rng), now);
        self.rooms = Rooms::new(limits);
        self.dead = true;
    }

    pub(crate) fn step(
        &mut self,
        pipes: &mut Pipes,
        rng: &mut ChaCha20Rng,
        now: u64,
    ) -> Vec<Wanted> {
        let mut wanted = Vec::new();
        self.rooms.tick(now);
        let ids: Vec<_> = self.lines.keys().copied().collect();
        for id in &ids {
            if let Some(mut line) = self.lines.remove(id)
                && self.hear(*id, &mut line, pipes, rng, &mut wanted, now)
            {
                self.lines.insert(*id, line);
            }
        }
        for id in &ids {
            if let Some(line) = self.lines.get_mut(id) {
                speak(*id, line, &mut self.rooms, pipes, now);
            }
        }
        self.rooms.woken();
        self.check();
        wanted
    }

    fn check(&self) {
        let limits = &self.identity.limits;
        let (sockets, streams, circuits) = self.admission.counts();
        assert!(sockets + streams + self.admission.half_open() == self.lines.len());
        let open: usize = self.lines.values().map(|line| line.circuits.len()).sum();
        assert_eq!(circuits, open);
        assert!(self.rooms.counts().1 <= self.lines.len());
        assert!(self.identity.budget.used() < limits.memory);
    }

    /// What comes on a line; `false` if the line is over.
    fn hear(
        &mut self,
        id: SessionId,
        line: &mut Line,
        pipes: &mut Pipes,
        rng: &mut ChaCha20Rng,
        wanted: &mut Vec<Wanted>,
        now: u64,
    ) -> bool {
        let mut alive = true;
        while alive {
            if let Stage::Open(session) = &line.stage
                && session.reads_at(now).is_none_or(|at| at > now)
            {
                break;
            }
            let pipe = pipes.all.get_mut(&line.pipe).unwrap();
            let Some(frame) = pipe.receive(1, now) else {
                alive = !pipe.is_closed(1);
                break;
            };
            match &mut line.stage {
                Stage::Shaking(_) => alive = self.shake(id, line, &frame, pipes, rng, now),
                Stage::Open(session) => {
                    session.receive(BytesMut::from(&frame[..]), now);
                    self.carry_out(id, line, pipes, rng, wanted, now);
                }
            }
        }
        if let Stage::Open(session) = &mut line.stage {
            if now >= session.deadline() {
                session.tick(now);
            }
            self.back(line, pipes, rng, now);
            if let Stage::Open(session) = &line.stage {
                alive &= !session.is_over();
            }
        } else if let Stage::Shaking(handshake) = &line.stage {
            alive &= now < handshake.deadline();
        }
        if !alive {
            pipes.all.get_mut(&line.pipe).unwrap().close(1);
            for pipe in line.circuits.values() {
                pipes.all.get_mut(pipe).unwrap().close(0);
                self.admission.end_circuit();
            }
            self.rooms.end(id);
            self.admission.end(id);
        }
        alive
    }

    fn shake(
        &mut self,
        id: SessionId,
        line: &mut Line,
        frame: &[u8],
        pipes: &mut Pipes,
        rng: &mut ChaCha20Rng,
        now: u64,
    ) -> bool {
        let Stage::Shaking(handshake) = &mut line.stage else {
            return true;
        };
        let admission = &mut self.admission;
        let answer = handshake.receive(&self.identity, frame, seed(rng), now, |carrier, init| {
            admission.decide(id, carrier, init, now)
        });
        let pipe = pipes.all.get_mut(&line.pipe).unwrap();
        match answer {
            Answer::Accept(session, frame) => {
                line.stage = Stage::Open(session);
                pipe.send(1, frame.into(), now);
                true
            }
            Answer::Challenge(frame) => {
                pipe.send(1, frame.into(), now);
                true
            }
            Answer::Refuse(frame) => {
                pipe.send(1, frame.into(), now);
                false
            }
            Answer::Close => false,
        }
    }

    fn carry_out(
        &mut self,
        id: SessionId,
        line: &mut Line,
        pipes: &mut Pipes,
        rng: &mut ChaCha20Rng,
        wanted: &mut Vec<Wanted>,
        now: u64,
    ) {
        let Stage::Open(session) = &mut line.stage else {
            return;
        };
        while let Some(order) = session.order() {
            match order {
                Order::Open { circuit, node, hop } => {
                    if !self.admission.begin_circuit() {
                        session.circuit_ended(circuit, Code::Busy);
                        continue;
                    }
                    let pipe = pipes.open(u64::from(rng.next_u32() % 40));
                    line.circuits.insert(circuit, pipe);
                    wanted.push(Wanted { node, hop, pipe });
                }
                // Frames are fetched in every step.
                Order::Ready(_) => {}
                Order::End(circuit) => {
                    if let Some(pipe) = line.circuits.remove(&circuit) {
                        pipes.all.get_mut(&pipe).unwrap().close(0);
                        self.admission.end_circuit();
                    }
                }
                // No room here has a rule or a mailbox.
                Order::Ask(..) | Order::Keep(..) | Order::Fetch(..) => {}
                Order::Room(request) => {
                    for request in lie(request, self.lies.sealed, &mut self.kept, rng) {
                        let reply = self.rooms.request(id, request, now);
                        session.answer(reply, now);
                    }
                }
            }
        }
    }

    /// Frames of circuits, there and back.
    fn back(&mut self, line: &mut Line, pipes: &mut Pipes, rng: &mut ChaCha20Rng, now: u64) {
        let Stage::Open(session) = &mut line.stage else {
            return;
        };
        let mut over = Vec::new();
        for (circuit, pipe) in &line.circuits {
            let pipe = pipes.all.get_mut(pipe).unwrap();
            while pipe.takes(0)
                && let Some(frame) = session.for_circuit(*circuit)
            {
                for frame in mangle(frame, self.lies.frames, &mut self.kept, rng) {
                    pipe.send(0, frame, now);
                }
            }
            while session.has_room(*circuit)
                && let Some(frame) = pipe.receive(0, now)
            {
                for frame in mangle(frame, self.lies.frames, &mut self.kept, rng) {
                    session.circuit_frame(*circuit, frame);
                }
            }
            if pipe.is_closed(0) {
                session.circuit_ended(*circuit, Code::Unreachable);
                pipe.close(0);
                over.push(*circuit);
            }
        }
        while let Some(order) = session.order() {
            if let Order::End(circuit) = order {
                over.push(circuit);
            }
        }
        for circuit in over {
            if let Some(pipe) = line.circuits.remove(&circuit) {
                pipes.all.get_mut(&pipe).unwrap().close(0);
                self.admission.end_circuit();
            }
        }
    }
}

/// What goes out on a line.
fn speak(id: SessionId, line: &mut Line, rooms: &mut Rooms, pipes: &mut Pipes, now: u64) {
    let Stage::Open(session) = &mut line.stage else {
        return;
    };
    let pipe = pipes.all.get_mut(&line.pipe).unwrap();
    while pipe.takes(1) {
        let mut cell = session.begin(now);
        if session.in_room() && cell.room() > 0 {
            rooms.fill(id, &mut cell);
        }
        match session.finish(cell, now) {
            Some(frame) => pipe.send(1, frame, now),
            None if session.waits() => {}
            None => return,
        }
    }
}

/// Drops, doubles, flips, holds back and invents frames.
fn mangle(frame: Bytes, one_in: u32, kept: &mut Vec<Bytes>, rng: &mut ChaCha20Rng) -> Vec<Bytes> {
    if !chance(rng, one_in) {
        return vec![frame];
    }
    let mut changed = frame.to_vec();
    match rng.next_u32() % 5 {
        0 => Vec::new(),
        1 => vec![frame.clone(), frame],
        2 => {
            let place = rng.next_u32() as usize % changed.len();
            changed[place] ^= 1 << (rng.next_u32() % 8);
            vec![changed.into()]
        }
        3 => {
            kept.push(frame);
            let other = kept.swap_remove(rng.next_u32() as usize % kept.len());
            vec![other]
        }
        _ => {
            rng.fill_bytes(&mut changed);
            vec![changed.into(), frame]
        }
    }
}

/// The same with what members send, as a room box can do it.
fn lie(
    request: Request,
    one_in: u32,
    kept: &mut Vec<Bytes>,
    rng: &mut ChaCha20Rng,
) -> Vec<Request> {
    if kept.len() > 64 {
        kept.truncate(32);
    }
    match request {
        Request::Send { to, sealed } => {
            if one_in > 0 {
                kept.push(sealed.clone());
            }
            mangle(sealed, one_in, kept, rng)
                .into_iter()
                .map(|sealed| Request::Send { to, sealed })
                .collect()
        }
        Request::Pose(sealed) => mangle(sealed, one_in, kept, rng)
            .into_iter()
            .map(|sealed| Request::Pose(sealed.slice(..sealed.len().min(512))))
            .collect(),
        request => vec![request],
    }
}
