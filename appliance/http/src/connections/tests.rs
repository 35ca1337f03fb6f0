//! Real sockets against one listener with small limits.

use std::net::Ipv4Addr;

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
};

use super::*;

const DEADLINE: Duration = Duration::from_secs(10);

struct Served {
    address: SocketAddr,
    cancelled: CancellationToken,
    task: JoinHandle<Result<(), Error>>,
}

async fn serve(limits: Limits) -> Served {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = Listener::bind("admin", None, loopback, limits)
        .await
        .unwrap();
    let address = listener.address();
    let cancelled = CancellationToken::new();
    let router = Router::new().route("/", get(|| async { "here" }));
    let task = tokio::spawn(listener.serve(router, cancelled.clone()));
    Served {
        address,
        cancelled,
        task,
    }
}

impl Served {
    /// A connection on which a request has been answered, and is thus admitted.
    async fn answered(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200"));
        stream
    }
}

/// Sends a request on a connection that stays open and reads what comes; empty if it was closed.
async fn ask(stream: &mut TcpStream) -> String {
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    if stream.write_all(request).await.is_err() {
        return String::new();
    }
    let mut answer = vec![0; 1024];
    let read = timeout(DEADLINE, stream.read(&mut answer)).await.unwrap();
    answer.truncate(read.unwrap_or(0));
    String::from_utf8(answer).unwrap()
}

/// Whether the other end closes within the deadline.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut rest))
        .await
        .is_ok()
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut_off() {
    let head = Duration::from_millis(100);
    let served = serve(Limits {
        head,
        ..Limits::default()
    })
    .await;
    let mut slow = TcpStream::connect(served.address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: lo").await.unwrap();
    assert!(is_closed(&mut slow).await);
    let mut idle = served.answered().await;
    assert!(is_closed(&mut idle).await);
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let served = serve(Limits::default()).await;
    let mut greedy = TcpStream::connect(served.address).await.unwrap();
    let start = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ";
    greedy.write_all(start).await.unwrap();
    // The write itself may fail, because the box closes before it has read everything.
    let _ = greedy.write_all(&vec![b'x'; 2 * HEAD_LIMIT]).await;
    assert!(is_closed(&mut greedy).await);
}

#[tokio::test]
async fn a_client_has_only_so_many_connections() {
    let served = serve(Limits {
        a_client: 2,
        ..Limits::default()
    })
    .await;
    let (first, _second) = (served.answered().await, served.answered().await);
    let mut third = TcpStream::connect(served.address).await.unwrap();
    assert_eq!(ask(&mut third).await, "");

    drop(first);
    let freed = timeout(DEADLINE, async {
        loop {
            let mut again = TcpStream::connect(served.address).await.unwrap();
            if !ask(&mut again).await.is_empty() {
                break;
            }
        }
    });
    freed.await.unwrap();
}

#[tokio::test]
async fn a_full_listener_lets_others_wait() {
    let served = serve(Limits {
        connections: 1,
        ..Limits::default()
    })
    .await;
    let first = served.answered().await;
    let mut second = TcpStream::connect(served.address).await.unwrap();
    let mut waiting = Box::pin(ask(&mut second));
    let early = timeout(Duration::from_millis(100), &mut waiting).await;
    assert!(early.is_err(), "answered while the listener was full");
    drop(first);
    assert!(waiting.await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn stops_when_told_and_closes_idle_connections() {
    let served = serve(Limits::default()).await;
    let mut idle = served.answered().await;
    served.cancelled.cancel();
    assert!(is_closed(&mut idle).await);
    let ended = timeout(DEADLINE, served.task).await.unwrap();
    assert!(ended.unwrap().is_ok());
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn takes_a_socket_that_is_already_bound() {
    let given = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = given.local_addr().unwrap();
    let unused = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let listener = Listener::bind("admin", Some(given), unused, Limits::default())
        .await
        .unwrap();
    assert_eq!(listener.address(), address);

    let error = Listener::bind("public", None, address, Limits::default())
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn who_says_nothing_makes_room_for_who_asks() {
    let served = serve(Limits {
        connections: 3,
        head: Duration::from_secs(3600),
        ..Limits::default()
    })
    .await;
    let mut honest = served.answered().await;
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    silent.write_all(b"GET / HT").await.unwrap();
    let _another = TcpStream::connect(served.address).await.unwrap();
    let _newcomer = served.answered().await;
    assert!(is_closed(&mut silent).await, "the oldest silent one");
    assert!(ask(&mut honest).await.starts_with("HTTP/1.1 200"));
}
