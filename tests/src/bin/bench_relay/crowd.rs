//! Thousands of people on one thread: sessions that stand, each with a socket that is looked at only when
//! something came. What they say carries the time at which it was said.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpStream},
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use seedbox_relay_proto::{
    RoomName, RoomSecret, policy,
    record::{EVERYBODY, Record},
};
use system_tests::{
    relay::{BoxKeys, Path, RelayClient},
    wait::wait_until,
};
use tungstenite::{Error, Message, WebSocket};

/// What is said has 200 bytes; sealed by section 6 of the protocol it has 29 more.
const SEALED: usize = 200 + 29;
/// Boxes close who is silent for 30 s.
const SIGN_OF_LIFE: Duration = Duration::from_secs(8);
/// A box that is at its rate of handshakes is asked again.
const PATIENCE: Duration = Duration::from_secs(60);

/// What people do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// Where they are.
    Poses,
    /// Something to everybody else.
    Messages,
    /// Nothing, but that they are still there.
    Nothing,
}

/// How to come into a room.
#[derive(Clone)]
pub(crate) struct Way {
    /// The first box's public listener.
    pub(crate) entry: SocketAddr,
    /// All boxes, the first included.
    pub(crate) path: Vec<BoxKeys>,
}

struct Member {
    socket: WebSocket<TcpStream>,
    path: Path,
}

/// Times from saying to hearing, in classes of 50 µs.
pub(crate) struct Heard {
    classes: Vec<u64>,
    pub(crate) said: u64,
    pub(crate) heard: u64,
}

const CLASS: u64 = 50;

impl Heard {
    fn new() -> Self {
        Self {
            classes: vec![0; 100_000],
            said: 0,
            heard: 0,
        }
    }

    fn note(&mut self, micros: u64) {
        let last = self.classes.len() - 1;
        let class = usize::try_from(micros / CLASS).unwrap_or(last).min(last);
        self.classes[class] += 1;
        self.heard += 1;
    }

    /// Milliseconds within which a share of all was heard.
    pub(crate) fn within(&self, share: f64) -> f64 {
        let wanted = self.heard as f64 * share;
        let mut sum: u64 = 0;
        for (class, count) in (1..).zip(&self.classes) {
            sum += count;
            if sum as f64 >= wanted {
                return (class * CLASS) as f64 / 1e3;
            }
        }
        f64::INFINITY
    }
}

/// Everybody.
pub(crate) struct Crowd {
    members: Vec<Member>,
    poll: Poll,
    started: Instant,
    alive: Instant,
}

impl Crowd {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            members: Vec::new(),
            poll: Poll::new()?,
            started: Instant::now(),
            alive: Instant::now(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// One more, in a room of that number or in none.
    pub(crate) fn enter(&mut self, way: &Way, room: Option<usize>) -> Result<()> {
        let client = wait_until("a box to take one more", PATIENCE, || {
            let mut client = RelayClient::connect(way.entry, &way.path)?;
            if let Some(number) = room {
                client.join(name(number)?)?;
            }
            Ok(client)
        })?;
        let (socket, path) = client.into_parts()?;
        let descriptor = socket.get_ref().as_raw_fd();
        let token = Token(self.members.len());
        let registry = self.poll.registry();
        registry.register(&mut SourceFd(&descriptor), token, Interest::READABLE)?;
        self.members.push(Member { socket, path });
        if self.alive.elapsed() > SIGN_OF_LIFE {
            self.run(Says::Nothing, Duration::ZERO)?;
        }
        Ok(())
    }

    /// Lets each say something ten times a second, all spread evenly, and hears everybody.
    pub(crate) fn run(&mut self, says: Says, span: Duration) -> Result<Heard> {
        let mut heard = Heard::new();
        let mut events = Events::with_capacity(1_024);
        let begun = Instant::now();
        let number = u32::try_from(self.members.len().max(1))?;
        let pause = Duration::from_millis(100) / number;
        let mut next = 0;
        loop {
            if self.alive.elapsed() > SIGN_OF_LIFE {
                self.alive = Instant::now();
                self.show_life()?;
            }
            let passed = begun.elapsed();
            if passed >= span {
                return Ok(heard);
            }
            let mut wait = Duration::from_millis(50).min(span - passed);
            if says != Says::Nothing {
                while pause * next <= passed {
                    self.say(usize::try_from(next % number)?, says)?;
                    heard.said += 1;
                    next += 1;
                }
                wait = wait.min((pause * next).saturating_sub(begun.elapsed()));
            }
            self.poll.poll(&mut events, Some(wait))?;
            for event in &events {
                let at = self.started;
                let member = &mut self.members[event.token().0];
                member
                    .hear(at, &mut heard)
                    .with_context(|| format!("member {}", event.token().0))?;
            }
        }
    }

    fn say(&mut self, member: usize, says: Says) -> Result<()> {
        let mut sealed = [7; SEALED];
        let now = u64::try_from(self.started.elapsed().as_micros())?;
        sealed[..8].copy_from_slice(&now.to_le_bytes());
        let record = match says {
            Says::Poses => Record::Pose(&sealed),
            _ => Record::Send {
                to: EVERYBODY,
                sealed: &sealed,
            },
        };
        self.members[member].write(&record)
    }

    fn show_life(&mut self) -> Result<()> {
        for member in &mut self.members {
            member.write(&Record::Ping([1; 8]))?;
        }
        Ok(())
    }
}

impl Member {
    fn write(&mut self, record: &Record<'_>) -> Result<()> {
        let frame = self.path.seal(record)?;
        match self.socket.send(Message::Binary(frame)) {
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            sent => Ok(sent?),
        }
    }

    /// Reads all that is there.
    fn hear(&mut self, started: Instant, heard: &mut Heard) -> Result<()> {
        loop {
            let frame = match self.socket.read() {
                Ok(Message::Binary(frame)) => frame,
                Ok(Message::Close(_)) => bail!("the box closed the socket"),
                Ok(_) => continue,
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let now = u64::try_from(started.elapsed().as_micros())?;
            self.path.open_each(&frame, |record| {
                let sealed = match record {
                    Record::PoseFrom { sealed, .. } | Record::Sent { sealed, .. } => sealed,
                    _ => return,
                };
                if let Some(said) = sealed.first_chunk() {
                    heard.note(now.saturating_sub(u64::from_le_bytes(*said)));
                }
            })?;
        }
    }
}

fn name(number: usize) -> Result<RoomName> {
    let mut secret = [9; 32];
    secret[..8].copy_from_slice(&u64::try_from(number)?.to_le_bytes());
    Ok(RoomName {
        policy: policy::DIRECT,
        owner: [0; 32],
        salt: RoomSecret::new(secret).salt(),
        rule: None,
    })
}
