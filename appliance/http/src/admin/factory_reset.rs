//! Making the box as new.

use std::sync::Arc;

use axum::{Extension, extract::State, http::StatusCode};

use super::Admin;
use crate::{dto::FactoryResetRequest, extract::Json, owner::Authenticated, problem::Problem};

/// Deletes owner, wallets, settings and models and starts the box anew, with a new claim code. The
/// password must have been given within the last five minutes, otherwise the answer is the problem
/// `reauthenticate`: log in again (`POST /api/v1/session`) and repeat.
#[utoipa::path(post, path = "/api/v1/factory-reset", tag = "owner", request_body = FactoryResetRequest, responses(
    (status = 202, description = "The box ends now and starts as new."),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The password is needed again."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn factory_reset(
    State(admin): State<Arc<Admin>>,
    Extension(authenticated): Extension<Authenticated>,
    Json(request): Json<FactoryResetRequest>,
) -> Result<StatusCode, Problem> {
    admin.owner.require_recent(&authenticated)?;
    let external_volumes = request.external_volumes;
    admin.appliance.factory_reset(external_volumes).await?;
    Ok(StatusCode::ACCEPTED)
}
