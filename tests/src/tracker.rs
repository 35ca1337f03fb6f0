//! A BitTorrent tracker over HTTP (BEP 3) with compact peers (BEP 23), just large enough to
//! bring the programs of a test together, and to be asked what they announced.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};

/// Seconds after which a peer is to ask again: short, because a test's swarm changes quickly.
const INTERVAL: u32 = 2;
const LONGEST_REQUEST: u64 = 8 << 10;

/// A running tracker.
pub struct Tracker {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    swarms: Mutex<BTreeMap<String, Swarm>>,
    /// Peers that are named for every torrent.
    always: Vec<SocketAddrV4>,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Swarm {
    peers: BTreeMap<SocketAddrV4, u64>,
    announces: u64,
}

impl Tracker {
    /// A tracker that brings together whoever announces.
    ///
    /// # Errors
    /// No port is free.
    pub fn start() -> Result<Self> {
        Self::start_with(Vec::new())
    }

    /// A tracker that knows these peers for every torrent and keeps nobody who announces: so a
    /// client is sure to have its data from them.
    ///
    /// # Errors
    /// No port is free, or an address is not IPv4.
    pub fn naming(peers: &[SocketAddr]) -> Result<Self> {
        let named = peers
            .iter()
            .map(|peer| match peer {
                SocketAddr::V4(peer) => Ok(*peer),
                SocketAddr::V6(peer) => anyhow::bail!("{peer} does not fit BEP 23's compact form"),
            })
            .collect::<Result<_>>()?;
        Self::start_with(named)
    }

    fn start_with(always: Vec<SocketAddrV4>) -> Result<Self> {
        let listener = TcpListener::bind((own_address(), 0)).context("no port for a tracker")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            always,
            ..State::default()
        });
        let shared = state.clone();
        let thread = thread::Builder::new()
            .name("tracker".into())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    if shared.stopped.load(Ordering::Relaxed) {
                        break;
                    }
                    // A peer that breaks off is its own affair.
                    let _ = shared.answer(stream);
                }
            })?;
        Ok(Self {
            address,
            state,
            thread: Some(thread),
        })
    }

    /// Its announce URL.
    pub fn url(&self) -> String {
        format!("http://{}/announce", self.address)
    }

    /// The peers of a torrent: address and bytes that each still misses.
    pub fn peers(&self, info_hash: &str) -> BTreeMap<SocketAddrV4, u64> {
        self.state
            .swarms()
            .get(info_hash)
            .map(|swarm| swarm.peers.clone())
            .unwrap_or_default()
    }

    /// How often a torrent was announced.
    pub fn announces(&self, info_hash: &str) -> u64 {
        self.state
            .swarms()
            .get(info_hash)
            .map_or(0, |swarm| swarm.announces)
    }

    /// Every torrent that anybody announced.
    pub fn torrents(&self) -> BTreeSet<String> {
        self.state.swarms().keys().cloned().collect()
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees the flag.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl State {
    fn swarms(&self) -> MutexGuard<'_, BTreeMap<String, Swarm>> {
        self.swarms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        let IpAddr::V4(from) = stream.peer_addr()?.ip() else {
            return Ok(());
        };
        let mut reader = BufReader::new(Read::take(&stream, LONGEST_REQUEST));
        let mut request = String::new();
        reader.read_line(&mut request)?;
        let mut header = String::new();
        while reader.read_line(&mut header)? > 2 {
            header.clear();
        }
        let target = request.split_whitespace().nth(1).unwrap_or_default();
        let body = match target.split_once('?') {
            Some(("/announce", query)) => self.announce(from, query),
            _ => None,
        };
        let body = body.unwrap_or_else(|| b"d14:failure reason16:not understandode".to_vec());
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        )?;
        stream.write_all(&body)?;
        Ok(())
    }

    fn announce(&self, from: Ipv4Addr, query: &str) -> Option<Vec<u8>> {
        let parameter = |name: &str| {
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let info_hash = hex::encode(percent_decoded(parameter("info_hash")?)?);
        let port: u16 = parameter("port")?.parse().ok()?;
        let left: u64 = parameter("left").unwrap_or("0").parse().ok()?;
        let peer = SocketAddrV4::new(from, port);

        let mut swarms = self.swarms();
        let swarm = swarms.entry(info_hash).or_default();
        swarm.announces += 1;
        match parameter("event") {
            Some("stopped") => drop(swarm.peers.remove(&peer)),
            _ => drop(swarm.peers.insert(peer, left)),
        }
        let named: Vec<SocketAddrV4> = if self.always.is_empty() {
            swarm
                .peers
                .keys()
                .copied()
                .filter(|other| *other != peer)
                .take(50)
                .collect()
        } else {
            self.always.clone()
        };
        Some(peer_list(&named))
    }
}

// The optional counts of seeds are left out: Transmission never gives a byte to an address that a
// tracker once counted as a seed, and here many programs share one address.
fn peer_list(peers: &[SocketAddrV4]) -> Vec<u8> {
    let mut body = format!("d8:intervali{INTERVAL}e5:peers{}:", peers.len() * 6).into_bytes();
    for peer in peers {
        body.extend(peer.ip().octets());
        body.extend(peer.port().to_be_bytes());
    }
    body.push(b'e');
    body
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            bytes.extend(hex::decode(tail.get(..2)?).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    Some(bytes)
}

/// This machine's own address in its network, or loopback if it has none. Transmission dials no
/// loopback address, so peers must meet on this one.
pub fn own_address() -> IpAddr {
    let probe = || -> Result<IpAddr> {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        // Nothing is sent: connecting a datagram socket only chooses the route.
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        Ok(socket.local_addr()?.ip())
    };
    probe().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Client;

    fn announce(tracker: &Tracker, port: u16, left: u64, more: &str) -> Result<Vec<u8>> {
        let info_hash = "%12".repeat(20);
        let base = tracker.url();
        let query =
            format!("?info_hash={info_hash}&peer_id=x&port={port}&left={left}&compact=1{more}");
        Ok(Client::new(base).send("GET", &query, &[], None)?.body)
    }

    #[test]
    fn brings_two_peers_together_and_forgets_one_that_stops() -> Result<()> {
        let tracker = Tracker::start()?;
        let name = "12".repeat(20);
        let alone = announce(&tracker, 1000, 0, "")?;
        assert!(
            alone.ends_with(b"5:peers0:e"),
            "{}",
            String::from_utf8_lossy(&alone)
        );
        let second = announce(&tracker, 2000, 5, "")?;
        assert!(
            second.windows(3).any(|w| w == [0x03, 0xe8, b'e']),
            "{second:?}"
        );
        assert_eq!(tracker.peers(&name).len(), 2);
        announce(&tracker, 1000, 0, "&event=stopped")?;
        assert_eq!(tracker.peers(&name).values().collect::<Vec<_>>(), [&5]);
        assert_eq!(tracker.announces(&name), 3);
        Ok(())
    }

    #[test]
    fn names_only_the_peers_it_was_told() -> Result<()> {
        let tracker = Tracker::naming(&["10.0.0.1:6881".parse()?])?;
        announce(&tracker, 1000, 0, "")?;
        let body = announce(&tracker, 2000, 0, "")?;
        assert!(
            body.ends_with(b"5:peers6:\x0a\x00\x00\x01\x1a\xe1e"),
            "{body:?}"
        );
        Ok(())
    }

    #[test]
    fn refuses_what_it_does_not_understand() -> Result<()> {
        let tracker = Tracker::start()?;
        let answer = Client::new(tracker.url()).send("GET", "?info_hash=%zz&port=1", &[], None)?;
        assert!(answer.text().contains("failure reason"));
        Ok(())
    }
}
