//! One carrier with its circuits: decrypts, checks, passes on.

mod entering;

use std::{collections::VecDeque, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::{
    Identity, Limits, Reply, Request,
    circuits::Circuits,
    entitlement::Entitlement,
    limits::{IDLE, KEEP_ALIVE, LIFETIME},
    mail::Mail,
    meter::{Meter, Verdict},
};
use crate::{
    Claim, Code, Malformed, Millis, NodeId, RoomId, RoomName, Transport,
    cell::Cell,
    frame::{DEEPEST, LONGEST, is_class},
    rate::Rate,
    record::{Block, Record, records},
};

/// Bytes that a frame counts more than it has, for the work that it makes.
const FRAME_WORK: u64 = 256;
/// Answers that wait at most; who makes more does not read them.
const ANSWERS: usize = 64;
/// Rooms with a rule that a session may try to enter.
const QUESTIONS: u32 = 8;

/// What the owner of the carrier has to do.
#[derive(Debug)]
pub enum Order {
    /// Open a stream to a box. Frames for it may come at once.
    Open {
        /// The circuit's number in this session.
        circuit: u32,
        /// The box.
        node: NodeId,
        /// What the stream's header says.
        hop: u8,
    },
    /// Frames wait for the box at the end, where none waited before: [`Session::for_circuit`].
    Ready(u32),
    /// The client is done with a circuit: end its stream.
    End(u32),
    /// To be taken to [`super::Rooms::request`], and its reply to [`Session::answer`].
    Room(Request),
    /// Keep a sealed note for the room, then [`Session::kept`].
    Keep(RoomId, Bytes),
    /// Fetch at most four of the room's notes with a higher number, then [`Session::fetched`].
    Fetch(RoomId, u64),
    /// Ask the chain whether this is so and take what it says to [`Session::entitled`], with the
    /// number. An older question need not be answered any more.
    Ask(u32, Claim),
}

/// What waits for the client beside frames and rooms.
#[derive(Debug, Clone, Copy)]
enum Note {
    Closed(u32, Code),
    Refused(u8, Code),
    Slower(u8, u16),
}

/// The box's end of a carrier after the handshake.
#[derive(Debug)]
pub struct Session {
    transport: Transport,
    depth: u8,
    node: NodeId,
    limits: Limits,
    room: Option<RoomName>,
    entitlement: Option<Entitlement>,
    /// Questions to the chain in this session.
    asked: u32,
    mail: Mail,
    circuits: Circuits,
    orders: VecDeque<Order>,
    pong: Option<[u8; 8]>,
    notes: VecDeque<Note>,
    meter: Meter,
    reading: Rate,
    opened: Millis,
    heard: Millis,
    sent: Millis,
    /// The last cell was of a circuit; the room's turn is next.
    after_data: bool,
    closing: Option<Code>,
    over: bool,
}

impl Session {
    pub(super) fn new(
        transport: Transport,
        depth: u8,
        identity: &Arc<Identity>,
        now: Millis,
    ) -> Self {
        let limits = identity.limits;
        Self {
            transport,
            depth,
            node: identity.node,
            limits,
            room: None,
            entitlement: None,
            asked: 0,
            mail: Mail::default(),
            circuits: Circuits::new(identity.budget.clone()),
            orders: VecDeque::new(),
            pong: None,
            notes: VecDeque::new(),
            meter: Meter::new(&limits, now),
            reading: Rate::new(limits.carrier_bytes, 2 * limits.carrier_bytes, now),
            opened: now,
            heard: now,
            sent: now,
            after_data: false,
            closing: None,
            over: false,
        }
    }

    /// From when on the next frame may be taken from the carrier; `None` while a circuit is full.
    pub fn reads_at(&self, now: Millis) -> Option<Millis> {
        let bytes = u64::try_from(LONGEST).unwrap_or_default() + FRAME_WORK;
        self.circuits
            .all_have_room()
            .then(|| now + self.reading.wait_at(bytes, now))
    }

    /// A frame came from the client. Ask [`Session::reads_at`] first.
    pub fn receive(&mut self, frame: BytesMut, now: Millis) {
        if self.closing.is_none()
            && let Err(code) = self.take(frame, now)
        {
            self.close(code);
        }
    }

    fn take(&mut self, mut frame: BytesMut, now: Millis) -> Result<(), Code> {
        if !is_class(frame.len(), self.depth) {
            return Err(Code::Malformed);
        }
        let bytes = u64::try_from(frame.len()).unwrap_or(u64::MAX);
        if !self.reading.take(bytes + FRAME_WORK, now) {
            return Err(Code::Quota);
        }
        self.transport.open(&mut frame)?;
        self.heard = now;
        let cell = frame.freeze();
        for record in records(&cell) {
            self.record(record?, &cell, now)?;
        }
        Ok(())
    }

    fn record(&mut self, record: Record<'_>, cell: &Bytes, now: Millis) -> Result<(), Code> {
        match record {
            Record::Data { circuit, frame } => {
                if record.length() != cell.len() {
                    return Err(Code::Malformed);
                }
                return self.data(circuit, cell.slice_ref(frame));
            }
            Record::Pose(sealed) => {
                if self.passes(&record, now)? {
                    let sealed = part(cell, sealed);
                    self.orders.push_back(Order::Room(Request::Pose(sealed)));
                }
            }
            Record::Send { to, sealed } => {
                if self.passes(&record, now)? {
                    let sealed = part(cell, sealed);
                    self.orders
                        .push_back(Order::Room(Request::Send { to, sealed }));
                }
            }
            Record::Ping(token) => self.pong = Some(token),
            Record::Pong(_) => {}
            Record::Close(_) => return Err(Code::Bye),
            Record::Open { circuit, node } => self.open(circuit, NodeId(node), now)?,
            Record::Closed { circuit, .. } => {
                if self.circuits.close(circuit) {
                    self.orders.push_back(Order::End(circuit));
                }
            }
            Record::Join(join) => {
                if self.passes(&record, now)? {
                    self.join(&join, now)?;
                }
            }
            Record::Leave => {
                self.entitlement = None;
                if self.room.take().is_some() {
                    self.orders.push_back(Order::Room(Request::Leave));
                }
            }
            Record::Block(block) => {
                if self.passes(&record, now)? {
                    self.block(block)?;
                }
            }
            Record::Keep(sealed) => {
                if self.passes(&record, now)? {
                    let sealed = Bytes::copy_from_slice(sealed);
                    self.mailbox(record.kind(), |room| Order::Keep(room, sealed))?;
                }
            }
            Record::Fetch(after) => {
                if self.passes(&record, now)? {
                    self.mailbox(record.kind(), |room| Order::Fetch(room, after))?;
                }
            }
            _ => return Err(Code::Malformed),
        }
        Ok(())
    }

    /// The mailbox has one thing to do at a time.
    fn mailbox(&mut self, kind: u8, order: impl FnOnce(RoomId) -> Order) -> Result<(), Code> {
        let Some(room) = self.room else {
            return Ok(());
        };
        if !self.mail.begin() {
            return self.note(Note::Refused(kind, Code::Busy));
        }
        self.orders.push_back(order(room.id()));
        Ok(())
    }

    /// The note is kept under a number, or why it is not.
    pub fn kept(&mut self, kept: Result<u64, Code>) {
        self.mail.kept(kept);
    }

    /// The notes that were asked for: number, Unix seconds, what is sealed; the number up to which they are,
    /// and whether there are more.
    pub fn fetched(&mut self, notes: Vec<(u64, u64, Bytes)>, last: u64, more: bool) {
        self.mail.fetched(notes, last, more);
    }

    /// There is no mailbox, or it fails.
    pub fn not_fetched(&mut self, code: Code) {
        self.mail.not_fetched(code);
    }

    /// Whether a record is within the session's rates.
    fn passes(&mut self, record: &Record<'_>, now: Millis) -> Result<bool, Code> {
        let pose = matches!(record, Record::Pose(_));
        match self.meter.count(pose, record.length(), now)? {
            Verdict::Pass => return Ok(true),
            Verdict::Slower(pause) => self.note(Note::Slower(record.kind(), pause))?,
            Verdict::Drop => {}
        }
        Ok(false)
    }

    fn data(&mut self, circuit: u32, frame: Bytes) -> Result<(), Code> {
        if !self.circuits.was_asked(circuit) {
            return Err(Code::Malformed);
        }
        if self.circuits.push_to_box(circuit, frame) == Some(true) {
            self.orders.push_back(Order::Ready(circuit));
        }
        Ok(())
    }

    fn open(&mut self, circuit: u32, node: NodeId, now: Millis) -> Result<(), Code> {
        if !self.circuits.is_new(circuit) {
            return Err(Code::Malformed);
        }
        let role = if self.depth == 0 { 1 } else { 2 };
        let refusal = if self.limits.roles & role == 0 {
            Some(Code::Role)
        } else if self.depth >= DEEPEST {
            Some(Code::Hops)
        } else if node == self.node {
            Some(Code::Unreachable)
        } else if !matches!(self.meter.count(false, 39, now)?, Verdict::Pass)
            || !self.circuits.open(circuit)
        {
            Some(Code::Busy)
        } else {
            None
        };
        if let Some(code) = refusal {
            return self.note(Note::Closed(circuit, code));
        }
        let hop = self.depth + 1;
        self.orders.push_back(Order::Open { circuit, node, hop });
        Ok(())
    }

    fn block(&mut self, block: Block) -> Result<(), Code> {
        let Some(room) = self.room else {
            return Ok(());
        };
        if block.is_signed(&room) {
            self.orders.push_back(Order::Room(Request::Block(block)));
            return Ok(());
        }
        self.note(Note::Refused(Record::Block(block).kind(), Code::Signature))
    }

    fn note(&mut self, note: Note) -> Result<(), Code> {
        if self.notes.len() >= ANSWERS {
            return Err(Code::Quota);
        }
        self.notes.push_back(note);
        Ok(())
    }

    /// What [`super::Rooms`] said to a request.
    pub fn answer(&mut self, reply: Reply, now: Millis) {
        let noted = match reply {
            Reply::Done => Ok(()),
            Reply::Refused { record, code } => {
                if record == JOIN {
                    self.room = None;
                }
                self.note(Note::Refused(record, code))
            }
            Reply::Slower { record, pause } => match self.meter.verdict(pause, now) {
                Verdict::Slower(pause) => self.note(Note::Slower(record, pause)),
                _ => Ok(()),
            },
            Reply::End(code) => Err(code),
        };
        if let Err(code) = noted {
            self.close(code);
        }
    }

    /// The next order.
    pub fn order(&mut self) -> Option<Order> {
        let order = self.orders.pop_front();
        // An idle session keeps no memory of a busy hour.
        if self.orders.is_empty() && self.orders.capacity() > 8 {
            self.orders = VecDeque::new();
        }
        order
    }

    /// The next frame for the box at a circuit's end.
    pub fn for_circuit(&mut self, circuit: u32) -> Option<Bytes> {
        self.circuits.for_box(circuit)
    }

    /// Whether a circuit takes another frame from the box at its end.
    pub fn has_room(&self, circuit: u32) -> bool {
        self.circuits.has_room(circuit)
    }

    /// A frame came from the box at a circuit's end. `false`, and the frame is lost, if the circuit
    /// has no room; ask [`Session::has_room`] before reading. A frame of a wrong length ends the
    /// circuit.
    pub fn circuit_frame(&mut self, circuit: u32, frame: Bytes) -> bool {
        if !is_class(frame.len(), self.depth + 1) {
            if self.circuits.close(circuit) {
                self.orders.push_back(Order::End(circuit));
                self.gone(circuit, Code::Malformed);
            }
            return false;
        }
        self.circuits.push_to_client(circuit, frame)
    }

    /// A circuit could not be opened or its stream has ended.
    pub fn circuit_ended(&mut self, circuit: u32, code: Code) {
        if self.circuits.ended(circuit, code) {
            self.gone(circuit, code);
        }
    }

    fn gone(&mut self, circuit: u32, code: Code) {
        if let Err(code) = self.note(Note::Closed(circuit, code)) {
            self.close(code);
        }
    }

    /// Ends the session: the next frame says so and is the last.
    pub fn close(&mut self, code: Code) {
        self.closing.get_or_insert(code);
    }

    /// Nothing comes any more: the carrier and all circuits are to be closed.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Whether [`super::Rooms::fill`] may have something for it.
    pub const fn in_room(&self) -> bool {
        self.room.is_some()
    }

    /// Whether another frame waits. What rooms have is not counted.
    pub fn waits(&self) -> bool {
        !self.over
            && (self.closing.is_some()
                || self.pong.is_some()
                || !self.notes.is_empty()
                || self.mail.waits()
                || self.circuits.waits())
    }

    /// The next cell, with what the session itself has to say. If [`Cell::room`] is left and
    /// [`Session::in_room`], [`super::Rooms::fill`] goes on; then [`Session::finish`].
    pub fn begin(&mut self, now: Millis) -> Cell {
        let mut cell = Cell::new(self.depth);
        if let Some(code) = self.closing {
            cell.push(&Record::Close(code));
            cell.seal_off();
            return cell;
        }
        let others =
            self.pong.is_some() || !self.notes.is_empty() || self.mail.waits() || self.in_room();
        if !(self.after_data && others)
            && let Some((circuit, frame, ended)) = self.circuits.for_client()
        {
            self.after_data = true;
            if let Some(code) = ended {
                self.gone(circuit, code);
            }
            return Cell::data(self.depth, circuit, &frame);
        }
        self.after_data = false;
        if let Some(token) = self.pong.take() {
            cell.push(&Record::Pong(token));
        }
        for note in self.notes.drain(..) {
            // 64 of them fit into the largest cell many times.
            cell.push(&match note {
                Note::Closed(circuit, code) => Record::Closed { circuit, code },
                Note::Refused(record, code) => Record::Refused { record, code },
                Note::Slower(record, pause) => Record::Slower { record, pause },
            });
        }
        self.mail.fill(&mut cell);
        if self.in_room() && now >= self.sent + KEEP_ALIVE {
            cell.want();
        }
        cell
    }

    /// The frame; `None` if there is nothing to send. If so and [`Session::waits`], begin again.
    pub fn finish(&mut self, cell: Cell, now: Millis) -> Option<Bytes> {
        if self.over {
            return None;
        }
        self.over = self.closing.is_some();
        match cell.seal(&mut self.transport) {
            Ok(Some(frame)) => {
                self.sent = now;
                Some(frame)
            }
            Ok(None) => None,
            Err(Malformed) => {
                self.over = true;
                None
            }
        }
    }

    /// When [`Session::tick`] has something to do.
    pub fn deadline(&self) -> Millis {
        let mut end = (self.heard + IDLE).min(self.opened + LIFETIME);
        if let Some(entitlement) = &self.entitlement {
            end = end.min(entitlement.deadline());
        }
        if self.in_room() {
            end.min(self.sent + KEEP_ALIVE)
        } else {
            end
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Millis) {
        if now >= self.heard + IDLE || now >= self.opened + LIFETIME {
            self.close(Code::Timeout);
        }
        let entitlement = self.entitlement.as_mut();
        if let Some(step) = entitlement.and_then(|entitlement| entitlement.tick(now)) {
            self.step(step);
        }
    }
}

/// The type of [`Record::Join`].
const JOIN: u8 = 0x20;

/// A part of a cell that will be kept: by reference, unless it would keep far more alive.
fn part(cell: &Bytes, bytes: &[u8]) -> Bytes {
    if bytes.len() * 2 < cell.len() {
        Bytes::copy_from_slice(bytes)
    } else {
        cell.slice_ref(bytes)
    }
}
