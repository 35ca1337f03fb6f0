//! Claiming: by code alone, once, and nothing else before.

use std::time::Duration;

use axum::http::StatusCode;
use seedbox_core::Concern;
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::harness::{DEADLINE, PASSWORD, TestBox};
use crate::Service;

const CLAIM: &str = "/api/v1/claim";

#[tokio::test]
async fn before_the_claim_nothing_else_answers() {
    let test_box = TestBox::unclaimed().await;
    let claim = test_box.get(CLAIM, None).await;
    assert_eq!(claim.json(), json!({ "claimed": false, "claimable": true }));
    for path in [
        "/api/v1/status",
        "/api/v1/session",
        "/api/v1/events",
        "/api/v1/wallets",
        "/api/v1/openapi.json",
        "/api/v1/nothing",
    ] {
        test_box.get(path, None).await.is_problem(403, "unclaimed");
    }
    let login = test_box.log_in(PASSWORD).await;
    login.is_problem(403, "unclaimed");
    let healthz = test_box.get("/healthz", None).await;
    assert_eq!(healthz.status, StatusCode::OK);
}

#[tokio::test]
async fn the_code_makes_an_owner_however_it_is_typed() {
    let test_box = TestBox::unclaimed().await;
    let code = test_box.handle.claim_code().await.unwrap().unwrap();
    assert_eq!(code.len(), 19);
    let typed = code.to_lowercase().replace('-', " ").replace('1', "l");
    let claim = json!({ "code": typed, "password": PASSWORD });
    let answer = test_box.post(CLAIM, None, &claim).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    let cookie = answer.cookie();
    let session = test_box.get("/api/v1/session", Some(&cookie)).await;
    assert_eq!(session.json(), answer.json());

    assert_eq!(test_box.handle.claim_code().await.unwrap(), None);
    let claimed = test_box.get(CLAIM, None).await;
    assert_eq!(
        claimed.json(),
        json!({ "claimed": true, "claimable": false })
    );
    let again = test_box.post(CLAIM, None, &claim).await;
    again.is_problem(409, "already-claimed");
}

#[tokio::test]
async fn a_wrong_code_is_refused_and_guessing_is_throttled() {
    let test_box = TestBox::unclaimed().await;
    let wrong = json!({ "code": "0000-0000-0000-0000", "password": PASSWORD });
    for _ in 0..4 {
        let answer = test_box.post(CLAIM, None, &wrong).await;
        answer.is_problem(403, "wrong-code");
    }
    let answer = test_box.post(CLAIM, None, &wrong).await;
    answer.is_problem(429, "too-many-requests");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&seconds));
    assert_eq!(answer.json()["retry_after"], seconds);
    // Throttled is also who has the right code, else the throttle would tell right from wrong.
    let code = test_box.handle.claim_code().await.unwrap();
    let right = json!({ "code": code, "password": PASSWORD });
    let answer = test_box.post(CLAIM, None, &right).await;
    answer.is_problem(429, "too-many-requests");
}

#[tokio::test]
async fn the_password_cannot_be_skipped() {
    let test_box = TestBox::unclaimed().await;
    let code = test_box.handle.claim_code().await.unwrap().unwrap();
    for password in ["", "1234567", &"x".repeat(1025)] {
        let claim = json!({ "code": code, "password": password });
        let answer = test_box.post(CLAIM, None, &claim).await;
        answer.is_problem(422, "unusable-password");
    }
    let answer = test_box.post(CLAIM, None, &json!({ "code": code })).await;
    answer.is_problem(422, "invalid-request");
    assert!(test_box.handle.claim_code().await.unwrap().is_some());
}

#[tokio::test]
async fn of_several_claims_at_once_exactly_one_wins() {
    let test_box = TestBox::unclaimed().await;
    let code = test_box.handle.claim_code().await.unwrap().unwrap();
    let claim = |n: usize| json!({ "code": code, "password": format!("password {n}") });
    let claims: Vec<_> = (0..4).map(claim).collect();
    let answers = claims.iter().map(|claim| test_box.post(CLAIM, None, claim));
    let answers = futures::future::join_all(answers).await;
    let won: Vec<usize> = (0..4)
        .filter(|n| answers[*n].status == StatusCode::CREATED)
        .collect();
    assert_eq!(won.len(), 1);
    for (n, answer) in answers.iter().enumerate() {
        if n != won[0] {
            answer.is_problem(409, "already-claimed");
        }
    }
    let other = test_box.log_in(&format!("password {}", won[0])).await;
    // The losers' attempts count, so the answer may also be to wait; never a wrong password.
    assert!(other.status == StatusCode::OK || other.status == StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_preset_code_counts_until_the_claim() {
    let test_box = TestBox::unclaimed().await;
    let owner = |preset: &'static str| {
        let clock = crate::clock::Clock::system();
        crate::owner::Owner::load(test_box.store.clone(), clock, Some(preset))
    };
    assert!(owner("too short").await.is_err());
    owner("abcd-efgh-jkmn-pqrs").await.unwrap();
    let code = test_box.handle.claim_code().await.unwrap();
    assert_eq!(code.as_deref(), Some("ABCD-EFGH-JKMN-PQRS"));
}

#[tokio::test]
async fn a_reset_from_the_console_counts_at_once() {
    let (test_box, cookie) = TestBox::claimed().await;
    let code = Service::reset_password(&test_box.store).await.unwrap();
    let status = test_box.get("/api/v1/status", Some(&cookie)).await;
    status.is_problem(403, "unclaimed");
    let shown = test_box.handle.claim_code().await.unwrap();
    assert_eq!(shown.as_ref(), Some(&code));
    let claim = json!({ "code": code, "password": "another password" });
    let answer = test_box.post(CLAIM, None, &claim).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let status = test_box.get("/api/v1/status", Some(&cookie)).await;
    status.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_through_the_window() {
    let (test_box, cookie) = TestBox::claimed().await;
    let status = async || test_box.get("/api/v1/status", Some(&cookie)).await.status;
    let code = test_box.handle.open_claim_window().await.unwrap();
    let told = test_box.get(CLAIM, None).await.json();
    assert_eq!(told, json!({ "claimed": true, "claimable": true }));
    let shown = Service::claim_code(&test_box.store).await.unwrap();
    assert_eq!(shown.as_ref(), Some(&code));
    let concerns = test_box.handle.concerns();
    assert_eq!(concerns.borrow().len(), 1);

    let wrong = json!({ "code": "0000-0000-0000-0000", "password": "another horse" });
    test_box
        .post(CLAIM, None, &wrong)
        .await
        .is_problem(403, "wrong-code");
    assert_eq!(status().await, StatusCode::OK, "the owner is not disturbed");
    assert_eq!(test_box.log_in(PASSWORD).await.status, StatusCode::OK);

    let claim = json!({ "code": code, "password": "another horse" });
    let answer = test_box.post(CLAIM, None, &claim).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(status().await, StatusCode::UNAUTHORIZED, "old sessions end");
    assert_eq!(
        test_box.log_in("another horse").await.status,
        StatusCode::OK
    );
    let again = test_box.post(CLAIM, None, &claim).await;
    again.is_problem(409, "already-claimed");
    assert!(concerns.borrow().is_empty());
    assert_eq!(Service::claim_code(&test_box.store).await.unwrap(), None);
}

#[tokio::test]
async fn the_window_closes_by_itself_and_with_the_box() {
    let (test_box, _) = TestBox::claimed().await;
    let TestBox {
        service,
        handle,
        store,
        ..
    } = test_box;
    let stale = handle.open_claim_window().await.unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(service.run(stop.clone()));
    let mut concerns = handle.concerns();
    let closed = |told: &Vec<Concern>| told.is_empty();
    timeout(DEADLINE, concerns.wait_for(closed))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(Service::claim_code(&store).await.unwrap(), None, "{stale}");

    handle.open_claim_window().await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(15 * 60 + 1)).await;
    tokio::time::resume();
    timeout(DEADLINE, concerns.wait_for(closed))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(Service::claim_code(&store).await.unwrap(), None);
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_unclaimed_box_needs_no_window() {
    let test_box = TestBox::unclaimed().await;
    let code = test_box.handle.claim_code().await.unwrap();
    assert_eq!(
        Some(test_box.handle.open_claim_window().await.unwrap()),
        code
    );
    assert!(test_box.handle.concerns().borrow().is_empty());
}
