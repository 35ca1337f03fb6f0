//! Strangers who hold sockets and do nothing honest with them, each from an address of its own, and who come
//! back when the box throws them out.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use socket2::{Domain, Socket, Type};

/// Each stranger is looked at so often; the slow ones send a byte then.
const ROUND: Duration = Duration::from_secs(1);
/// Who was thrown out comes back after so many rounds.
const PAUSE: usize = 5;
const UPGRADE: &[u8] =
    b"GET /relay HTTP/1.1\r\nhost: box\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
    sec-websocket-protocol: cosmos-relay.1\r\n\r\n";

struct Stranger {
    number: u32,
    socket: Option<TcpStream>,
    sent: usize,
    /// Rounds until it comes back.
    away: usize,
}

impl Stranger {
    /// A quarter says nothing, a quarter sends the head of a request byte after byte, a quarter opens a
    /// WebSocket and says nothing, a quarter begins a frame there and goes on byte after byte.
    fn step(&mut self, to: SocketAddr) {
        if self.away > 0 {
            self.away -= 1;
            return;
        }
        if self.socket.is_none() {
            self.socket = connect(self.number, to).ok();
            self.sent = 0;
            return;
        }
        if self.is_gone() {
            self.socket = None;
            self.away = PAUSE;
        }
        let Some(socket) = &mut self.socket else {
            return;
        };
        let kind = self.number % 4;
        let bytes: &[u8] = match (kind, self.sent) {
            (1, sent) => &UPGRADE[sent.min(UPGRADE.len() - 1)..][..1],
            (2 | 3, 0) => UPGRADE,
            // A binary frame of 240 bytes, masked with zeros, of which the first bytes come.
            (3, 1) => &[0x82, 0xfe, 0, 240, 0, 0, 0, 0],
            (3, _) => &[1],
            _ => return,
        };
        match socket.write(bytes) {
            Ok(_) => self.sent += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.socket = None,
        }
    }

    fn is_gone(&mut self) -> bool {
        let Some(socket) = &mut self.socket else {
            return true;
        };
        let mut rest = [0; 512];
        match socket.read(&mut rest) {
            Ok(read) => read == 0,
            Err(error) => !matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::NotConnected
            ),
        }
    }
}

/// Does not wait for the connection.
fn connect(number: u32, to: SocketAddr) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let [_, _, high, low] = number.to_be_bytes();
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 77, high, low), 0)).into())?;
    socket.set_nonblocking(true)?;
    // In progress is as good as done.
    let _ = socket.connect(&to.into());
    Ok(socket.into())
}

/// All of them, until dropped.
pub(crate) struct Strangers {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Strangers {
    pub(crate) fn come(number: u32, to: SocketAddr) -> Self {
        let (stop, rounds) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (stopped, done) = (Arc::clone(&stop), Arc::clone(&rounds));
        let thread = std::thread::spawn(move || {
            let mut strangers: Vec<Stranger> = (0..number)
                .map(|number| Stranger {
                    number,
                    socket: None,
                    sent: 0,
                    away: 0,
                })
                .collect();
            while !stopped.load(Ordering::Relaxed) {
                let begun = Instant::now();
                for some in strangers.chunks_mut(64) {
                    some.iter_mut().for_each(|stranger| stranger.step(to));
                    // Spread over the round, so that it is the box that is measured.
                    let share = ROUND * 64 / number.max(64);
                    std::thread::park_timeout(share);
                }
                done.fetch_add(1, Ordering::Relaxed);
                std::thread::park_timeout(ROUND.saturating_sub(begun.elapsed()));
            }
        });
        Self {
            stop,
            rounds,
            thread: Some(thread),
        }
    }

    /// How often all were looked at.
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.load(Ordering::Relaxed)
    }

    pub(crate) fn leave(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take();
        let ended = thread.map_or(Ok(()), |thread| {
            thread.thread().unpark();
            thread.join()
        });
        ended.map_err(|_| anyhow!("the strangers panicked"))
    }
}
