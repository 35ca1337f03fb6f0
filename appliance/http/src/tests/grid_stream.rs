//! The stream of changes as clients follow it, and as some lag behind.

use axum::{
    body::{Body, BodyDataStream},
    http::{Request, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures::StreamExt;
use seedbox_core::{
    Parcel, WalletAddress,
    grid::{Chunk, ChunkId, Delta},
};
use tokio::time::timeout;

use super::{
    grid::{epoch, update, with_world, world},
    harness::{Answer, DEADLINE, TestBox, send},
};

struct Events {
    body: BodyDataStream,
    text: String,
}

#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: String,
}

impl Events {
    async fn open(test_box: &TestBox, path: &str, last_event_id: Option<&str>) -> Self {
        let mut request = Request::get(path);
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = send(&test_box.service.public_router, request, 1).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/event-stream"
        );
        Events {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next event, `None` at the end; comments and the like are passed over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap_or_default().to_owned()
                };
                let event = Event {
                    name: field("event: "),
                    id: field("id: "),
                    data: field("data: "),
                };
                self.text = rest.to_owned();
                if !event.name.is_empty() {
                    return Some(event);
                }
            }
            let read = timeout(DEADLINE, self.body.next()).await.unwrap()?;
            self.text
                .push_str(std::str::from_utf8(&read.unwrap()).unwrap());
        }
    }

    async fn delta(&mut self) -> Delta {
        let event = self.next().await.unwrap();
        assert_eq!(event.name, "delta", "{event:?}");
        let delta = Delta::decode(&BASE64_STANDARD.decode(event.data).unwrap()).unwrap();
        assert_eq!(delta.to.name().to_string(), event.id);
        delta
    }
}

fn from(number: u64) -> String {
    format!("/grid/deltas?from={}", epoch(number))
}

#[tokio::test]
async fn every_change_is_pushed_and_leads_to_the_next_state() {
    let (before, after) = (world(1, 5, 1), world(2, 5, 2));
    let test_box = with_world(before.clone()).await;
    let mut events = Events::open(&test_box, &from(1), None).await;
    update(&test_box, after.clone()).await;
    let delta = events.delta().await;
    assert_eq!(delta.from.name().to_string(), epoch(1));
    assert_eq!(delta.parcels.len(), 1);
    let id = ChunkId { x: 0, y: 0 };
    let mut chunk: Chunk = before.chunks().remove(&id).unwrap();
    delta.apply_to_chunk(&mut chunk);
    assert_eq!(chunk, after.chunks()[&id]);
    // A reorganisation takes parcels back.
    update(&test_box, world(3, 4, 2)).await;
    let delta = events.delta().await;
    assert_eq!(delta.parcels[&Parcel { x: 4, y: 0 }], None);
}

#[tokio::test]
async fn what_was_missed_comes_at_once() {
    let test_box = with_world(world(1, 5, 1)).await;
    for number in 2..=6 {
        update(&test_box, world(number, 5, u8::try_from(number).unwrap())).await;
    }
    let mut events = Events::open(&test_box, &from(3), None).await;
    for number in 4..=6 {
        let delta = events.delta().await;
        assert_eq!(delta.to.name().to_string(), epoch(number));
    }
    // A browser that comes back says where it was.
    let mut events = Events::open(&test_box, &from(1), Some(&epoch(5))).await;
    assert_eq!(events.delta().await.to.name().to_string(), epoch(6));
    update(&test_box, world(7, 5, 7)).await;
    assert_eq!(events.delta().await.to.name().to_string(), epoch(7));
}

#[tokio::test]
async fn whoever_is_lost_is_told_where_to_begin() {
    let test_box = with_world(world(1, 5, 1)).await;
    for path in ["/grid/deltas", &from(77)] {
        let mut events = Events::open(&test_box, path, None).await;
        let event = events.next().await.unwrap();
        assert_eq!((event.name.as_str(), event.id), ("resync", epoch(1)));
        update(&test_box, world(2, 5, 2)).await;
        assert_eq!(events.delta().await.to.name().to_string(), epoch(2));
        update(&test_box, world(1, 5, 1)).await;
        let back = events.delta().await;
        assert_eq!(back.to.name().to_string(), epoch(1));
        let owner = back.parcels[&Parcel { x: 0, y: 0 }].as_ref().unwrap().owner;
        assert_eq!(owner, WalletAddress([1; 20]));
    }
    let request = Request::get("/grid/deltas?from=yesterday").body(Body::empty());
    let answer = test_box.public(request.unwrap(), 1).await;
    answer.is_problem(422, "invalid-request");
}

#[tokio::test]
async fn after_a_fork_the_way_goes_on_from_the_latest_time() {
    let test_box = with_world(world(1, 5, 1)).await;
    for number in [2, 1, 3] {
        update(&test_box, world(number, 5, u8::try_from(number).unwrap())).await;
    }
    let mut events = Events::open(&test_box, &from(1), None).await;
    assert_eq!(events.delta().await.to.name().to_string(), epoch(3));
    let mut events = Events::open(&test_box, &from(2), None).await;
    assert_eq!(events.delta().await.to.name().to_string(), epoch(1));
    assert_eq!(events.delta().await.to.name().to_string(), epoch(3));
}

#[tokio::test]
async fn the_slow_are_let_go() {
    let test_box = with_world(world(1, 5, 1)).await;
    let mut slow = Events::open(&test_box, &from(1), None).await;
    for number in 0..1_100u64 {
        let number = 2 + number % 200;
        update(&test_box, world(number, 5, u8::try_from(number).unwrap())).await;
    }
    assert!(slow.next().await.is_none());
    let mut events = Events::open(&test_box, &from(1), None).await;
    assert_eq!(events.next().await.unwrap().name, "resync");
}

#[tokio::test]
async fn only_so_many_may_listen() {
    let test_box = with_world(world(1, 5, 1)).await;
    let mut open = Vec::new();
    let refused: Answer = loop {
        let request = Request::get(from(1)).body(Body::empty()).unwrap();
        let response = send(&test_box.service.public_router, request, 1).await;
        if response.status() != StatusCode::OK {
            break Answer::of(response).await;
        }
        open.push(response);
        assert!(open.len() < 100_000);
    };
    refused.is_problem(503, "unavailable");
    assert!(!refused.header("retry-after").is_empty());
    open.pop();
    Events::open(&test_box, &from(1), None).await;
}

#[tokio::test]
async fn the_stream_ends_with_the_box() {
    let test_box = with_world(world(1, 5, 1)).await;
    let mut events = Events::open(&test_box, &from(1), None).await;
    test_box.service.shutdown.cancel();
    assert!(events.next().await.is_none());
}
