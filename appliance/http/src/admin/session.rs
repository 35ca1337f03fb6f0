//! Logging in and out, and the password.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{Admin, set_cookie};
use crate::{
    client_address::ClientAddress,
    dto::{LoginRequest, PasswordRequest, Session},
    extract::Json,
    owner::Authenticated,
    problem::Problem,
};

/// The session of the browser that asks.
#[utoipa::path(get, path = "/api/v1/session", tag = "owner", responses(
    (status = 200, body = Session, description = "The session."),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not logged in."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn get_session(
    Extension(authenticated): Extension<Authenticated>,
) -> axum::Json<Session> {
    axum::Json(Session::from(&authenticated.session))
}

/// Logs in. Done while logged in it proves again who is there: the session is replaced by a
/// fresh one, after which orders that answered `reauthenticate` go through for five minutes.
#[utoipa::path(post, path = "/api/v1/session", tag = "owner", request_body = LoginRequest, responses(
    (status = 200, body = Session, description = "The session."),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Wrong password."),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many attempts."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn log_in(
    State(admin): State<Arc<Admin>>,
    Extension(client): Extension<ClientAddress>,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> Result<Response, Problem> {
    let replaces = admin.owner.token_of(&headers);
    let opened = admin
        .owner
        .log_in(request.password, client, replaces)
        .await?;
    let session = Session::from(&opened.session);
    Ok((set_cookie(&opened.cookie), axum::Json(session)).into_response())
}

/// Logs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "owner", responses(
    (status = 204, description = "Logged out."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn log_out(
    State(admin): State<Arc<Admin>>,
    Extension(authenticated): Extension<Authenticated>,
) -> Result<Response, Problem> {
    let cookie = admin.owner.log_out(&authenticated).await?;
    Ok((StatusCode::NO_CONTENT, set_cookie(&cookie)).into_response())
}

/// Changes the password. Every session ends; the sender gets a fresh one.
#[utoipa::path(post, path = "/api/v1/password", tag = "owner", request_body = PasswordRequest, responses(
    (status = 200, body = Session, description = "The session."),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Wrong password."),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many attempts."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn change_password(
    State(admin): State<Arc<Admin>>,
    Extension(client): Extension<ClientAddress>,
    Json(request): Json<PasswordRequest>,
) -> Result<Response, Problem> {
    let opened = admin
        .owner
        .change_password(request.current, request.new, client)
        .await?;
    let session = Session::from(&opened.session);
    Ok((set_cookie(&opened.cookie), axum::Json(session)).into_response())
}
