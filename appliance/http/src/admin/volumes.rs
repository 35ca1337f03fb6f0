//! How much of each volume the box may use.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
};

use super::Admin;
use crate::{dto::QuotaRequest, extract::Json, problem::Problem};

/// Changes a volume's quota.
#[utoipa::path(patch, path = "/api/v1/volumes/{id}", tag = "volumes", request_body = QuotaRequest,
    params(("id" = String, Path, description = "The volume's ID as in the status.")),
    responses(
        (status = 204, description = "Changed."),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "Nothing is there."),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "Locked by the configuration file, or less than is protected."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
pub(super) async fn set_quota(
    State(admin): State<Arc<Admin>>,
    Path(id): Path<String>,
    Json(request): Json<QuotaRequest>,
) -> Result<StatusCode, Problem> {
    admin.appliance.set_quota(&id, request.quota).await?;
    Ok(StatusCode::NO_CONTENT)
}
