//! Linked wallets and what stands on their land.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};

use super::Admin;
use crate::{
    dto::{LinkRequest, Wallets},
    extract::{self, Json},
    owner::Authenticated,
    problem::Problem,
};

/// Every linked wallet with its parcels, what stands on them, and the models.
#[utoipa::path(get, path = "/api/v1/wallets", tag = "wallets", responses(
    (status = 200, body = Wallets, description = "The wallets."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn list_wallets(State(admin): State<Arc<Admin>>) -> axum::Json<Wallets> {
    let owned = Arc::clone(&admin.appliance.owned().borrow());
    axum::Json(Wallets::from(owned.as_ref()))
}

/// Watches a wallet: secures what stands on its land. Linking twice is no error.
#[utoipa::path(post, path = "/api/v1/wallets", tag = "wallets", request_body = LinkRequest, responses(
    (status = 204, description = "Linked."),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "Not a wallet address."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn link_wallet(
    State(admin): State<Arc<Admin>>,
    Json(request): Json<LinkRequest>,
) -> Result<StatusCode, Problem> {
    let wallet = extract::wallet(&request.address)?;
    admin.appliance.link_wallet(wallet).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stops watching a wallet; its models become community data and may be evicted. The password
/// must have been given within the last five minutes, otherwise the answer is the problem
/// `reauthenticate`: log in again (`POST /api/v1/session`) and repeat.
#[utoipa::path(delete, path = "/api/v1/wallets/{address}", tag = "wallets",
    params(("address" = String, Path, description = "0x and 40 hexadecimal digits.")),
    responses(
        (status = 204, description = "No longer linked."),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "The password is needed again."),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "Nothing is there."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
pub(super) async fn unlink_wallet(
    State(admin): State<Arc<Admin>>,
    Extension(authenticated): Extension<Authenticated>,
    Path(address): Path<String>,
) -> Result<StatusCode, Problem> {
    let wallet = extract::wallet(&address)?;
    admin.owner.require_recent(&authenticated)?;
    admin.appliance.unlink_wallet(wallet).await?;
    Ok(StatusCode::NO_CONTENT)
}
