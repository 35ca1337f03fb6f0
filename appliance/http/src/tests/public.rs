//! The public data plane, from any website.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use seedbox_core::{Health, RefusalReason};

use super::{
    fake_appliance::torrent,
    harness::{Answer, TestBox},
};
use crate::{OrderError, RequestState};

const MODEL: &str = "/v1/models/abababababababababababababababababababab";

async fn ask(test_box: &TestBox, method: Method, path: &str, client: u8) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "anything.example")
        .header(header::ORIGIN, "null")
        .body(Body::empty())
        .unwrap();
    test_box.public(request, client).await
}

async fn request_model(test_box: &TestBox, client: u8) -> Answer {
    let path = format!("{MODEL}/request");
    ask(test_box, Method::POST, &path, client).await
}

#[tokio::test]
async fn every_website_may_read_without_cookies() {
    let test_box = TestBox::unclaimed().await;
    for path in ["/healthz", "/readyz", "/version", MODEL, "/openapi.json"] {
        let answer = ask(&test_box, Method::GET, path, 1).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
        assert_eq!(answer.header("set-cookie"), "");
    }
    let gone = ask(&test_box, Method::GET, "/gone", 1).await;
    gone.is_problem(404, "not-found");
    assert_eq!(gone.header("access-control-allow-origin"), "*");
    let exposed = gone.header("access-control-expose-headers");
    assert!(exposed.contains("content-range"), "{exposed}");
}

#[tokio::test]
async fn a_preflight_is_answered() {
    let test_box = TestBox::unclaimed().await;
    let request = Request::options(MODEL)
        .header(header::ORIGIN, "https://portal.example")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "range")
        .body(Body::empty());
    let answer = test_box.public(request.unwrap(), 1).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let allowed = answer.header("access-control-allow-headers");
    assert!(allowed.contains("range"), "{allowed}");
}

#[tokio::test]
async fn the_admin_api_is_not_here() {
    let (test_box, _) = TestBox::claimed().await;
    for path in ["/", "/api/v1/claim", "/api/v1/status", "/index.html"] {
        let answer = ask(&test_box, Method::GET, path, 1).await;
        answer.is_problem(404, "not-found");
    }
}

#[tokio::test]
async fn health_tells_failing_and_ready_tells_starting() {
    let test_box = TestBox::unclaimed().await;
    let statuses = || async {
        let healthz = ask(&test_box, Method::GET, "/healthz", 1).await;
        let readyz = ask(&test_box, Method::GET, "/readyz", 1).await;
        (healthz.status.as_u16(), readyz.status.as_u16())
    };
    let seeder = &test_box.appliance.seeder;
    for (health, expected) in [
        (Health::Well, (200, 200)),
        (Health::Attention, (200, 200)),
        (Health::Starting, (200, 503)),
        (Health::Failing, (503, 503)),
    ] {
        seeder.send_modify(|seeder| seeder.health = health);
        assert_eq!(statuses().await, expected, "{health:?}");
    }
    let failing = ask(&test_box, Method::GET, "/healthz", 1).await.json();
    assert_eq!(failing["seeder"], "failing");

    seeder.send_modify(|seeder| seeder.health = Health::Well);
    for (health, expected) in [
        (Health::Starting, (200, 200)),
        (Health::Failing, (503, 200)),
    ] {
        let chain = &test_box.appliance.chain;
        chain.send_modify(|chain| chain.health = health);
        assert_eq!(
            statuses().await,
            expected,
            "endpoints elsewhere: {health:?}"
        );
    }
}

#[tokio::test]
async fn a_request_is_passed_on_and_its_state_told() {
    let test_box = TestBox::unclaimed().await;
    *test_box.appliance.request_state.lock().unwrap() = RequestState::Queued;
    let answer = request_model(&test_box, 9).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json()["state"], "queued");
    let expected = format!("request {} 192.0.2.9", "ab".repeat(20));
    assert_eq!(test_box.orders(), [expected]);

    let held = RequestState::Held(Box::new(torrent(1)));
    *test_box.appliance.request_state.lock().unwrap() = held;
    let answer = ask(&test_box, Method::GET, MODEL, 1).await;
    assert_eq!(answer.json()["state"], "held");
    assert_eq!(answer.json()["have"], 1000);
    let wrong = ask(&test_box, Method::GET, "/v1/models/xyz", 1).await;
    wrong.is_problem(422, "invalid-request");
}

#[tokio::test]
async fn a_refusal_has_its_reason_but_not_the_owners_words() {
    let test_box = TestBox::unclaimed().await;
    let no_volume = RefusalReason::NoVolume {
        detail: "/mnt/secret is missing".to_owned(),
    };
    for (reason, status, code) in [
        (RefusalReason::NotOnChain, 409, "not-on-chain"),
        (no_volume, 507, "no-volume"),
    ] {
        *test_box.appliance.request_state.lock().unwrap() = RequestState::Refused(reason);
        let answer = request_model(&test_box, 1).await;
        answer.is_problem(status, "refused");
        assert_eq!(answer.json()["refusal"], code);
        assert!(!answer.text.contains("secret"), "{}", answer.text);
        let state = ask(&test_box, Method::GET, MODEL, 1).await;
        assert_eq!(state.json()["refusal"], code);
        assert!(!state.text.contains("secret"), "{}", state.text);
    }
    let failed = OrderError::Failed("/mnt/secret broke".to_owned());
    *test_box.appliance.next_error.lock().unwrap() = Some(failed);
    let answer = request_model(&test_box, 1).await;
    answer.is_problem(500, "internal");
    assert!(!answer.text.contains("secret"), "{}", answer.text);
}

#[tokio::test]
async fn a_client_has_only_so_many_requests() {
    let test_box = TestBox::unclaimed().await;
    let mut accepted = 0;
    let refused = loop {
        let answer = request_model(&test_box, 1).await;
        if answer.status != StatusCode::ACCEPTED {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 1000);
    };
    assert!(accepted >= 60);
    refused.is_problem(429, "too-many-requests");
    assert!(!refused.header("retry-after").is_empty());
    let other = request_model(&test_box, 2).await;
    assert_eq!(other.status, StatusCode::ACCEPTED);
    assert_eq!(test_box.orders().len(), accepted + 1);
}
