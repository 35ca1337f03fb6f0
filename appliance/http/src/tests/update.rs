//! Updates over the wire: what is taken in, who may order what, and what is shown.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use seedbox_core::{Bundle, UnixTime, UpdateOutcome, UpdatePhase, UpdateStatus};
use serde_json::json;

use super::harness::{Answer, PASSWORD, TestBox, request};
use crate::{OrderError, config::BODY_LIMIT};

const UPLOAD: &str = "/api/v1/update/bundle";
const INSTALL: &str = "/api/v1/update/install";

async fn upload(test_box: &TestBox, cookie: Option<&str>, kind: &str, size: usize) -> Answer {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(UPLOAD)
        .header(header::HOST, "seedbox.local:8080")
        .header(header::CONTENT_TYPE, kind)
        .header(header::CONTENT_LENGTH, size);
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let body = Body::from(vec![7; size]);
    test_box.admin(request.body(body).unwrap()).await
}

#[tokio::test]
async fn a_bundle_is_larger_than_any_other_body_and_only_the_owners() {
    let (test_box, cookie) = TestBox::claimed().await;
    let kind = "application/octet-stream";
    let answer = upload(&test_box, None, kind, 10).await;
    answer.is_problem(401, "unauthenticated");
    // What a form on another website can send, and what is meant for other orders.
    for wrong in ["text/plain", "multipart/form-data", "application/json"] {
        let answer = upload(&test_box, Some(&cookie), wrong, 10).await;
        answer.is_problem(415, "unsupported-media-type");
    }
    assert!(test_box.orders().is_empty());
    let size = BODY_LIMIT * 4;
    let answer = upload(&test_box, Some(&cookie), kind, size).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    assert_eq!(test_box.orders(), [format!("receive Some({size}) {size}")]);
}

#[tokio::test]
async fn a_refusal_is_told() {
    let (test_box, cookie) = TestBox::claimed().await;
    for (error, status, kind) in [
        (
            OrderError::Invalid("no signature".into()),
            422,
            "invalid-request",
        ),
        (OrderError::TooLarge("2 GB".into()), 413, "too-large"),
        (OrderError::NoRoom("full".into()), 507, "unavailable"),
        (OrderError::Conflict("busy".into()), 409, "conflict"),
        (OrderError::Unavailable("later".into()), 503, "unavailable"),
    ] {
        *test_box.appliance.next_error.lock().unwrap() = Some(error);
        let answer = upload(&test_box, Some(&cookie), "application/octet-stream", 10).await;
        answer.is_problem(status, kind);
    }
}

#[tokio::test]
async fn an_older_one_needs_the_owners_word_and_password() {
    let (test_box, cookie) = TestBox::claimed().await;
    test_box.pass(301);
    let newer = test_box.post(INSTALL, Some(&cookie), &json!({})).await;
    assert_eq!(newer.status, StatusCode::ACCEPTED, "{}", newer.text);
    let older = json!({ "allow_downgrade": true });
    let answer = test_box.post(INSTALL, Some(&cookie), &older).await;
    answer.is_problem(403, "reauthenticate");
    let fresh = test_box.log_in(PASSWORD).await.cookie();
    let answer = test_box.post(INSTALL, Some(&fresh), &older).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    for (path, body) in [
        ("/api/v1/update/restart", json!({ "at": 12 })),
        ("/api/v1/update/restart", json!({ "at": null })),
        ("/api/v1/update/fetch", json!({ "path": "/media/x.raucb" })),
    ] {
        let answer = test_box.post(path, Some(&fresh), &body).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
    let typed = request(Method::DELETE, UPLOAD, Some(&fresh), Some(&json!({})));
    let answer = test_box.admin(typed).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    let path = "/api/v1/update/restart";
    let typed = request(Method::DELETE, path, Some(&fresh), Some(&json!({})));
    let answer = test_box.admin(typed).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    assert_eq!(
        test_box.orders(),
        [
            "install false",
            "install true",
            "restart Some(12)",
            "restart None",
            "fetch /media/x.raucb",
            "discard",
            "cancel restart"
        ]
    );
}

#[tokio::test]
async fn the_status_tells_where_an_update_is() {
    let (test_box, cookie) = TestBox::claimed().await;
    let bundle = Bundle {
        version: "0.2.0".into(),
        notes: "Faster.".into(),
        downgrade: false,
    };
    test_box.appliance.update.send_replace(UpdateStatus {
        supported: true,
        version: "0.1.0".into(),
        slot: Some("A".into()),
        phase: UpdatePhase::Installing {
            bundle,
            percent: Some(40),
        },
        found: Vec::new(),
        outcome: Some(UpdateOutcome::RolledBack {
            version: "0.1.9".into(),
            reason: "it did not start".into(),
            at: UnixTime(7),
        }),
        trouble: None,
    });
    let status = test_box.get("/api/v1/status", Some(&cookie)).await.json();
    assert_eq!(
        status["update"],
        json!({
            "supported": true, "version": "0.1.0", "slot": "A", "phase": "installing",
            "bundle": { "version": "0.2.0", "notes": "Faster.", "downgrade": false },
            "received": null, "size": null, "percent": 40, "restart_at": null, "found": [],
            "last": { "result": "rolled-back", "version": "0.1.9", "reason": "it did not start", "at": 7 },
        })
    );
}
