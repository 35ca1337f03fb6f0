//! The API described for programs. The panel's TypeScript client is generated from it.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi;

use super::{open_routes, patient_routes, session_routes};
use crate::problem::Problem;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Seed box admin API",
        version = "1",
        description = "The owner's API. Every error is problem JSON (RFC 9457). Before the box is claimed everything but the claim answers the problem `unclaimed`; without a session it answers `unauthenticated`. Requests with a body must be application/json.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "owner", description = "Claim, session, password."),
        (name = "status", description = "How the box is doing."),
        (name = "torrents", description = "What the box holds and refuses."),
        (name = "wallets", description = "Linked wallets and their property."),
        (name = "volumes", description = "Disk space."),
        (name = "update", description = "The box's own system.")
    )
)]
struct Description;

/// The admin API as OpenAPI 3.1, pretty JSON ending in a newline.
pub fn openapi_json() -> String {
    let routes = open_routes().merge(session_routes());
    let (_, paths) = routes.merge(patient_routes()).split_for_parts();
    let mut description = Description::openapi();
    description.merge(paths);
    let mut json = serde_json::to_string_pretty(&description).unwrap_or_default();
    json.push('\n');
    json
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "status", responses(
    (status = 200, description = "OpenAPI 3.1.", content_type = "application/json", body = serde_json::Value),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], openapi_json()).into_response()
}
