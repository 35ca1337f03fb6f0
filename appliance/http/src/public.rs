//! The public data plane: read-only for everybody, from any website, without cookies. The one
//! order is a visitor's request for a model, and each client has only so many.

mod access;
pub(crate) mod grid;
mod models;
mod rate_limit;
mod relay;
mod votes;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use tower_http::{
    cors::{Any, CorsLayer},
    set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer,
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Appliance, OrderError, chain_trust,
    clock::Clock,
    config::{BODY_LIMIT, REQUEST_TIMEOUT},
    dto::{HealthReport, Version},
    health,
    problem::{Problem, ProblemType, as_problem},
};
use grid::Grid;
use rate_limit::RateLimit;
pub use relay::RelaySocket;

/// What the public handlers share.
pub(crate) struct Public {
    appliance: Arc<dyn Appliance>,
    /// Orders: requests for models. A visitor enters a region with many.
    requests: Mutex<RateLimit>,
    /// Questions of access, which may cost the box a question of its own.
    questions: Mutex<RateLimit>,
    pub(crate) grid: Grid,
    clock: Clock,
}

impl Public {
    pub(crate) fn new(appliance: Arc<dyn Appliance>, grid: Grid, clock: Clock) -> Self {
        Public {
            appliance,
            requests: Mutex::new(RateLimit::new(60, Duration::from_secs(1))),
            questions: Mutex::new(RateLimit::new(240, Duration::from_millis(100))),
            grid,
            clock,
        }
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Seed box public data plane",
    version = "1",
    description = "Open to every website (CORS *), no cookies. Every error is problem JSON (RFC 9457).",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Description;

fn routes() -> OpenApiRouter<Arc<Public>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(version))
        .routes(routes!(models::model))
        .routes(routes!(models::request_model))
        .merge(access::routes())
        .merge(votes::routes())
        .merge(grid::routes())
        .merge(relay::routes())
}

/// An answer that nobody keeps: the next one may be another.
fn fresh(body: &impl Serialize) -> Response {
    let mut response = axum::Json(body).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    response
}

/// The whole public listener.
pub(crate) fn router(public: Arc<Public>) -> Router {
    let (router, description) = routes().split_for_parts();
    let chain = public.appliance.chain();
    let router = router
        .route(
            "/openapi.json",
            get(move || std::future::ready(axum::Json(description.clone()))),
        )
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            REQUEST_TIMEOUT,
        ))
        .layer(middleware::map_response(as_problem));
    chain_trust::told(router, chain)
        .layer(cors())
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        ))
        .with_state(public)
}

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            header::RANGE,
            header::CACHE_CONTROL,
            header::USER_AGENT,
            header::IF_NONE_MATCH,
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([
            header::CONTENT_RANGE,
            header::CONTENT_LENGTH,
            header::ETAG,
            HeaderName::from_static("grid-epoch"),
            chain_trust::CHAIN_TRUST,
            header::RETRY_AFTER,
        ])
        .max_age(Duration::from_secs(24 * 3600))
}

/// An order's error without the words meant for the owner.
fn publicly(error: OrderError) -> Problem {
    match error {
        OrderError::Refused(reason) => Problem::refused_publicly(&reason),
        OrderError::Failed(detail) => {
            tracing::error!(%detail, "a visitor's request failed");
            Problem::new(ProblemType::Internal, "The box failed. Try again later.")
        }
        other => Problem::from(other),
    }
}

/// Whether the box does its job.
#[utoipa::path(get, path = "/healthz", responses(
    (status = 200, body = HealthReport, description = "Well enough."),
    (status = 503, body = HealthReport, description = "A service does not do its job."),
))]
async fn healthz(State(public): State<Arc<Public>>) -> Response {
    health::respond(public.appliance.as_ref())
}

/// Whether the box itself can work, whatever the chain's endpoints do.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, body = HealthReport, description = "It can."),
    (status = 503, body = HealthReport, description = "It is starting, or has no volume to work with."),
))]
async fn readyz(State(public): State<Arc<Public>>) -> Response {
    health::respond_ready(public.appliance.as_ref())
}

/// Which software this is.
#[utoipa::path(get, path = "/version", responses((status = 200, body = Version, description = "The software.")))]
async fn version() -> axum::Json<Version> {
    axum::Json(Version {
        name: "seedbox".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
