//! Visitors who know the certificate's hash, and others.

#![allow(clippy::unwrap_used)]

use std::{net::SocketAddr, time::Duration};

use seedbox_webtransport::{Config, Fingerprint, Service};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use web_transport_noq::{ClientBuilder, RecvStream, SendStream, Session};

const LIMIT: Duration = Duration::from_secs(20);

/// A listener that says back what it hears.
struct Echo {
    address: SocketAddr,
    fingerprints: [Fingerprint; 2],
    stop: CancellationToken,
    running: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Echo {
    fn start(per_subscriber: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let service = Service::bind(Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            folder: folder.path().join("webtransport"),
            path: "/relay".into(),
            visitors: 8,
            per_subscriber,
        })
        .unwrap();
        let (address, fingerprints) = (service.listening(), *service.fingerprints().borrow());
        let stop = CancellationToken::new();
        let serve = |mut reader, mut writer| async move {
            let _ = copy(&mut reader, &mut writer).await;
        };
        let stopped = stop.clone();
        let running = tokio::spawn(async move { service.run(serve, stopped).await.unwrap() });
        Self {
            address,
            fingerprints,
            stop,
            running,
            _folder: folder,
        }
    }

    async fn visit(&self, hash: Fingerprint, path: &str) -> Option<Session> {
        let hashes = vec![hash.to_vec()];
        let client = ClientBuilder::new()
            .with_server_certificate_hashes(hashes)
            .unwrap();
        let url: url::Url = format!("https://{}{path}", self.address).parse().unwrap();
        timeout(LIMIT, client.connect(url)).await.unwrap().ok()
    }
}

async fn says_back(sender: &mut SendStream, receiver: &mut RecvStream, text: &[u8]) {
    sender.write_all(text).await.unwrap();
    let mut heard = vec![0; text.len()];
    AsyncReadExt::read_exact(receiver, &mut heard)
        .await
        .unwrap();
    assert_eq!(heard, text);
}

#[tokio::test]
async fn who_knows_the_hash_has_a_stream() {
    let echo = Echo::start(4);
    let session = echo.visit(echo.fingerprints[0], "/relay").await.unwrap();
    let (mut sender, mut receiver) = session.open_bi().await.unwrap();
    says_back(&mut sender, &mut receiver, b"hello").await;
    says_back(&mut sender, &mut receiver, &vec![7; 300_000]).await;
    echo.stop.cancel();
    timeout(LIMIT, echo.running).await.unwrap().unwrap();
    let _ = sender.shutdown().await;
}

#[tokio::test]
async fn others_have_none() {
    let echo = Echo::start(4);
    assert!(echo.visit([9; 32], "/relay").await.is_none());
    // The next certificate's is not used yet.
    let next = echo.visit(echo.fingerprints[1], "/relay").await;
    assert!(next.is_none());
    let elsewhere = echo.visit(echo.fingerprints[0], "/admin").await;
    assert!(elsewhere.is_none());
}

#[tokio::test]
async fn a_subscriber_has_so_many_places() {
    let echo = Echo::start(1);
    let first = echo.visit(echo.fingerprints[0], "/relay").await.unwrap();
    let (mut sender, mut receiver) = first.open_bi().await.unwrap();
    says_back(&mut sender, &mut receiver, b"first").await;
    assert!(echo.visit(echo.fingerprints[0], "/relay").await.is_none());
    drop((sender, receiver, first));
    // The place is free when the listener has heard of it.
    let again = async {
        loop {
            if let Some(session) = echo.visit(echo.fingerprints[0], "/relay").await {
                return session;
            }
        }
    };
    timeout(LIMIT, again).await.unwrap();
}
