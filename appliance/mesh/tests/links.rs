//! Real meshes on loopback: who answers is who was called, streams carry bytes both ways, limits
//! hold, and nothing is asked of anybody else.

#![allow(clippy::unwrap_used)] // a test that cannot go on should say so loudly

use std::{io, net::SocketAddr, time::Duration};

use seedbox_mesh::{
    Config, Error, Handle, Limits, NodeId, NodeKey, Peer, Service, Stream, Streams, reset_code,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

const ECHO: &str = "test/echo/1";
const OTHER: &str = "test/other/1";
/// Nothing here takes longer, unless it hangs.
const DEADLINE: Duration = Duration::from_secs(20);

struct Mesh {
    handle: Handle,
    streams: Streams,
    stop: CancellationToken,
    running: JoinHandle<Result<(), Error>>,
}

impl Mesh {
    async fn with(number: u8, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(NodeKey::new([number; 32]));
        config.listen = "127.0.0.1:0".parse().unwrap();
        change(&mut config);
        let (service, handle, [streams, _]) = Service::bind(config, [ECHO, OTHER]).await.unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(service.run(stop.clone()));
        Mesh {
            handle,
            streams,
            stop,
            running,
        }
    }

    async fn new(number: u8) -> Self {
        Self::with(number, |_| {}).await
    }

    fn peer(&self) -> Peer {
        self.at(self.handle.id())
    }

    fn at(&self, id: NodeId) -> Peer {
        let address: SocketAddr = self.handle.listening().unwrap();
        Peer {
            id,
            addresses: vec![address],
            relays: Vec::new(),
        }
    }

    /// The next stream, after its opener has said `hello`.
    async fn accept(&mut self) -> Stream {
        let mut stream = timeout(DEADLINE, self.streams.accept())
            .await
            .unwrap()
            .unwrap();
        let mut hello = [0; 5];
        stream.receiver.read_exact(&mut hello).await.unwrap();
        assert_eq!(&hello, b"hello");
        stream
    }

    async fn open(&self, to: &Peer) -> Stream {
        let mut stream = self.handle.open(to, ECHO).await.unwrap();
        stream.sender.write_all(b"hello").await.unwrap();
        stream
    }
}

/// Reads to the end what is at most `limit` bytes.
async fn all(stream: &mut Stream, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut receiver = (&mut stream.receiver).take(limit);
    timeout(DEADLINE, receiver.read_to_end(&mut bytes)).await??;
    Ok(bytes)
}

#[tokio::test]
async fn bytes_pass_both_ways_and_both_know_who_is_there() {
    let (a, mut b) = (Mesh::new(1).await, Mesh::new(2).await);
    let mut here = a.open(&b.peer()).await;
    let mut there = b.accept().await;
    assert_eq!(there.peer, a.handle.id());
    assert_eq!(here.peer, b.handle.id());

    // More than all windows hold, so that reading and writing have to go on together.
    let sent: Vec<u8> = (0..8_000_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let expected = sent.clone();
    let write = tokio::spawn(async move {
        there.sender.write_all(&sent).await.unwrap();
        there.sender.finish();
        there
    });
    assert_eq!(all(&mut here, 9_000_000).await.unwrap(), expected);
    let mut there = write.await.unwrap();

    here.sender.write_all(b"thank you").await.unwrap();
    here.sender.finish();
    assert_eq!(all(&mut there, 100).await.unwrap(), b"thank you");
}

#[tokio::test]
async fn three_boxes_share_one_link_a_pair() {
    let mut boxes = [Mesh::new(3).await, Mesh::new(4).await, Mesh::new(5).await];
    let peers = [boxes[0].peer(), boxes[1].peer(), boxes[2].peer()];
    let mut kept = Vec::new();
    for (from, to) in [(0, 1), (0, 2), (1, 2), (1, 0), (2, 0), (2, 1), (0, 1)] {
        kept.push(boxes[from].open(&peers[to]).await);
        let there = boxes[to].accept().await;
        assert_eq!(there.peer, peers[from].id);
        kept.push(there);
    }
    let links = boxes.each_ref().map(|mesh| {
        let status = mesh.handle.status();
        (status.dialled, status.accepted)
    });
    assert_eq!(links, [(2, 0), (1, 1), (0, 2)]);
}

#[tokio::test]
async fn who_answers_with_another_key_is_not_taken() {
    let (a, b) = (Mesh::new(6).await, Mesh::new(7).await);
    let other = NodeKey::new([99; 32]).id();
    let error = a.handle.open(&b.at(other), ECHO).await.unwrap_err();
    assert!(
        matches!(error, Error::Unreachable(id) if id == other),
        "{error}"
    );
    assert!(!error.to_string().contains("127.0.0.1"));

    let myself = a.handle.open(&a.peer(), ECHO).await.unwrap_err();
    assert!(matches!(myself, Error::Peer(_)));
    let unknown = a
        .handle
        .open(&b.peer(), "test/unknown/1")
        .await
        .unwrap_err();
    assert!(matches!(unknown, Error::Protocol(_)));
}

#[tokio::test]
async fn a_reset_carries_its_code_both_ways() {
    let (a, mut b) = (Mesh::new(8).await, Mesh::new(9).await);
    let mut here = a.open(&b.peer()).await;
    let mut there = b.accept().await;
    there.sender.reset(7);
    there.receiver.stop(12);
    let error = all(&mut here, 10).await.unwrap_err();
    assert_eq!(reset_code(&error), Some(7));
    // The stop is under way; writing shows it.
    let stopped = timeout(DEADLINE, async {
        loop {
            if let Err(error) = here.sender.write_all(&[0; 1000]).await {
                return error;
            }
        }
    });
    assert_eq!(reset_code(&stopped.await.unwrap()), Some(12));

    // A half that is dropped in the middle is no proper end.
    let mut here = a.open(&b.peer()).await;
    drop(b.accept().await);
    assert_eq!(reset_code(&all(&mut here, 10).await.unwrap_err()), Some(0));
}

#[tokio::test]
async fn limits_hold_for_links_streams_and_what_waits() {
    let limits = Limits {
        accepted: 1,
        streams: 3,
        waiting: 2,
        open: Duration::from_secs(1),
        ..Limits::default()
    };
    let b = Mesh::with(10, |config| config.limits = limits).await;
    let (a, late) = (
        Mesh::with(11, |config| config.limits = limits).await,
        Mesh::with(12, |config| config.limits = limits).await,
    );
    // Nobody takes streams at b: two wait, the third is reset.
    let _first = a.open(&b.peer()).await;
    let _second = a.open(&b.peer()).await;
    let mut third = a.open(&b.peer()).await;
    assert!(reset_code(&all(&mut third, 10).await.unwrap_err()).is_some());
    drop(third);
    // The two that wait count among those that may be open.
    let _fourth = a.open(&b.peer()).await;
    let full = a.handle.open(&b.peer(), ECHO).await;
    assert!(matches!(full, Err(Error::Busy(_))), "{full:?}");

    let refused = late.handle.open(&b.peer(), ECHO).await;
    assert!(matches!(refused, Err(Error::Unreachable(_))), "{refused:?}");
    assert!(b.handle.status().refused >= 2);
}

#[tokio::test]
async fn an_idle_link_is_closed_and_dialled_again() {
    let limits = Limits {
        idle: Duration::from_millis(100),
        ..Limits::default()
    };
    let a = Mesh::with(13, |config| config.limits = limits).await;
    let mut b = Mesh::new(14).await;
    let here = a.open(&b.peer()).await;
    let there = b.accept().await;
    drop((here, there));
    let until = Instant::now() + DEADLINE;
    while a.handle.status().dialled + b.handle.status().accepted > 0 {
        assert!(Instant::now() < until, "the link stays open");
        tokio::task::yield_now().await;
    }
    let _again = a.open(&b.peer()).await;
    b.accept().await;
}

#[tokio::test]
async fn a_stopped_mesh_ends_its_streams_and_opens_none() {
    let (a, mut b) = (Mesh::new(15).await, Mesh::new(16).await);
    let mut here = a.open(&b.peer()).await;
    let mut there = b.accept().await;
    a.stop.cancel();
    timeout(DEADLINE, a.running)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    all(&mut there, 10).await.unwrap_err();
    here.sender.write_all(&[0; 10]).await.unwrap_err();
    let error = a.handle.open(&b.peer(), ECHO).await.unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
}
