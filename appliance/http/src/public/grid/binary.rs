//! The world and its chunks in the box's own formats.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
};
use seedbox_core::grid::{ChunkId, EpochName};

use super::{
    Grid,
    body::{Caching, Envelope},
    head::{EpochError, gone},
    map,
    snapshot::Snapshot,
};
use crate::{
    problem::{Problem, ProblemType},
    public::Public,
};

/// The formats have no media type of their own.
const BINARY: &str = "application/octet-stream";

/// The whole world as it is now: every parcel's owner and how much stands on it. The header
/// `grid-epoch` names the state.
#[utoipa::path(get, path = "/grid/world", tag = "grid", responses(
    (status = 200, content_type = "application/octet-stream", description = "The world, see docs/GRID.md."),
    (status = 304, description = "The client has it."),
    (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything that went wrong."),
))]
pub(super) async fn world(
    State(public): State<Arc<Public>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let current = public.grid.current()?;
    send_world(
        &public.grid,
        &headers,
        &current.snapshot,
        Caching::Revalidate,
    )
    .await
}

/// The whole world at an epoch. Holds for ever.
#[utoipa::path(get, path = "/grid/{epoch}/world", tag = "grid",
    params(("epoch" = String, Path, description = "As `/grid/head` names it.")),
    responses(
        (status = 200, content_type = "application/octet-stream", description = "The world, see docs/GRID.md."),
        (status = 304, description = "The client has it."),
        (status = 410, body = super::head::Gone, content_type = "application/problem+json", description = "The box does not have this epoch (any more); `head` is the current one."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
pub(super) async fn world_at(
    State(public): State<Arc<Public>>,
    Path(epoch): Path<String>,
    headers: HeaderMap,
) -> Result<Response, EpochError> {
    let snapshot = snapshot(&public, &epoch)?;
    Ok(send_world(&public.grid, &headers, &snapshot, Caching::Immutable).await?)
}

/// A chunk of 16 × 16 parcels as it is now, with all that stands there; with `.json` at the end in
/// JSON.
#[utoipa::path(get, path = "/grid/chunks/{cx}/{cy}", tag = "grid",
    params(
        ("cx" = i16, Path, description = "Column: a parcel's x divided by 16, rounded down."),
        ("cy" = String, Path, description = "Row: a parcel's y divided by 16, rounded down; `.json` may follow."),
    ),
    responses(
        (status = 200, content((Vec<u8> = "application/octet-stream"), (map::Area = "application/json")), description = "The chunk, see docs/GRID.md."),
        (status = 304, description = "The client has it."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything that went wrong."),
    ))]
pub(super) async fn chunk(
    State(public): State<Arc<Public>>,
    Path((cx, cy)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let current = public.grid.current()?;
    if let Some(cy) = cy.strip_suffix(".json") {
        return map::chunk_json(&public.grid, &headers, current, chunk_id(&cx, cy)?).await;
    }
    let id = chunk_id(&cx, &cy)?;
    send_chunk(
        &public.grid,
        &headers,
        &current.snapshot,
        id,
        Caching::Revalidate,
    )
    .await
}

/// A chunk of 16 × 16 parcels at an epoch, with all that stands there. Holds for ever.
#[utoipa::path(get, path = "/grid/{epoch}/chunks/{cx}/{cy}", tag = "grid",
    params(
        ("epoch" = String, Path, description = "As `/grid/head` names it."),
        ("cx" = i16, Path, description = "Column: a parcel's x divided by 16, rounded down."),
        ("cy" = i16, Path, description = "Row: a parcel's y divided by 16, rounded down."),
    ),
    responses(
        (status = 200, content_type = "application/octet-stream", description = "The chunk, see docs/GRID.md."),
        (status = 304, description = "The client has it."),
        (status = 410, body = super::head::Gone, content_type = "application/problem+json", description = "The box does not have this epoch (any more); `head` is the current one."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
pub(super) async fn chunk_at(
    State(public): State<Arc<Public>>,
    Path((epoch, cx, cy)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, EpochError> {
    let id = chunk_id(&cx, &cy)?;
    let snapshot = snapshot(&public, &epoch)?;
    Ok(send_chunk(&public.grid, &headers, &snapshot, id, Caching::Immutable).await?)
}

async fn send_world(
    grid: &Grid,
    headers: &HeaderMap,
    snapshot: &Arc<Snapshot>,
    caching: Caching,
) -> Result<Response, Problem> {
    let body = snapshot.world(grid).await?;
    body.respond(grid, headers, &envelope(snapshot, caching))
        .await
}

async fn send_chunk(
    grid: &Grid,
    headers: &HeaderMap,
    snapshot: &Snapshot,
    id: ChunkId,
    caching: Caching,
) -> Result<Response, Problem> {
    let body = snapshot.chunk(id);
    body.respond(grid, headers, &envelope(snapshot, caching))
        .await
}

fn envelope(snapshot: &Snapshot, caching: Caching) -> Envelope<'_> {
    Envelope {
        content_type: BINARY,
        epoch: &snapshot.header,
        caching,
    }
}

/// The state that an address names, or the answer that it is gone.
fn snapshot(public: &Public, epoch: &str) -> Result<Arc<Snapshot>, EpochError> {
    let name = epoch_name(epoch)?;
    public.grid.at(name).ok_or_else(|| gone(public, name))
}

pub(super) fn epoch_name(text: &str) -> Result<EpochName, Problem> {
    text.parse()
        .map_err(|error: seedbox_core::grid::EpochNameError| {
            Problem::new(ProblemType::InvalidRequest, error.to_string())
        })
}

fn chunk_id(x: &str, y: &str) -> Result<ChunkId, Problem> {
    let id = || ChunkId::new(x.parse().ok()?, y.parse().ok()?);
    id().ok_or_else(|| {
        let detail = "There is no such chunk: both coordinates go from -2048 to 2047.";
        Problem::new(ProblemType::InvalidRequest, detail)
    })
}
