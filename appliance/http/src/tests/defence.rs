//! The layers that every admin request passes.

use axum::{
    body::Body,
    http::{HeaderName, Method, Request, StatusCode, header},
};
use serde_json::json;

use super::harness::{TestBox, request};

const WALLETS: &str = "/api/v1/wallets";

fn link(cookie: &str) -> Request<Body> {
    let link = json!({ "address": "0x0101010101010101010101010101010101010101" });
    request(Method::POST, WALLETS, Some(cookie), Some(&link))
}

fn with(mut request: Request<Body>, name: HeaderName, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

#[tokio::test]
async fn a_rebound_name_is_misdirected() {
    let (test_box, cookie) = TestBox::claimed().await;
    for path in ["/", "/healthz", "/api/v1/claim", "/api/v1/status"] {
        let rebound = request(Method::GET, path, Some(&cookie), None);
        let rebound = with(rebound, header::HOST, "evil.example:8080");
        let answer = test_box.admin(rebound).await;
        answer.is_problem(421, "misdirected");
    }
    // Same origin by the browser's lights: only the host name gives it away.
    let rebound = with(link(&cookie), header::HOST, "evil.example:8080");
    let rebound = with(rebound, header::ORIGIN, "http://evil.example:8080");
    let answer = test_box.admin(rebound).await;
    answer.is_problem(421, "misdirected");
    assert!(test_box.orders().is_empty());
    for host in ["192.168.1.7:8080", "box.example", "seedbox-2.local"] {
        let right = with(link(&cookie), header::HOST, host);
        assert_eq!(test_box.admin(right).await.status, StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn another_websites_orders_are_refused() {
    let (test_box, cookie) = TestBox::claimed().await;
    let sec_fetch_site = HeaderName::from_static("sec-fetch-site");
    for (name, value) in [
        (header::ORIGIN, "http://evil.example"),
        (header::ORIGIN, "null"),
        (header::ORIGIN, "http://seedbox.local:9090"),
        (sec_fetch_site.clone(), "cross-site"),
        (sec_fetch_site, "same-site"),
    ] {
        let foreign = with(link(&cookie), name, value);
        let answer = test_box.admin(foreign).await;
        answer.is_problem(403, "cross-origin");
    }
    assert!(test_box.orders().is_empty());
    let own = with(link(&cookie), header::ORIGIN, "http://seedbox.local:8080");
    assert_eq!(test_box.admin(own).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn no_website_is_ever_allowed_to_read() {
    let (test_box, cookie) = TestBox::claimed().await;
    let read = request(Method::GET, "/api/v1/status", Some(&cookie), None);
    let read = with(read, header::ORIGIN, "http://evil.example");
    let answer = test_box.admin(read).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    let preflight = request(Method::OPTIONS, WALLETS, None, None);
    let preflight = with(preflight, header::ORIGIN, "http://evil.example");
    let answer = test_box.admin(preflight).await;
    assert!(!answer.status.is_success());
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn only_json_is_an_order() {
    let (test_box, cookie) = TestBox::claimed().await;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
    ] {
        let form = with(link(&cookie), header::CONTENT_TYPE, kind);
        let answer = test_box.admin(form).await;
        answer.is_problem(415, "unsupported-media-type");
    }
    let mut bare = link(&cookie);
    bare.headers_mut().remove(header::CONTENT_TYPE);
    let answer = test_box.admin(bare).await;
    answer.is_problem(415, "unsupported-media-type");
    let form = request(Method::DELETE, "/api/v1/session", Some(&cookie), None);
    let form = with(form, header::CONTENT_TYPE, "text/plain");
    let answer = test_box.admin(form).await;
    answer.is_problem(415, "unsupported-media-type");
    assert!(test_box.orders().is_empty());
    let charset = with(
        link(&cookie),
        header::CONTENT_TYPE,
        "application/json; charset=utf-8",
    );
    assert_eq!(test_box.admin(charset).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_body_is_read_strictly() {
    let (test_box, cookie) = TestBox::claimed().await;
    let send = |body: String| {
        let mut request = link(&cookie);
        *request.body_mut() = Body::from(body);
        test_box.admin(request)
    };
    let address = "0x0101010101010101010101010101010101010101";
    let unknown = json!({ "address": address, "admin": true }).to_string();
    let answer = send(unknown).await;
    answer.is_problem(422, "invalid-request");
    assert!(answer.text.contains("admin"), "{}", answer.text);
    let wrong = json!({ "address": 7 }).to_string();
    send(wrong).await.is_problem(422, "invalid-request");
    let mistyped = json!({ "address": "0x12" }).to_string();
    send(mistyped).await.is_problem(422, "invalid-request");
    for broken in ["", "{", "nonsense"] {
        send(broken.to_owned())
            .await
            .is_problem(400, "invalid-request");
    }
    let large = json!({ "address": "x".repeat(64 * 1024) }).to_string();
    send(large).await.is_problem(413, "too-large");
    assert!(test_box.orders().is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let (test_box, cookie) = TestBox::claimed().await;
    let cookie = Some(cookie.as_str());
    let gone = test_box.get("/api/v1/nothing", cookie).await;
    gone.is_problem(404, "not-found");
    let gone = test_box.get("/api", cookie).await;
    gone.is_problem(404, "not-found");
    let gone = test_box.get("/gone.png", cookie).await;
    gone.is_problem(404, "not-found");
    let method = test_box.delete("/api/v1/status", cookie).await;
    method.is_problem(405, "method-not-allowed");
    assert!(method.header("allow").contains("GET"));
    let method = test_box.delete("/", cookie).await;
    method.is_problem(405, "method-not-allowed");
    let hash = test_box.delete("/api/v1/torrents/xyz", cookie).await;
    hash.is_problem(422, "invalid-request");
    let encoding = test_box.delete("/api/v1/torrents/%ff", cookie).await;
    encoding.is_problem(400, "invalid-request");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let (test_box, cookie) = TestBox::claimed().await;
    let mut misdirected = request(Method::GET, "/", None, None);
    misdirected.headers_mut().remove(header::HOST);
    for answer in [
        test_box.get("/", None).await,
        test_box.get("/api/v1/status", Some(&cookie)).await,
        test_box.get("/api/v1/status", None).await,
        test_box.admin(misdirected).await,
    ] {
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"));
        assert!(policy.contains("require-trusted-types-for 'script'"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
    }
    let status = test_box.get("/api/v1/status", Some(&cookie)).await;
    assert_eq!(status.header("cache-control"), "no-store");
}
