//! A client of the relay for tests: sessions on a socket and through circuits, rooms, and nothing
//! else. What it sends in rooms is not sealed unless a test does it.

use std::{
    collections::VecDeque,
    io::ErrorKind,
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use bytes::{Bytes, BytesMut};
use rand::random;
use seedbox_relay_proto::{
    Cell, ClientSecret, Code, Delegation, Descriptor, NodeId, NoiseKey, RoomName, Transport,
    frame::Handshake,
    noise::Initiator,
    record::{Join, Record, records},
};
use tungstenite::{
    Message, WebSocket,
    client::{ClientRequestBuilder, client_with_config},
    protocol::WebSocketConfig,
};

/// Nothing here takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_secs(20);
/// How long one look at the socket waits.
const LOOK: Duration = Duration::from_millis(20);
/// The only circuit of each session.
const CIRCUIT: u32 = 1;

/// A box as clients know it.
#[derive(Debug, Clone, Copy)]
pub struct BoxKeys {
    /// Its name.
    pub node: NodeId,
    /// Its key for sessions.
    pub noise: NoiseKey,
}

impl From<&Descriptor> for BoxKeys {
    fn from(descriptor: &Descriptor) -> Self {
        Self {
            node: descriptor.node,
            noise: descriptor.noise,
        }
    }
}

/// What a box told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// In the room, at this slot, with so many others.
    Joined(u8, usize),
    /// Somebody has come.
    Member(u8),
    /// Somebody has gone.
    Left(u8),
    /// A message of a slot.
    Message(u8, Vec<u8>),
    /// A pose of a slot.
    Pose(u8, Vec<u8>),
    /// What was asked for is refused.
    Refused(Code),
    /// A note is kept, under this number.
    Kept(u64),
    /// A note by its number; an empty one ends an answer, with whether there are more.
    Note(u64, Vec<u8>, bool),
    /// Anything else, by its type.
    Other(u8),
}

impl Told {
    fn of(record: &Record<'_>) -> Self {
        match record {
            Record::Joined { slot, others } => Told::Joined(*slot, others.len() / 33),
            Record::Member { slot, .. } => Told::Member(*slot),
            Record::Left { slot, .. } => Told::Left(*slot),
            Record::Sent { from, sealed, .. } => Told::Message(*from, sealed.to_vec()),
            Record::PoseFrom { slot, sealed } => Told::Pose(*slot, sealed.to_vec()),
            Record::Refused { code, .. } => Told::Refused(*code),
            Record::Kept(number) => Told::Kept(*number),
            Record::Note {
                number,
                kept,
                sealed,
            } => Told::Note(*number, sealed.to_vec(), *kept == 1),
            other => Told::Other(other.kind()),
        }
    }
}

/// What a frame of the socket held.
#[derive(Debug, Default)]
pub struct Opened {
    /// Records of boxes, in order.
    pub told: Vec<Told>,
    /// A frame for whom comes after the last session.
    pub inner: Option<Vec<u8>>,
}

/// The sessions of a client, without a socket: the entry's first, each further one runs through a
/// circuit of the one before.
#[derive(Default)]
pub struct Path {
    sessions: Vec<Transport>,
}

impl Path {
    fn depth(&self) -> Result<u8> {
        Ok(u8::try_from(self.sessions.len())?)
    }

    /// Begins a session with the next box; the frames to send, in order.
    ///
    /// # Errors
    /// The path is too long.
    pub fn extend(&mut self, keys: BoxKeys) -> Result<(Initiator, Vec<Bytes>)> {
        let depth = self.depth()?;
        let mut frames = Vec::new();
        if depth > 0 {
            frames.push(self.seal(&Record::Open {
                circuit: CIRCUIT,
                node: keys.node.0,
            })?);
        }
        let initiator = Initiator::new(keys.node, keys.noise, depth, random())?;
        frames.push(self.wrap(initiator.init(), self.sessions.len())?);
        Ok((initiator, frames))
    }

    /// Takes the box's answer. A frame to send if it wants work first; none if the session stands.
    ///
    /// # Errors
    /// The box refuses.
    pub fn answered(
        &mut self,
        initiator: Initiator,
        answer: &[u8],
    ) -> Result<Option<(Initiator, Bytes)>> {
        match Handshake::parse(answer)? {
            Handshake::Accept(message) => {
                self.sessions.push(initiator.finish(message)?.0);
                Ok(None)
            }
            Handshake::Challenge(challenge) => {
                let again = self.wrap(initiator.solve(&challenge), self.sessions.len())?;
                Ok(Some((initiator, again)))
            }
            Handshake::Refuse { code, .. } => bail!("the box refuses: {code:?}"),
        }
    }

    /// The frame that enters a room on the last box with a fresh client key.
    ///
    /// # Errors
    /// There is no session.
    pub fn join(&mut self, room: RoomName) -> Result<Bytes> {
        self.join_as(room, &ClientSecret::new(random()), &[])
    }

    /// The same with a client key of one's own and, if the room has a rule, a delegation to it.
    ///
    /// # Errors
    /// There is no session.
    pub fn join_as(
        &mut self,
        room: RoomName,
        secret: &ClientSecret,
        delegation: &[u8],
    ) -> Result<Bytes> {
        let session = self.sessions.last().context("no session")?;
        let join = Join {
            room,
            client: secret.public(),
            signature: secret.sign_join(session.hash(), room.id()),
            ticket: &[],
            delegation,
        };
        self.seal(&Record::Join(join))
    }

    /// A record for the last box, as a frame for the socket.
    ///
    /// # Errors
    /// There is no session, or the record is too long.
    pub fn seal(&mut self, record: &Record<'_>) -> Result<Bytes> {
        let last = self.sessions.len().checked_sub(1).context("no session")?;
        let mut cell = Cell::new(u8::try_from(last)?);
        ensure!(cell.push(record), "the record is too long");
        let frame = cell.seal(&mut self.sessions[last])?.context("no frame")?;
        self.wrap(frame.to_vec(), last)
    }

    /// Wraps a frame that belongs above so many sessions.
    fn wrap(&mut self, mut frame: Vec<u8>, above: usize) -> Result<Bytes> {
        for session in self.sessions[..above].iter_mut().rev() {
            let mut cell = BytesMut::new();
            let data = Record::Data {
                circuit: CIRCUIT,
                frame: &frame,
            };
            data.write(&mut cell);
            session.seal(&mut cell)?;
            frame = cell.to_vec();
        }
        Ok(frame.into())
    }

    /// Opens a frame of the socket through all sessions.
    ///
    /// # Errors
    /// It does not open, or a box closed a session or a circuit.
    pub fn open(&mut self, frame: &[u8]) -> Result<Opened> {
        let mut told = Vec::new();
        let inner = self.open_each(frame, |record| told.push(Told::of(record)))?;
        Ok(Opened { told, inner })
    }

    /// The same, for who wants no copies: hands out each record, answers the frame for whom comes
    /// after the last session.
    ///
    /// # Errors
    /// As [`Path::open`].
    pub fn open_each(
        &mut self,
        frame: &[u8],
        mut told: impl FnMut(&Record<'_>),
    ) -> Result<Option<Vec<u8>>> {
        let mut frame = BytesMut::from(frame);
        for session in &mut self.sessions {
            session.open(&mut frame)?;
            let mut inner = None;
            for record in records(&frame) {
                match record? {
                    Record::Data { frame, .. } => inner = Some(BytesMut::from(frame)),
                    Record::Closed { code, .. } => bail!("a circuit was closed: {code:?}"),
                    Record::Close(code) => bail!("a session was closed: {code:?}"),
                    record => told(&record),
                }
            }
            match inner {
                Some(inner) => frame = inner,
                None => return Ok(None),
            }
        }
        Ok(Some(frame.to_vec()))
    }
}

/// A client with a path of one to three boxes and a socket.
pub struct RelayClient {
    socket: WebSocket<TcpStream>,
    path: Path,
    told: VecDeque<Told>,
}

impl RelayClient {
    /// Connects to the first box's public listener and builds circuits to the others.
    ///
    /// # Errors
    /// A box refuses or is not reached.
    pub fn connect(entry: SocketAddr, path: &[BoxKeys]) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&entry, LIMIT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        let request = ClientRequestBuilder::new(format!("ws://{entry}/relay").parse()?)
            .with_sub_protocol("cosmos-relay.1");
        let config = WebSocketConfig::default().read_buffer_size(16 * 1024);
        let (socket, _) = client_with_config(request, stream, Some(config))
            .map_err(|error| anyhow!("the entry gives no WebSocket: {error}"))?;
        socket.get_ref().set_read_timeout(Some(LOOK))?;
        let mut client = Self {
            socket,
            path: Path::default(),
            told: VecDeque::new(),
        };
        for keys in path {
            client.extend(*keys).context("a box on the path refuses")?;
        }
        Ok(client)
    }

    /// The socket, which does not wait any more, and the sessions on it.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn into_parts(self) -> Result<(WebSocket<TcpStream>, Path)> {
        self.socket.get_ref().set_nonblocking(true)?;
        Ok((self.socket, self.path))
    }

    fn extend(&mut self, keys: BoxKeys) -> Result<()> {
        let (mut initiator, frames) = self.path.extend(keys)?;
        for frame in frames {
            self.write(frame)?;
        }
        loop {
            let answer = self.wait_inner()?;
            match self.path.answered(initiator, &answer)? {
                None => return Ok(()),
                Some((again, frame)) => {
                    initiator = again;
                    self.write(frame)?;
                }
            }
        }
    }

    /// Enters a room on the last box with a fresh client key; answers the own slot.
    ///
    /// # Errors
    /// The room refuses.
    pub fn join(&mut self, room: RoomName) -> Result<u8> {
        let frame = self.path.join(room)?;
        self.enter(frame)
    }

    /// Enters a room that has a rule.
    ///
    /// # Errors
    /// The room refuses.
    pub fn join_as(
        &mut self,
        room: RoomName,
        secret: &ClientSecret,
        delegation: &Delegation,
    ) -> Result<u8> {
        let frame = self.path.join_as(room, secret, &delegation.write())?;
        self.enter(frame)
    }

    fn enter(&mut self, join: Bytes) -> Result<u8> {
        self.write(join)?;
        self.wait(|told| match told {
            Told::Joined(slot, _) => Some(Ok(*slot)),
            Told::Refused(code) => Some(Err(anyhow!("the room refuses: {code:?}"))),
            _ => None,
        })?
    }

    /// Sends a message of at least 30 bytes to everybody else.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn send(&mut self, sealed: &[u8]) -> Result<()> {
        let frame = self.path.seal(&Record::Send { to: 255, sealed })?;
        self.write(frame)
    }

    /// Leaves a sealed note in the room's mailbox; answers its number.
    ///
    /// # Errors
    /// There is no mailbox, or it is full.
    pub fn keep(&mut self, sealed: &[u8]) -> Result<u64> {
        let frame = self.path.seal(&Record::Keep(sealed))?;
        self.write(frame)?;
        self.wait(|told| match told {
            Told::Kept(number) => Some(Ok(*number)),
            Told::Refused(code) => Some(Err(anyhow!("the mailbox refuses: {code:?}"))),
            _ => None,
        })?
    }

    /// All notes of the room with a higher number, as they are sealed.
    ///
    /// # Errors
    /// There is no mailbox.
    pub fn fetch(&mut self, mut after: u64) -> Result<Vec<Vec<u8>>> {
        let mut notes = Vec::new();
        loop {
            let frame = self.path.seal(&Record::Fetch(after))?;
            self.write(frame)?;
            let more = loop {
                let (number, sealed, more) = self.wait(|told| match told {
                    Told::Note(number, sealed, more) => Some(Ok((*number, sealed.clone(), *more))),
                    Told::Refused(code) => Some(Err(anyhow!("the mailbox refuses: {code:?}"))),
                    _ => None,
                })??;
                after = number;
                if sealed.is_empty() {
                    break more;
                }
                notes.push(sealed);
            };
            if !more {
                return Ok(notes);
            }
        }
    }

    /// Shows a pose of at least 30 bytes.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn pose(&mut self, sealed: &[u8]) -> Result<()> {
        let frame = self.path.seal(&Record::Pose(sealed))?;
        self.write(frame)
    }

    /// Waits until a box tells what `wanted` takes; what it told before that is forgotten.
    ///
    /// # Errors
    /// It does not within twenty seconds, or the session ends.
    pub fn wait<T>(&mut self, mut wanted: impl FnMut(&Told) -> Option<T>) -> Result<T> {
        let until = Instant::now() + LIMIT;
        while Instant::now() < until {
            while let Some(told) = self.told.pop_front() {
                if let Some(found) = wanted(&told) {
                    return Ok(found);
                }
            }
            if let Some(frame) = self.look()? {
                let opened = self.path.open(&frame)?;
                ensure!(
                    opened.inner.is_none(),
                    "a frame of a circuit that is not there"
                );
                self.told.extend(opened.told);
            }
        }
        bail!("no box told what was waited for")
    }

    fn wait_inner(&mut self) -> Result<Vec<u8>> {
        let until = Instant::now() + LIMIT;
        while Instant::now() < until {
            if let Some(frame) = self.look()? {
                let opened = self.path.open(&frame)?;
                self.told.extend(opened.told);
                if let Some(inner) = opened.inner {
                    return Ok(inner);
                }
            }
        }
        bail!("no answer came")
    }

    fn write(&mut self, frame: Bytes) -> Result<()> {
        Ok(self.socket.send(Message::Binary(frame))?)
    }

    /// A frame of the socket, if one comes soon.
    fn look(&mut self) -> Result<Option<Bytes>> {
        match self.socket.read() {
            Ok(Message::Binary(frame)) => Ok(Some(frame)),
            Ok(Message::Close(_)) => bail!("the box closed the socket"),
            Ok(_) => Ok(None),
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}
