//! A whole service in the test's own process, its clock in the test's hands.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, Response, StatusCode, header},
};
use seedbox_core::UnixTime;
use seedbox_store::Store;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use super::fake_appliance::FakeAppliance;
use crate::{Config, Handle, Service, client_address::ClientAddress, clock::Clock};

pub(super) const DEADLINE: Duration = Duration::from_secs(20);
pub(super) const PASSWORD: &str = "correct horse";

pub(super) struct TestBox {
    pub(super) appliance: Arc<FakeAppliance>,
    pub(super) service: Service,
    pub(super) handle: Handle,
    pub(super) store: Store,
    pub(super) now: Arc<AtomicU64>,
    _folder: tempfile::TempDir,
}

impl TestBox {
    pub(super) async fn unclaimed() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("seedbox.db")).unwrap();
        let appliance = Arc::new(FakeAppliance::default());
        let now = Arc::new(AtomicU64::new(1_000_000));
        let read = Arc::clone(&now);
        let clock = Clock::reading(move || UnixTime(read.load(Ordering::Relaxed)));
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let local_names = ["seedbox.local", "seedbox-2.local"];
        let local_names = BTreeSet::from(local_names.map(str::to_owned));
        let config = Config {
            admin_listen: loopback,
            public_listen: loopback,
            host_names: vec!["box.example".to_owned()],
            metrics: true,
            local_names: watch::channel(local_names).1,
            ..Config::default()
        };
        let told: Arc<FakeAppliance> = Arc::clone(&appliance);
        let (service, handle) = Service::bind_with(config, store.clone(), told, clock)
            .await
            .unwrap();
        TestBox {
            appliance,
            service,
            handle,
            store,
            now,
            _folder: folder,
        }
    }

    /// A box with an owner, and the owner's cookie.
    pub(super) async fn claimed() -> (Self, String) {
        let test_box = TestBox::unclaimed().await;
        let code = test_box.handle.claim_code().await.unwrap().unwrap();
        let claim = json!({ "code": code, "password": PASSWORD });
        let answer = test_box.post("/api/v1/claim", None, &claim).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        let cookie = answer.cookie();
        (test_box, cookie)
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(super) async fn get(&self, path: &str, cookie: Option<&str>) -> Answer {
        self.admin(request(Method::GET, path, cookie, None)).await
    }

    pub(super) async fn delete(&self, path: &str, cookie: Option<&str>) -> Answer {
        self.admin(request(Method::DELETE, path, cookie, None))
            .await
    }

    pub(super) async fn post(&self, path: &str, cookie: Option<&str>, body: &Value) -> Answer {
        self.admin(request(Method::POST, path, cookie, Some(body)))
            .await
    }

    pub(super) async fn log_in(&self, password: &str) -> Answer {
        let login = json!({ "password": password });
        self.post("/api/v1/session", None, &login).await
    }

    /// Sends a request to the admin listener's router.
    pub(super) async fn admin(&self, request: Request<Body>) -> Answer {
        Answer::of(send(&self.service.admin_router, request, 1).await).await
    }

    /// Sends a request to the admin listener's router and leaves the body to be read.
    pub(super) async fn stream(&self, request: Request<Body>) -> Response<Body> {
        send(&self.service.admin_router, request, 1).await
    }

    /// Sends a request to the public listener's router as the n-th client.
    pub(super) async fn public(&self, request: Request<Body>, client: u8) -> Answer {
        Answer::of(send(&self.service.public_router, request, client).await).await
    }

    pub(super) fn orders(&self) -> Vec<String> {
        self.appliance.orders.lock().unwrap().clone()
    }
}

pub(super) async fn send(
    router: &Router,
    mut request: Request<Body>,
    client: u8,
) -> Response<Body> {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, client));
    request.extensions_mut().insert(ClientAddress(address));
    router.clone().oneshot(request).await.unwrap()
}

pub(super) fn request(
    method: Method,
    path: &str,
    cookie: Option<&str>,
    body: Option<&Value>,
) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "seedbox.local:8080");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    match body {
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string())),
        None => request.body(Body::empty()),
    }
    .unwrap()
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// `name=value` of the cookie that was set.
    pub(super) fn cookie(&self) -> String {
        let pair = self.header("set-cookie").split(';').next().unwrap();
        assert!(pair.contains('='), "no cookie: {:?}", self.headers);
        pair.to_owned()
    }

    /// Fails unless this is the given problem, well-formed.
    #[track_caller]
    pub(super) fn is_problem(&self, status: u16, kind: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], kind, "{}", self.text);
        assert_eq!(problem["status"], status, "{}", self.text);
        for member in ["title", "detail"] {
            let words = problem[member].as_str().unwrap();
            assert!(!words.is_empty(), "{}", self.text);
        }
    }
}
