//! Visitors asking for models.

use std::sync::{Arc, PoisonError};

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use tokio::time::Instant;

use super::{Public, publicly};
use crate::{
    RequestState, client_address::ClientAddress, dto::ModelRequest, extract, problem::Problem,
};

/// What the box does about a model.
#[utoipa::path(get, path = "/v1/models/{info_hash}",
    params(("info_hash" = String, Path, description = "40 hexadecimal or 32 base32 characters.")),
    responses(
        (status = 200, body = ModelRequest, description = "Where the request stands."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
pub(super) async fn model(
    State(public): State<Arc<Public>>,
    Path(info_hash): Path<String>,
) -> Result<axum::Json<ModelRequest>, Problem> {
    let info_hash = extract::info_hash(&info_hash)?;
    let state = public.appliance.request_state(info_hash).await;
    let state = state.map_err(publicly)?;
    Ok(axum::Json(ModelRequest::new(info_hash, &state)))
}

/// Asks the box for a published model. It counts the demand and fetches the model into its
/// community cache if it may. No body. A client has 60 requests at once and one more a second.
#[utoipa::path(post, path = "/v1/models/{info_hash}/request",
    params(("info_hash" = String, Path, description = "40 hexadecimal or 32 base32 characters.")),
    responses(
        (status = 202, body = ModelRequest, description = "Where the request stands."),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "Refused; `refusal` says why."),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many requests."),
        (status = 507, body = Problem, content_type = "application/problem+json", description = "No room; `refusal` says why."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
pub(super) async fn request_model(
    State(public): State<Arc<Public>>,
    Extension(client): Extension<ClientAddress>,
    Path(info_hash): Path<String>,
) -> Result<(StatusCode, axum::Json<ModelRequest>), Problem> {
    let info_hash = extract::info_hash(&info_hash)?;
    public
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take(client.network(), Instant::now())
        .map_err(|wait| Problem::too_many(wait.as_secs().saturating_add(1)))?;
    let state = public.appliance.request_model(info_hash, client.0).await;
    match state.map_err(publicly)? {
        RequestState::Refused(reason) => Err(Problem::refused_publicly(&reason)),
        state => Ok((
            StatusCode::ACCEPTED,
            axum::Json(ModelRequest::new(info_hash, &state)),
        )),
    }
}
