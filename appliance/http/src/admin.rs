//! The owner's listener: panel, API, and the layers that every request passes.
//!
//! From the outside in: errors become problems, security headers, the host allow-list (a page
//! that rebinds its DNS name to the box passes the csrf layer), the csrf layer, the JSON content
//! type, the time and body limits, the claim gate, the session. No CORS header is ever sent.

mod claim;
mod events;
mod factory_reset;
pub(crate) mod host_names;
mod openapi;
mod session;
mod status;
mod torrents;
mod update;
mod volumes;
mod wallets;

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{AppendHeaders, IntoResponse, Response},
    routing::get,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::{csrf::CsrfLayer, timeout::TimeoutLayer};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Appliance, chain_trust,
    clock::Clock,
    config::{BODY_LIMIT, REQUEST_TIMEOUT},
    health, metrics,
    owner::{Owner, SessionCookie},
    panel,
    problem::{Problem, ProblemType, as_problem},
};
use host_names::HostNames;
pub use openapi::openapi_json;

/// What the admin handlers share.
pub(crate) struct Admin {
    pub(crate) appliance: Arc<dyn Appliance>,
    pub(crate) owner: Arc<Owner>,
    pub(crate) host_names: HostNames,
    pub(crate) clock: Clock,
    pub(crate) started: Instant,
    pub(crate) shutdown: CancellationToken,
    /// Whether `/metrics` is answered.
    metrics: bool,
    streams: Arc<Semaphore>,
}

impl Admin {
    pub(crate) fn new(
        appliance: Arc<dyn Appliance>,
        owner: Arc<Owner>,
        host_names: HostNames,
        clock: Clock,
        shutdown: CancellationToken,
        metrics: bool,
    ) -> Self {
        Admin {
            appliance,
            owner,
            host_names,
            clock,
            started: Instant::now(),
            shutdown,
            metrics,
            streams: Arc::new(Semaphore::new(events::MAX_STREAMS)),
        }
    }
}

/// What works without a session. The claim gate lets only the claim through before there is an
/// owner.
fn open_routes() -> OpenApiRouter<Arc<Admin>> {
    OpenApiRouter::new()
        .routes(routes!(claim::get_claim, claim::claim))
        .routes(routes!(session::log_in))
}

/// What only the owner may.
fn session_routes() -> OpenApiRouter<Arc<Admin>> {
    OpenApiRouter::new()
        .routes(routes!(session::get_session, session::log_out))
        .routes(routes!(session::change_password))
        .routes(routes!(factory_reset::factory_reset))
        .routes(routes!(status::get_status))
        .routes(routes!(events::events))
        .routes(routes!(torrents::list_torrents, torrents::add_torrent))
        .routes(routes!(torrents::remove_torrent))
        .routes(routes!(torrents::list_refusals))
        .routes(routes!(wallets::list_wallets, wallets::link_wallet))
        .routes(routes!(wallets::unlink_wallet))
        .routes(routes!(volumes::set_quota))
        .routes(routes!(update::discard))
        .routes(routes!(update::install))
        .routes(routes!(update::restart, update::cancel_restart))
        .routes(routes!(openapi::openapi))
}

/// What only the owner may, and what takes as long as a stick or a browser takes to send a whole
/// system. What they read has its own limits.
fn patient_routes() -> OpenApiRouter<Arc<Admin>> {
    OpenApiRouter::new()
        .routes(routes!(update::upload))
        .routes(routes!(update::fetch))
}

/// The whole admin listener.
pub(crate) fn router(admin: Arc<Admin>) -> Router {
    let api = open_routes()
        .split_for_parts()
        .0
        .merge(with_session(session_routes(), &admin))
        .route("/api/{*path}", axum::routing::any(nothing_there));
    Router::new()
        .merge(owned(api, &admin))
        .route("/healthz", get(healthz))
        .route("/metrics", get(prometheus))
        .fallback(panel::serve)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            REQUEST_TIMEOUT,
        ))
        .merge(owned(with_session(patient_routes(), &admin), &admin))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(require_json))
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn_with_state(
            Arc::clone(&admin),
            require_host_name,
        ))
        .layer(middleware::map_response(with_security_headers))
        .layer(middleware::map_response(as_problem))
        .with_state(admin)
}

fn with_session(routes: OpenApiRouter<Arc<Admin>>, admin: &Arc<Admin>) -> Router<Arc<Admin>> {
    let guarded = routes
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(admin),
            require_session,
        ))
        .split_for_parts()
        .0;
    chain_trust::told(guarded, admin.appliance.chain())
}

fn owned(routes: Router<Arc<Admin>>, admin: &Arc<Admin>) -> Router<Arc<Admin>> {
    routes
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(admin),
            require_owner,
        ))
        .layer(middleware::map_response(never_cached))
}

/// The header that hands the browser its session.
fn set_cookie(cookie: &SessionCookie) -> AppendHeaders<[(HeaderName, HeaderValue); 1]> {
    AppendHeaders([(header::SET_COOKIE, cookie.header())])
}

async fn nothing_there() -> StatusCode {
    StatusCode::NOT_FOUND
}

async fn healthz(State(admin): State<Arc<Admin>>) -> Response {
    health::respond(admin.appliance.as_ref())
}

async fn prometheus(State(admin): State<Arc<Admin>>) -> Response {
    if admin.metrics {
        return metrics::respond(admin.appliance.as_ref());
    }
    let detail = "Metrics are off. `metrics = true` in the configuration turns them on.";
    Problem::new(ProblemType::NotFound, detail).into_response()
}

async fn require_host_name(
    State(admin): State<Arc<Admin>>,
    request: Request,
    next: Next,
) -> Response {
    if admin.host_names.allows(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    let detail = "This box does not know itself by this name. Open http://seedbox.local or its IP address, or add the name to `host_names` in the configuration.";
    Problem::new(ProblemType::Misdirected, detail).into_response()
}

/// A form on another website can send text but never application/json without asking first, nor
/// the type that a bundle has. A DELETE cannot come from a form and mostly has no body.
async fn require_json(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let wanted = match (request.method(), request.uri().path()) {
        (&Method::POST, update::UPLOAD) => "application/octet-stream",
        _ => "application/json",
    };
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted));
    let may_lack_it = match *request.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => true,
        Method::DELETE => !headers.contains_key(header::CONTENT_TYPE),
        _ => false,
    };
    if is_json || may_lack_it {
        return next.run(request).await;
    }
    let detail = format!("Send the body as {wanted}.");
    Problem::new(ProblemType::UnsupportedMediaType, detail).into_response()
}

async fn require_owner(
    State(admin): State<Arc<Admin>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if request.uri().path() == "/api/v1/claim" || admin.owner.is_claimed().await? {
        return Ok(next.run(request).await);
    }
    let detail = "Nobody owns this box yet. Claim it with the code in its log, then try again.";
    Err(Problem::new(ProblemType::Unclaimed, detail))
}

async fn require_session(
    State(admin): State<Arc<Admin>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (authenticated, extended) = admin.owner.authenticate(request.headers()).await?;
    request.extensions_mut().insert(authenticated);
    let mut response = next.run(request).await;
    // A handler that set its own cookie (log out) has the last word.
    if let Some(cookie) = extended
        && !response.headers().contains_key(header::SET_COOKIE)
    {
        response
            .headers_mut()
            .append(header::SET_COOKIE, cookie.header());
    }
    Ok(response)
}

async fn never_cached(mut response: Response) -> Response {
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; require-trusted-types-for 'script'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

async fn with_security_headers(mut response: Response) -> Response {
    for (name, value) in SECURITY_HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
