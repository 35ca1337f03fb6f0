//! What the box holds and what it refused.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
};

use super::Admin;
use crate::{
    dto::{AddTorrentRequest, AddedTorrent, Refusal, Refusals, Torrent, Torrents},
    extract::{self, Json},
    problem::Problem,
};

/// Every torrent.
#[utoipa::path(get, path = "/api/v1/torrents", tag = "torrents", responses(
    (status = 200, body = Torrents, description = "The torrents."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn list_torrents(State(admin): State<Arc<Admin>>) -> axum::Json<Torrents> {
    let seeder = admin.appliance.seeder();
    let torrents = seeder.borrow().torrents.iter().map(Torrent::from).collect();
    axum::Json(Torrents { torrents })
}

/// Adds a torrent by its magnet link, to be kept until the owner removes it.
#[utoipa::path(post, path = "/api/v1/torrents", tag = "torrents", request_body = AddTorrentRequest, responses(
    (status = 201, body = AddedTorrent, description = "Added."),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "Refused; `refusal` says why."),
    (status = 507, body = Problem, content_type = "application/problem+json", description = "No room; `refusal` says why."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn add_torrent(
    State(admin): State<Arc<Admin>>,
    Json(request): Json<AddTorrentRequest>,
) -> Result<(StatusCode, axum::Json<AddedTorrent>), Problem> {
    let info_hash = admin.appliance.add_torrent(request.magnet.trim()).await?;
    let added = AddedTorrent {
        info_hash: info_hash.to_string(),
    };
    Ok((StatusCode::CREATED, axum::Json(added)))
}

/// Deletes a torrent that the owner added or that is community data, with its files. One that
/// stands on owned land is a conflict.
#[utoipa::path(delete, path = "/api/v1/torrents/{info_hash}", tag = "torrents",
    params(("info_hash" = String, Path, description = "40 hexadecimal characters.")),
    responses(
        (status = 204, description = "Deleted."),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "Nothing is there."),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It stands on owned land."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
pub(super) async fn remove_torrent(
    State(admin): State<Arc<Admin>>,
    Path(info_hash): Path<String>,
) -> Result<StatusCode, Problem> {
    let info_hash = extract::info_hash(&info_hash)?;
    admin.appliance.remove_torrent(info_hash).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The latest refusals.
#[utoipa::path(get, path = "/api/v1/refusals", tag = "torrents", responses(
    (status = 200, body = Refusals, description = "The refusals."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
))]
pub(super) async fn list_refusals(State(admin): State<Arc<Admin>>) -> axum::Json<Refusals> {
    let seeder = admin.appliance.seeder();
    let refusals = seeder.borrow().refusals.iter().map(Refusal::from).collect();
    axum::Json(Refusals { refusals })
}
