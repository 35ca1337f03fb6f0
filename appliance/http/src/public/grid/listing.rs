//! JSON answers that are made for one question: tagged, compressed by nobody, bounded by what they
//! list.

use axum::{http::HeaderMap, response::Response};
use serde::Serialize;

use super::{
    Grid,
    body::{Body, Caching, Envelope},
    snapshot::Snapshot,
};
use crate::problem::Problem;

pub(super) const JSON: &str = "application/json";

/// Makes and sends the JSON of something in a state of the grid.
pub(super) async fn send<T: Serialize + Send + 'static>(
    grid: &Grid,
    headers: &HeaderMap,
    snapshot: &Snapshot,
    listing: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<Response, Problem> {
    let made = grid.make(move || listing().map(|listing| serde_json::to_vec(&listing)));
    let body = made.await??;
    let body = Body::new(body.unwrap_or_default());
    let envelope = Envelope {
        content_type: JSON,
        epoch: &snapshot.header,
        caching: Caching::Revalidate,
    };
    body.respond(grid, headers, &envelope).await
}
