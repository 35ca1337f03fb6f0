//! Logging in and out, how long it lasts, and what ends it.

use std::sync::atomic::Ordering;

use axum::http::{Method, StatusCode};
use serde_json::json;

use super::harness::{PASSWORD, TestBox, request};

const SESSION: &str = "/api/v1/session";
const DAY: u64 = 24 * 3600;

#[tokio::test]
async fn the_cookie_is_guarded_and_named_after_the_box() {
    let (test_box, _) = TestBox::claimed().await;
    let answer = test_box.log_in(PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let cookie = answer.header("set-cookie");
    let box_id = test_box.store.owner().await.unwrap().box_id.0;
    let name = format!("seedbox_{}=", hex::encode(&box_id[..4]));
    assert!(cookie.starts_with(&name), "{cookie}");
    let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
    assert_eq!(
        attributes,
        ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"]
    );
    assert!(answer.headers["set-cookie"].is_sensitive());
    let token = answer.cookie().split_once('=').unwrap().1.to_owned();
    assert_eq!(token.len(), 64);
    assert!(!answer.text.contains(&token));
}

#[tokio::test]
async fn without_a_session_nothing_is_told() {
    let (test_box, cookie) = TestBox::claimed().await;
    let (name, _) = cookie.split_once('=').unwrap();
    let forged = format!("{name}={}", "0".repeat(64));
    for cookie in [None, Some("a=b"), Some(forged.as_str())] {
        for path in [
            SESSION,
            "/api/v1/status",
            "/api/v1/events",
            "/api/v1/openapi.json",
        ] {
            let answer = test_box.get(path, cookie).await;
            answer.is_problem(401, "unauthenticated");
        }
    }
    assert!(test_box.orders().is_empty());
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_guessing_is_throttled() {
    let (test_box, _) = TestBox::claimed().await;
    for _ in 0..4 {
        let answer = test_box.log_in("wrong horse").await;
        answer.is_problem(403, "wrong-password");
        assert_eq!(answer.header("set-cookie"), "");
    }
    let answer = test_box.log_in(PASSWORD).await;
    answer.is_problem(429, "too-many-requests");
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let (test_box, cookie) = TestBox::claimed().await;
    let answer = test_box.delete(SESSION, Some(&cookie)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    let answer = test_box.get(SESSION, Some(&cookie)).await;
    answer.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_session_slides_hourly_and_ends_after_thirty_idle_days() {
    let (test_box, cookie) = TestBox::claimed().await;
    let opened = test_box.get(SESSION, Some(&cookie)).await.json();
    test_box.pass(3599);
    let soon = test_box.get(SESSION, Some(&cookie)).await;
    assert_eq!(soon.json(), opened);
    assert_eq!(soon.header("set-cookie"), "");

    test_box.pass(29 * DAY);
    let late = test_box.get(SESSION, Some(&cookie)).await;
    assert_eq!(late.cookie(), cookie);
    let end = opened["expires_at"].as_u64().unwrap() + 3599 + 29 * DAY;
    assert_eq!(late.json()["expires_at"], end);
    assert_eq!(late.json()["authenticated_at"], opened["authenticated_at"]);

    test_box.pass(30 * DAY);
    let ended = test_box.get(SESSION, Some(&cookie)).await;
    ended.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_changed_password_ends_every_session_but_the_new_one() {
    let (test_box, first) = TestBox::claimed().await;
    let second = test_box.log_in(PASSWORD).await.cookie();
    let wrong = json!({ "current": "wrong horse", "new": "a new password" });
    let answer = test_box
        .post("/api/v1/password", Some(&first), &wrong)
        .await;
    answer.is_problem(403, "wrong-password");
    let short = json!({ "current": PASSWORD, "new": "short" });
    let answer = test_box
        .post("/api/v1/password", Some(&first), &short)
        .await;
    answer.is_problem(422, "unusable-password");

    let right = json!({ "current": PASSWORD, "new": "a new password" });
    let answer = test_box
        .post("/api/v1/password", Some(&first), &right)
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    for ended in [&first, &second] {
        let answer = test_box.get(SESSION, Some(ended)).await;
        answer.is_problem(401, "unauthenticated");
    }
    let third = answer.cookie();
    let session = test_box.get(SESSION, Some(&third)).await;
    assert_eq!(session.status, StatusCode::OK);
    let old = test_box.log_in(PASSWORD).await;
    old.is_problem(403, "wrong-password");
    assert_eq!(
        test_box.log_in("a new password").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_factory_reset_needs_the_password_anew() {
    let (test_box, cookie) = TestBox::claimed().await;
    let (path, order) = (
        "/api/v1/factory-reset",
        json!({ "external_volumes": false }),
    );
    test_box
        .post(path, None, &order)
        .await
        .is_problem(401, "unauthenticated");
    test_box.pass(301);
    let answer = test_box.post(path, Some(&cookie), &order).await;
    answer.is_problem(403, "reauthenticate");
    assert!(test_box.orders().is_empty());
    let fresh = test_box.log_in(PASSWORD).await.cookie();
    let answer = test_box.post(path, Some(&fresh), &order).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    assert_eq!(test_box.orders(), ["factory reset false"]);
}

#[tokio::test]
async fn unlinking_needs_the_password_anew() {
    let (test_box, cookie) = TestBox::claimed().await;
    let wallet = "/api/v1/wallets/0x0101010101010101010101010101010101010101";
    let answer = test_box.delete(wallet, Some(&cookie)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    test_box.pass(301);
    let answer = test_box.delete(wallet, Some(&cookie)).await;
    answer.is_problem(403, "reauthenticate");
    assert_eq!(test_box.orders().len(), 1);

    let login = json!({ "password": PASSWORD });
    let again = request(Method::POST, SESSION, Some(&cookie), Some(&login));
    let fresh = test_box.admin(again).await.cookie();
    let replaced = test_box.get(SESSION, Some(&cookie)).await;
    replaced.is_problem(401, "unauthenticated");
    let answer = test_box.delete(wallet, Some(&fresh)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    assert_eq!(test_box.orders().len(), 2);
}

#[tokio::test]
async fn a_clock_that_is_set_right_neither_ends_a_session_nor_keeps_it_for_years() {
    let (test_box, _) = TestBox::claimed().await;
    let year = 365 * DAY;
    test_box.pass(100 * year);
    let cookie = test_box.log_in(PASSWORD).await.cookie();
    test_box.now.store(1_000_000 + year, Ordering::Relaxed);
    let session = test_box.get(SESSION, Some(&cookie)).await;
    assert_eq!(session.status, StatusCode::OK, "{}", session.text);
    assert_eq!(session.json()["expires_at"], 1_000_000 + year + 30 * DAY);
    let wallet = format!("/api/v1/wallets/0x{}", "01".repeat(20));
    let removed = test_box.delete(&wallet, Some(&cookie)).await;
    removed.is_problem(403, "reauthenticate");
    test_box.pass(31 * DAY);
    let session = test_box.get(SESSION, Some(&cookie)).await;
    session.is_problem(401, "unauthenticated");
}
