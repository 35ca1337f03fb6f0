//! Becoming the owner of the box.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};

use super::{Admin, set_cookie};
use crate::{
    client_address::ClientAddress,
    dto::{Claim, ClaimRequest, Session},
    extract::Json,
    problem::Problem,
};

/// Whether the box has an owner.
#[utoipa::path(get, path = "/api/v1/claim", tag = "owner", responses(
    (status = 200, body = Claim, description = "Whether the box is claimed."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn get_claim(
    State(admin): State<Arc<Admin>>,
) -> Result<axum::Json<Claim>, Problem> {
    let claimed = admin.owner.is_claimed().await?;
    let claimable = admin.owner.is_claimable().await?;
    Ok(axum::Json(Claim { claimed, claimable }))
}

/// Makes the sender the owner, sets the password and logs in. A code works once.
#[utoipa::path(post, path = "/api/v1/claim", tag = "owner", request_body = ClaimRequest, responses(
    (status = 201, body = Session, description = "Claimed and logged in."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn claim(
    State(admin): State<Arc<Admin>>,
    Extension(client): Extension<ClientAddress>,
    Json(request): Json<ClaimRequest>,
) -> Result<Response, Problem> {
    let opened = admin
        .owner
        .claim(&request.code, request.password, client)
        .await?;
    let session = Session::from(&opened.session);
    Ok((
        axum::http::StatusCode::CREATED,
        set_cookie(&opened.cookie),
        axum::Json(session),
    )
        .into_response())
}
