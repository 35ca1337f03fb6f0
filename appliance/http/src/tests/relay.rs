//! The relay's door and what is told of the relay.

use axum::http::Method;
use seedbox_core::RelayStatus;

use super::harness::{Answer, TestBox, request};

async fn visit(test_box: &TestBox, path: &str) -> Answer {
    test_box
        .public(request(Method::GET, path, None, None), 1)
        .await
}

#[tokio::test]
async fn the_door_is_shut_while_the_relay_is_off_and_wants_a_socket() {
    let test_box = TestBox::unclaimed().await;
    visit(&test_box, "/relay")
        .await
        .is_problem(404, "not-found");
    test_box
        .appliance
        .relay
        .send_modify(|relay| relay.on = true);
    let no_socket = visit(&test_box, "/relay").await;
    no_socket.is_problem(422, "invalid-request");
    let known = visit(&test_box, "/v1/relays").await;
    assert_eq!(known.json()["descriptors"][0], "AAAA");
}

#[tokio::test]
async fn metrics_are_sums() {
    let test_box = TestBox::unclaimed().await;
    test_box.appliance.relay.send_replace(RelayStatus {
        on: true,
        clients: 3,
        bytes_out: 12_345,
        ..RelayStatus::default()
    });
    let page = test_box.get("/metrics", None).await;
    for line in [
        "seedbox_relay_clients 3",
        "seedbox_relay_bytes_sent_total 12345",
    ] {
        assert!(page.text.lines().any(|shown| shown == line), "{line}");
    }
}
