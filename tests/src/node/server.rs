//! Just enough of HTTP/1.1 for JSON-RPC: `POST` with a length, connections that stay open, and
//! the bad manners that a lying node needs.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result, ensure};

const LONGEST_HEAD: u64 = 16 << 10;
const LONGEST_BODY: u64 = 32 << 20;

/// What becomes of a request.
pub(super) enum Reply {
    /// This is the answer.
    Body(Vec<u8>),
    /// The answer is so many spaces.
    Spaces(usize),
    /// There is none: the connection is closed.
    Nothing,
}

/// A running server, stopped when dropped.
pub(super) struct Server {
    address: SocketAddr,
    connections: Arc<Connections>,
    thread: Option<JoinHandle<()>>,
}

/// The open connections by their peers; `None` once the server has stopped.
struct Connections(Mutex<Option<BTreeMap<SocketAddr, TcpStream>>>);

impl Server {
    /// Starts one that replies to the body of each request.
    ///
    /// # Errors
    /// No port is free.
    pub(super) fn start(reply: impl Fn(&[u8]) -> Reply + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for a node")?;
        let address = listener.local_addr()?;
        let connections = Arc::new(Connections(Mutex::new(Some(BTreeMap::new()))));
        let (shared, reply) = (connections.clone(), Arc::new(reply));
        let thread = thread::Builder::new().name("node".into()).spawn(move || {
            for stream in listener.incoming().flatten() {
                if !shared.open(&stream) {
                    break;
                }
                let (shared, reply) = (shared.clone(), reply.clone());
                thread::spawn(move || {
                    // A client that breaks off is its own affair.
                    let _ = converse(&stream, reply.as_ref());
                    shared.close(&stream);
                });
            }
        })?;
        Ok(Self {
            address,
            connections,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for stream in self.connections.all().take().unwrap_or_default().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the listener, so that it sees that it has stopped.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Connections {
    fn all(&self) -> MutexGuard<'_, Option<BTreeMap<SocketAddr, TcpStream>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the server still runs.
    fn open(&self, stream: &TcpStream) -> bool {
        let mut all = self.all();
        let Some(all) = all.as_mut() else {
            return false;
        };
        if let (Ok(peer), Ok(stream)) = (stream.peer_addr(), stream.try_clone()) {
            all.insert(peer, stream);
        }
        true
    }

    fn close(&self, stream: &TcpStream) {
        if let (Some(all), Ok(peer)) = (self.all().as_mut(), stream.peer_addr()) {
            all.remove(&peer);
        }
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// Replies to one request after the other, until the client has no more.
fn converse(mut stream: &TcpStream, reply: &impl Fn(&[u8]) -> Reply) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(body) = request(&mut reader)? {
        match reply(&body) {
            Reply::Body(body) => {
                let mut answer = head(body.len());
                answer.extend(body);
                stream.write_all(&answer)?;
            }
            Reply::Spaces(size) => {
                stream.write_all(&head(size))?;
                let spaces = vec![b' '; 1 << 20];
                for start in (0..size).step_by(spaces.len()) {
                    stream.write_all(&spaces[..spaces.len().min(size - start)])?;
                }
            }
            Reply::Nothing => return Ok(()),
        }
    }
    Ok(())
}

/// The body of the next request; `None` if there is none.
fn request(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    let mut head = reader.take(LONGEST_HEAD);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    ensure!(line.starts_with("POST "), "not a POST: {line}");
    let mut length = 0;
    loop {
        line.clear();
        ensure!(head.read_line(&mut line)? > 0, "a head without an end");
        let field = line.trim().to_ascii_lowercase();
        if field.is_empty() {
            break;
        }
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    ensure!(length <= LONGEST_BODY, "a request of {length} bytes");
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    Ok(Some(body))
}

fn head(length: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")
        .into_bytes()
}
