//! A client: from its entry box to a room box, into the room, and there again when a box dies.
//! Sections 3, 4 and 8 of the protocol; what is sealed is in [`crate::conversation`].

mod frames;
mod guards;
mod leg;
mod paths;
mod way;

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

use self::{guards::Guards, leg::Leg, way::Way};
use crate::{
    ClientSecret, Code, Delegation, Invitation, Millis, RoomBox,
    conversation::{Conversation, Event, NotTaken},
};

/// How many boxes stand between the client and the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hops {
    /// The room box alone. It sees the client's address, and the room's policy has to allow it.
    One,
    /// An entry and the room box.
    Two,
    /// An entry, this box, and the room box.
    Three(RoomBox),
}

/// What a client is made of.
#[derive(Debug)]
pub struct Settings {
    /// The room.
    pub invitation: Invitation,
    /// Entry boxes in order, from the client's own list.
    pub guards: Vec<RoomBox>,
    /// How far the room is.
    pub hops: Hops,
    /// Fresh for this room and this start.
    pub secret: ClientSecret,
    /// See section 12 of the protocol; at most 512 bytes.
    pub profile: Vec<u8>,
    /// For a room with a rule: a wallet that fulfils it lets `secret` speak for it there.
    pub delegation: Option<Delegation>,
    /// 32 fresh random bytes.
    pub seed: [u8; 32],
}

/// What the owner of the client has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Open a socket to a box, then tell [`Client::connected`].
    Connect {
        /// Names the socket, never twice.
        socket: u32,
        /// The box: a guard, or with one hop a room box.
        to: RoomBox,
    },
    /// Close a socket. Nothing of it is wanted any more.
    Disconnect {
        /// Its name.
        socket: u32,
    },
}

/// The one socket that a client has at a time.
#[derive(Debug)]
struct Entry {
    socket: u32,
    /// Place in the list of guards; none with one hop.
    guard: Option<usize>,
    leg: Leg,
    /// The `INIT`, until the socket is open.
    init: Option<Vec<u8>>,
    began: Millis,
    /// A `PING` is under way since then, because home is silent.
    asked: Option<Millis>,
}

/// A client.
#[derive(Debug)]
pub struct Client {
    invitation: Invitation,
    hops: Hops,
    secret: ClientSecret,
    delegation: Option<Delegation>,
    guards: Guards,
    rng: ChaCha20Rng,
    /// What is sealed, and who is there.
    conversation: Conversation,
    entry: Option<Entry>,
    /// The way to where the client is or wants to be, and one to a lower position.
    home: Option<Way>,
    better: Option<Way>,
    /// The position that is tried next.
    position: u8,
    /// Attempts since the client was last in the room.
    attempts: usize,
    /// When the next attempt may begin, and the pause after the next round.
    resume: Millis,
    pause: Millis,
    /// A box of this round said no to who this is.
    is_refused: bool,
    /// When lower positions are tried, and the pause after that.
    together: Option<Millis>,
    together_pause: Millis,
    circuit: u32,
    socket: u32,
    out: VecDeque<Bytes>,
    commands: VecDeque<Command>,
    over: bool,
}

/// Frames for the socket that wait at most; a socket that takes none is dead.
const OUT: usize = 256;
/// Milliseconds after which a client whose socket is full looks again.
const FULL: Millis = 20;

impl Client {
    /// A client that wants into its room; [`Client::tick`] sets it in motion.
    pub fn new(settings: Settings, now: Millis) -> Self {
        let mut rng = ChaCha20Rng::from_seed(settings.seed);
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let conversation = Conversation::new(
            &settings.invitation,
            settings.secret.clone(),
            settings.profile,
            seed,
            now,
        );
        Self {
            invitation: settings.invitation,
            hops: settings.hops,
            secret: settings.secret,
            delegation: settings.delegation,
            guards: Guards::new(&settings.guards),
            rng,
            conversation,
            entry: None,
            home: None,
            better: None,
            position: 0,
            attempts: 0,
            resume: now,
            pause: paths::FIRST_PAUSE,
            is_refused: false,
            together: None,
            together_pause: paths::TOGETHER,
            circuit: 0,
            socket: 0,
            out: VecDeque::new(),
            commands: VecDeque::new(),
            over: false,
        }
    }

    /// The next thing to do with sockets.
    pub fn command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// What happened in the room.
    pub fn event(&mut self) -> Option<Event> {
        self.conversation.event()
    }

    /// This client's key in the room.
    pub const fn client(&self) -> [u8; 32] {
        self.conversation.client()
    }

    /// Whether it is in the room now.
    pub fn is_here(&self) -> bool {
        self.home.as_ref().is_some_and(Way::is_home)
    }

    /// The client keys of the other members.
    pub fn members(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.conversation.members()
    }

    /// See [`Conversation::pose`].
    pub fn pose(&mut self, payload: Vec<u8>) -> Result<(), NotTaken> {
        self.conversation.pose(payload)
    }

    /// See [`Conversation::say`].
    pub fn say(&mut self, payload: Vec<u8>, now: Millis) -> Result<u64, NotTaken> {
        self.conversation.say(payload, now)
    }

    /// See [`Conversation::tell`].
    pub fn tell(
        &mut self,
        client: &[u8; 32],
        payload: Vec<u8>,
        now: Millis,
    ) -> Result<u64, NotTaken> {
        self.conversation.tell(client, payload, now)
    }

    /// Goes for good. What [`Client::transmit`] still gives says so to the others.
    pub fn end(&mut self, now: Millis) {
        if self.over {
            return;
        }
        self.conversation.bye();
        self.flush(now);
        if let Some(mut home) = self.home.take() {
            self.leave(&mut home, now);
        }
        self.over = true;
    }

    /// The socket is open.
    pub fn connected(&mut self, socket: u32, now: Millis) {
        if let Some(entry) = self.entry.as_mut().filter(|entry| entry.socket == socket)
            && let Some(init) = entry.init.take()
        {
            entry.leg.heard = now;
            self.out.push_back(init.into());
        }
    }

    /// The socket could not be opened or was closed.
    pub fn disconnected(&mut self, socket: u32, now: Millis) {
        if self
            .entry
            .as_ref()
            .is_some_and(|entry| entry.socket == socket)
        {
            self.entry_failed(now);
            self.proceed(now);
        }
    }

    /// A frame came on the socket.
    pub fn receive(&mut self, socket: u32, frame: BytesMut, now: Millis) {
        if self.over
            || self
                .entry
                .as_ref()
                .is_none_or(|entry| entry.socket != socket)
        {
            return;
        }
        if self.entry_frame(frame, now).is_err() || self.out.len() > OUT {
            self.entry_failed(now);
        }
        self.proceed(now);
    }

    /// The next frame for the socket.
    pub fn transmit(&mut self, now: Millis) -> Option<Bytes> {
        if self.out.is_empty() && !self.over {
            self.flush(now);
        }
        self.out.pop_front()
    }

    /// When [`Client::tick`] has something to do. [`Client::transmit`] is asked after everything
    /// else, and when the socket takes another frame.
    pub fn deadline(&self, now: Millis) -> Millis {
        if self.over {
            return Millis::MAX;
        }
        let conversation = self.conversation.deadline(now);
        let soonest = self
            .paths_deadline()
            .min(conversation.unwrap_or(Millis::MAX));
        // What waits for the socket can be followed by more only when the socket has taken it.
        let earliest = if self.out.is_empty() { 0 } else { now + FULL };
        soonest.max(earliest)
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Millis) {
        if self.over {
            return;
        }
        self.conversation.tick(now);
        if self.out.len() > OUT {
            self.entry_failed(now);
        }
        self.watch(now);
        self.proceed(now);
    }

    fn random(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    fn place(&self, position: u8) -> Option<RoomBox> {
        self.invitation.boxes.get(usize::from(position)).copied()
    }

    fn drop_entry(&mut self) {
        if let Some(entry) = self.entry.take() {
            let socket = entry.socket;
            self.commands.push_back(Command::Disconnect { socket });
        }
        self.out.clear();
        self.better = None;
        if self.home.take().is_some_and(|home| home.is_home()) {
            self.conversation.away();
            self.conversation.push_event(Event::Away);
        }
    }

    /// The entry is of no use: the next guard, the same position.
    fn entry_failed(&mut self, now: Millis) {
        let guard = self.entry.as_ref().and_then(|entry| entry.guard);
        if let Some(guard) = guard {
            self.guards.failed(guard, now);
        } else {
            self.next_position();
        }
        self.drop_entry();
        self.count_attempt(now);
    }

    fn refused(&mut self, code: Code) {
        self.conversation.push_event(Event::Refused(code));
    }
}
