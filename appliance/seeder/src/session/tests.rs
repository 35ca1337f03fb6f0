//! Peers that mean harm, played byte by byte (BEP 3, 9, 10, 11) against a real session. Each test
//! is an attack that worked against the bare engine.

use std::fs;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

use super::*;
use crate::{
    descriptors::Descriptors,
    metainfo::{Layout, Metainfo, create},
    volume::allocate,
};

const PATIENCE: Duration = Duration::from_secs(20);
const PIECE: u32 = 16 << 10;

struct Seed {
    session: Session,
    handle: Handle,
    bytes: Vec<u8>,
    info_hash: InfoHash,
    _folder: tempfile::TempDir,
}

fn config() -> Config {
    let lan: seedbox_core::Network = "127.0.0.0/8".parse().unwrap();
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        dht: false,
        trackers: vec![],
        peers: vec![],
        lan: vec![lan],
        volumes: vec![],
        quota: None,
        first_quota: None,
        reserve: 0,
        model_limit: 0,
        max_live: 1,
        max_ownership_age: PATIENCE,
        metadata_timeout: PATIENCE,
    }
}

async fn session() -> Session {
    Session::start(&config(), CancellationToken::new())
        .await
        .unwrap()
}

/// A session that seeds a megabyte.
async fn seed() -> Seed {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..1u32 << 20)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let created = create("chair", &Layout::SingleFile(1 << 20), bytes.as_slice()).unwrap();
    let metainfo: Arc<Metainfo> = Arc::new(created.metainfo);
    let torrent = folder.path().join("t");
    allocate(&torrent, &metainfo).unwrap();
    fs::write(torrent.join("0"), &bytes).unwrap();
    let have = vec![0xff; metainfo.piece_hashes().len().div_ceil(8)];
    let info_hash = metainfo.info_hash();
    let (report, _) = mpsc::channel(1);
    let files = Arc::new(Descriptors::new(4));
    let content = Content::new(metainfo, torrent, &have, true, files, report);
    let session = session().await;
    let handle = session.add(&content, vec![], false).await.unwrap();
    until("the torrent to be live", || handle.activity().live).await;
    Seed {
        session,
        handle,
        bytes,
        info_hash,
        _folder: folder,
    }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(
        timeout(PATIENCE, waiting).await.is_ok(),
        "waited in vain for {what}"
    );
}

impl Seed {
    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.session.port().unwrap()))
    }

    async fn connect(&self) -> TcpStream {
        let mut peer = TcpStream::connect(self.address()).await.unwrap();
        peer.write_all(&handshake(self.info_hash)).await.unwrap();
        let mut theirs = [0; 68];
        timeout(PATIENCE, peer.read_exact(&mut theirs))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(theirs[28..48], self.info_hash.0);
        peer
    }

    /// An honest peer gets the first block of piece 0.
    async fn serves(&self) {
        let mut peer = self.connect().await;
        peer.write_all(&request(0)).await.unwrap();
        let block = read_block(&mut peer)
            .await
            .expect("an honest peer is served");
        assert_eq!(block, self.bytes[..PIECE as usize]);
    }

    fn remembered_peers(&self) -> u32 {
        let stats = self.handle.0.stats().live.unwrap().snapshot.peer_stats;
        stats.queued + stats.connecting + stats.live + stats.dead + stats.not_needed
    }
}

fn handshake(info_hash: InfoHash) -> Vec<u8> {
    let mut bytes = b"\x13BitTorrent protocol\0\0\0\0\0\x10\0\0".to_vec();
    bytes.extend(info_hash.0);
    bytes.extend(b"-XX0001-hostilepeer1");
    bytes
}

fn message(id: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len() + 1)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    bytes.push(id);
    bytes.extend(payload);
    bytes
}

fn extended(id: u8, payload: &[u8]) -> Vec<u8> {
    message(20, &[&[id], payload].concat())
}

fn request(piece: u32) -> Vec<u8> {
    let fields = [piece.to_be_bytes(), 0u32.to_be_bytes(), PIECE.to_be_bytes()];
    message(6, &fields.concat())
}

/// Reads messages until a block comes; `None` if the box hangs up.
async fn read_block(peer: &mut TcpStream) -> Option<Vec<u8>> {
    let reading = async {
        loop {
            let len = peer.read_u32().await.ok()?;
            let mut body = vec![0; len as usize];
            peer.read_exact(&mut body).await.ok()?;
            if body.first() == Some(&7) {
                return Some(body[9..].to_vec());
            }
        }
    };
    timeout(PATIENCE, reading)
        .await
        .expect("the box neither answers nor hangs up")
}

/// Reads until the box hangs up.
async fn hung_up(mut peer: TcpStream) {
    let mut sink = vec![0; 64 << 10];
    let reading = async { while peer.read(&mut sink).await.is_ok_and(|n| n > 0) {} };
    assert!(
        timeout(PATIENCE, reading).await.is_ok(),
        "the box keeps a hostile peer"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_before_the_handshake_takes_nothing_down() {
    let session = session().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let info_hash = InfoHash([7; 20]);
    let hostile = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            let mut theirs = [0; 68];
            let _ = peer.read_exact(&mut theirs).await;
            let data = b"d8:msg_typei1e5:piecei0e10:total_sizei4eeABCD";
            let _ = peer
                .write_all(&[handshake(info_hash), extended(3, data)].concat())
                .await;
            let mut sink = [0; 1024];
            while peer.read(&mut sink).await.is_ok_and(|n| n > 0) {}
        }
    });
    let answer = timeout(PATIENCE, session.fetch_info(info_hash, vec![hostile])).await;
    let error = answer.expect("the reader hangs").unwrap_err();
    assert!(
        !error.contains("made the reader fail"),
        "it panicked: {error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_metadata_claim_is_refused() {
    let session = session().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let info_hash = InfoHash([8; 20]);
    let hostile = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            let hello = b"d1:md11:ut_metadatai3ee13:metadata_sizei33000000ee";
            let greeting = [handshake(info_hash), extended(0, hello)].concat();
            let _ = peer.write_all(&greeting).await;
            let mut sink = [0; 1024];
            while peer.read(&mut sink).await.is_ok_and(|n| n > 0) {}
        }
    });
    let answer = timeout(PATIENCE, session.fetch_info(info_hash, vec![hostile])).await;
    assert!(answer.expect("the reader waits for 33 MB").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn bencode_that_overflows_drops_its_sender_alone() {
    let seed = seed().await;
    for bomb in [
        &b"d200000000000000000000000"[..],
        b"d1:md6:ut_pexi99999999999999999999ee",
        b"i",
        &[b'l'; 5000],
    ] {
        let mut peer = seed.connect().await;
        let _ = peer.write_all(&extended(0, bomb)).await;
        hung_up(peer).await;
    }
    seed.serves().await;
    until("the hostile peers to be forgotten", || {
        seed.remembered_peers() <= 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_asks_and_never_reads_is_dropped() {
    let seed = seed().await;
    let mut peer = seed.connect().await;
    let flood: Vec<u8> = (0..20_000).flat_map(|i| request(i % 64)).collect();
    let sending = async { while peer.write_all(&flood).await.is_ok() {} };
    assert!(
        timeout(PATIENCE, sending).await.is_ok(),
        "the box queues without end"
    );
    seed.serves().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_asks_for_the_metadata_for_ever_is_dropped() {
    let seed = seed().await;
    let mut peer = seed.connect().await;
    peer.write_all(&extended(0, b"d1:md11:ut_metadatai3eee"))
        .await
        .unwrap();
    let ask = extended(3, b"d8:msg_typei0e5:piecei0ee");
    let flood: Vec<u8> = ask.repeat(2_000);
    let sending = async { while peer.write_all(&flood).await.is_ok() {} };
    assert!(
        timeout(PATIENCE, sending).await.is_ok(),
        "the box answers without end"
    );
    seed.serves().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_and_closing_leaves_nothing_behind() {
    let seed = seed().await;
    for _ in 0..300 {
        drop(seed.connect().await);
    }
    until("closed peers to be forgotten", || {
        seed.remembered_peers() == 0
    })
    .await;
    seed.serves().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_seed_dials_nobody_that_a_peer_names() {
    let seed = seed().await;
    let bait = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = bait.local_addr().unwrap().port();
    let mut peer = seed.connect().await;
    peer.write_all(&extended(0, b"d1:md6:ut_pexi1eee"))
        .await
        .unwrap();
    let mut named = b"d5:added6:\x7f\0\0\x01".to_vec();
    named.extend(port.to_be_bytes());
    named.extend(b"7:added.f1:\x10e");
    peer.write_all(&extended(1, &named)).await.unwrap();
    // The answer to a later request shows that the exchange was read.
    peer.write_all(&request(1)).await.unwrap();
    read_block(&mut peer)
        .await
        .expect("the peer itself is welcome");
    assert!(
        timeout(Duration::from_secs(2), bait.accept())
            .await
            .is_err(),
        "it dialled the bait"
    );
    assert_eq!(seed.remembered_peers(), 1, "only the peer itself is known");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_may_not_be_dialled_are_not() {
    let bait = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = Config {
        lan: vec![],
        ..config()
    };
    let session = Session::start(&closed, CancellationToken::new())
        .await
        .unwrap();
    let peers = vec![bait.local_addr().unwrap()];
    let answer = timeout(PATIENCE, session.fetch_info(InfoHash([9; 20]), peers)).await;
    assert!(
        answer
            .expect("it waits for a peer it must not dial")
            .is_err()
    );
    let dialled = timeout(Duration::from_millis(200), bait.accept()).await;
    assert!(
        dialled.is_err(),
        "it dialled an address of the owner's network"
    );
}
