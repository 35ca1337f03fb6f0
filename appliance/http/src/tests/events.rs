//! The live stream: what it sends, how often, and what ends it.

use std::time::{Duration, Instant};

use axum::{
    body::{Body, BodyDataStream},
    http::{Method, Response, StatusCode},
};
use futures::StreamExt;
use serde_json::Value;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    fake_appliance::torrent,
    harness::{DEADLINE, TestBox, request},
};
use crate::Service;

const EVENTS: &str = "/api/v1/events";

struct Events {
    body: BodyDataStream,
}

impl Events {
    async fn open(test_box: &TestBox, cookie: &str) -> Self {
        let response = answer(test_box, cookie).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events {
            body: response.into_body().into_data_stream(),
        }
    }

    /// The next event's data, or `None` at the stream's end.
    async fn next(&mut self) -> Option<Value> {
        let chunk = timeout(DEADLINE, self.body.next()).await.unwrap()?.unwrap();
        let text = String::from_utf8(chunk.to_vec()).unwrap();
        let data = text.strip_prefix("event: status\ndata: ").unwrap();
        Some(serde_json::from_str(data.trim_end()).unwrap())
    }
}

async fn answer(test_box: &TestBox, cookie: &str) -> Response<Body> {
    let request = request(Method::GET, EVENTS, Some(cookie), None);
    test_box.stream(request).await
}

fn add_torrent(test_box: &TestBox, n: u8) {
    let seeder = &test_box.appliance.seeder;
    seeder.send_modify(|seeder| seeder.torrents.push(torrent(n)));
}

#[tokio::test]
async fn tells_everything_at_once_and_then_each_change() {
    let (test_box, cookie) = TestBox::claimed().await;
    let mut events = Events::open(&test_box, &cookie).await;
    let first = events.next().await.unwrap();
    assert_eq!(first["status"]["sentence"], "Everything is secured.");
    assert_eq!(first["torrents"].as_array().unwrap().len(), 1);

    let begun = Instant::now();
    for n in 2..50 {
        add_torrent(&test_box, n);
    }
    let second = events.next().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(450));
    assert_eq!(second["torrents"].as_array().unwrap().len(), 49);

    let chain = &test_box.appliance.chain;
    chain.send_modify(|chain| chain.head = Some(7));
    let third = events.next().await.unwrap();
    assert_eq!(third["status"]["chain"]["head"], 7);
}

#[tokio::test]
async fn ends_with_its_own_session_alone() {
    let (test_box, cookie) = TestBox::claimed().await;
    let other = test_box.log_in(super::harness::PASSWORD).await.cookie();
    let mut events = Events::open(&test_box, &cookie).await;
    let mut others = Events::open(&test_box, &other).await;
    assert!(events.next().await.is_some() && others.next().await.is_some());
    test_box.delete("/api/v1/session", Some(&cookie)).await;
    assert!(events.next().await.is_none());
    add_torrent(&test_box, 2);
    assert!(others.next().await.is_some());
}

#[tokio::test]
async fn ends_when_the_session_expires() {
    let (test_box, cookie) = TestBox::claimed().await;
    let mut events = Events::open(&test_box, &cookie).await;
    assert!(events.next().await.is_some());
    test_box.pass(31 * 24 * 3600);
    // Another login wakes the streams to look at their sessions.
    test_box.log_in(super::harness::PASSWORD).await;
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn only_so_many_streams_are_open() {
    let (test_box, cookie) = TestBox::claimed().await;
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(Events::open(&test_box, &cookie).await);
    }
    let refused = answer(&test_box, &cookie).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    open.pop();
    let admitted = answer(&test_box, &cookie).await;
    assert_eq!(admitted.status(), StatusCode::OK);
}

#[tokio::test]
async fn ends_when_the_box_stops() {
    let (test_box, cookie) = TestBox::claimed().await;
    let mut events = Events::open(&test_box, &cookie).await;
    assert!(events.next().await.is_some());
    let cancelled = CancellationToken::new();
    let running = tokio::spawn(Service::run(test_box.service, cancelled.clone()));
    cancelled.cancel();
    assert!(events.next().await.is_none());
    let ended = timeout(DEADLINE, running).await.unwrap().unwrap();
    assert!(ended.is_ok());
}
