//! A client's end of one session: the handshake, and sealing after it.

use bytes::BytesMut;

use crate::{
    Cell, Code, Millis, RoomBox, Transport,
    frame::{Grant, Handshake, is_class},
    noise::Initiator,
};

/// Milliseconds after which a client says something.
const KEEP_ALIVE: Millis = 10_000;

#[derive(Debug)]
enum Stage {
    /// The initiator, and whether it was given work.
    Shaking(Option<Box<Initiator>>, bool),
    Open(Box<Transport>, Grant),
}

/// What a frame brought.
#[derive(Debug)]
pub(super) enum Came {
    /// Answer with this on the same carrier.
    Work(Vec<u8>),
    /// The session is open.
    Open,
    /// A cell.
    Cell(BytesMut),
}

/// One session.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) depth: u8,
    stage: Stage,
    pub(super) heard: Millis,
    sent: Millis,
}

impl Leg {
    /// Begins, and gives the `INIT`. `None` if the box's key is none.
    pub(super) fn new(
        place: RoomBox,
        depth: u8,
        seed: [u8; 32],
        now: Millis,
    ) -> Option<(Self, Vec<u8>)> {
        let initiator = Initiator::new(place.node, place.noise, depth, seed).ok()?;
        let init = initiator.init();
        let leg = Self {
            depth,
            stage: Stage::Shaking(Some(Box::new(initiator)), false),
            heard: now,
            sent: now,
        };
        Some((leg, init))
    }

    pub(super) fn receive(&mut self, mut frame: BytesMut, now: Millis) -> Result<Came, Code> {
        if !is_class(frame.len(), self.depth) {
            return Err(Code::Malformed);
        }
        let came = match &mut self.stage {
            Stage::Open(transport, _) => {
                transport.open(&mut frame)?;
                Came::Cell(frame)
            }
            Stage::Shaking(initiator, worked) => match Handshake::parse(&frame)? {
                Handshake::Accept(message) => {
                    let initiator = initiator.take().ok_or(Code::Malformed)?;
                    let (transport, grant) = initiator.finish(message)?;
                    self.stage = Stage::Open(Box::new(transport), grant);
                    Came::Open
                }
                Handshake::Challenge(challenge) => {
                    if std::mem::replace(worked, true) {
                        return Err(Code::Busy);
                    }
                    let initiator = initiator.as_ref().ok_or(Code::Malformed)?;
                    Came::Work(initiator.solve(&challenge))
                }
                Handshake::Refuse { code, .. } => return Err(code),
            },
        };
        self.heard = now;
        Ok(came)
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Open(..))
    }

    /// What the box granted, and the session's hash.
    pub(super) fn opened(&self) -> Option<(&Grant, &[u8; 32])> {
        match &self.stage {
            Stage::Open(transport, grant) => Some((grant, transport.hash())),
            Stage::Shaking(..) => None,
        }
    }

    /// The frame of a cell; `None` if the session is not open or the cell is empty.
    pub(super) fn seal(&mut self, cell: Cell, now: Millis) -> Option<BytesMut> {
        let Stage::Open(transport, _) = &mut self.stage else {
            return None;
        };
        let frame = cell.seal(transport).ok().flatten()?;
        self.sent = now;
        Some(BytesMut::from(frame))
    }

    /// When something has to be said, if nothing else is.
    pub(super) const fn keep_alive(&self) -> Millis {
        self.sent + KEEP_ALIVE
    }
}
