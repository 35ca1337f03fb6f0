//! Updates of the box's system: taking a bundle in, installing it, and the restart.

use std::{io, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use futures::{StreamExt, TryStreamExt};
use seedbox_core::UnixTime;

use super::Admin;
use crate::{
    dto::{FetchUpdateRequest, InstallUpdateRequest, RestartRequest},
    extract::Json,
    owner::Authenticated,
    problem::Problem,
};

/// Where bundles are sent. The only request whose body is neither small nor JSON.
pub(super) const UPLOAD: &str = "/api/v1/update/bundle";

/// Takes in a bundle, sent as the whole body, and checks its signature. It replaces the one that
/// was taken in before; nothing is installed. How far it is, is in the live stream.
#[utoipa::path(post, path = "/api/v1/update/bundle", tag = "update",
    request_body(content = String, content_type = "application/octet-stream", description = "The file as it is."),
    responses(
        (status = 204, description = "Taken in; the status says what it is."),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "Something else is under way, or this box does not update itself."),
        (status = 413, body = Problem, content_type = "application/problem+json", description = "Larger than any update."),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "Not whole, or its signature is not right."),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "It is here and could not be checked; the box tries again by itself."),
        (status = 507, body = Problem, content_type = "application/problem+json", description = "No room on the disk."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
pub(super) async fn upload(
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let size = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|size| size.to_str().ok())
        .and_then(|size| size.parse().ok());
    let content = body.into_data_stream().map_err(io::Error::other).boxed();
    admin.appliance.receive_update(size, content).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The same with a bundle that was found on a disk; answers once it is copied and checked.
#[utoipa::path(post, path = "/api/v1/update/fetch", tag = "update", request_body = FetchUpdateRequest, responses(
    (status = 204, description = "Taken in; the status says what it is."),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "It is not there any more."),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "Something else is under way, or this box does not update itself."),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "Not whole, or its signature is not right."),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "It is here and could not be checked; the box tries again by itself."),
    (status = 507, body = Problem, content_type = "application/problem+json", description = "No room on the disk."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn fetch(
    State(admin): State<Arc<Admin>>,
    Json(request): Json<FetchUpdateRequest>,
) -> Result<StatusCode, Problem> {
    admin.appliance.fetch_update(request.path).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes the bundle that was taken in, and forgets what became of the last update.
#[utoipa::path(delete, path = "/api/v1/update/bundle", tag = "update", responses(
    (status = 204, description = "Deleted, or there was none."),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "It is in use, or this box does not update itself."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn discard(State(admin): State<Arc<Admin>>) -> Result<StatusCode, Problem> {
    admin.appliance.discard_update().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins to write the bundle that was taken in to the slot that does not run. One that is older
/// than what runs needs `allow_downgrade` and the password given within the last five minutes,
/// otherwise the answer is the problem `reauthenticate`: log in again and repeat.
#[utoipa::path(post, path = "/api/v1/update/install", tag = "update", request_body = InstallUpdateRequest, responses(
    (status = 202, description = "Begun; the status tells the rest."),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "The password is needed again."),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "Nothing was taken in, it is older, or this box does not update itself."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn install(
    State(admin): State<Arc<Admin>>,
    Extension(authenticated): Extension<Authenticated>,
    Json(request): Json<InstallUpdateRequest>,
) -> Result<StatusCode, Problem> {
    let allow_downgrade = request.allow_downgrade;
    if allow_downgrade {
        admin.owner.require_recent(&authenticated)?;
    }
    admin.appliance.install_update(allow_downgrade).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Restarts the machine into what was installed, now or at a time of the owner's choice. A later
/// call replaces an earlier one. What counts is how long that is from now by the box's clock: if the
/// clock is set meanwhile, the restart is as far away as before, and `restart_at` follows. A time that
/// has passed by more than ten minutes means the same hour of the next day.
#[utoipa::path(post, path = "/api/v1/update/restart", tag = "update", request_body = RestartRequest, responses(
    (status = 202, description = "It will be so."),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "Nothing was installed, or the time is too far."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn restart(
    State(admin): State<Arc<Admin>>,
    Json(request): Json<RestartRequest>,
) -> Result<StatusCode, Problem> {
    let at = request.at.map(UnixTime);
    admin.appliance.restart_into_update(at).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Takes a planned restart back; what was installed goes on waiting for one.
#[utoipa::path(delete, path = "/api/v1/update/restart", tag = "update", responses(
    (status = 204, description = "None is planned any more."),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "Nothing was installed, or this box does not update itself."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn cancel_restart(State(admin): State<Arc<Admin>>) -> Result<StatusCode, Problem> {
    admin.appliance.cancel_restart().await?;
    Ok(StatusCode::NO_CONTENT)
}
