//! Where the grid stands: which epoch, up to which block it holds, how much that is worth, and
//! where the rest is.

use std::sync::Arc;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use seedbox_core::{BlockRef, grid::EpochName};
use serde::Serialize;
use utoipa::ToSchema;

use super::{history::Current, json::hex_of};
use crate::{
    chain_trust,
    problem::{Problem, ProblemType},
    public::{Public, fresh},
};

/// The grid's current state.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GridHead)]
pub(super) struct Head {
    /// Name of the state: the block that changed it last, as `<number>-<first 8 bytes of its
    /// hash>`. It stays while nothing changes, and every box names the same state alike.
    #[schema(example = "19000000-1a2b3c4d5e6f7081")]
    epoch: String,
    /// That block; null on a grid on which nothing has happened.
    #[schema(required)]
    epoch_block: Option<Block>,
    /// The newest block at which the state was still the same.
    #[schema(required)]
    block: Option<Block>,
    /// When the box last heard from the chain that this is the newest; Unix seconds.
    #[schema(required)]
    observed_at: Option<u64>,
    /// Seconds since then.
    #[schema(required)]
    age: Option<u64>,
    /// Whether that is so long ago that the chain may have gone on: this is the last state that
    /// the box could prove, and there may be a newer one.
    stale: bool,
    /// EIP-155 chain ID.
    #[schema(required)]
    chain_id: Option<u64>,
    /// Who vouches for the block.
    #[schema(example = "rpc")]
    trust: String,
    /// Parcels minted.
    parcels: usize,
    /// Models published.
    models: usize,
    /// Where to go on, below this box's address.
    links: Links,
}

/// A block.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = GridBlock)]
struct Block {
    /// Height.
    number: u64,
    /// Hash, `0x` and 64 digits.
    hash: String,
    /// When it was made, Unix seconds.
    timestamp: u64,
}

/// Addresses of this state. `{…}` is to be filled in.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GridLinks)]
struct Links {
    world: String,
    chunk: String,
    proof: String,
    deltas: String,
    world_json: &'static str,
    chunk_json: &'static str,
    parcel_json: &'static str,
    owner_json: &'static str,
    tile: &'static str,
}

/// The problem of an epoch that the box does not have, with the one that it has.
#[derive(Serialize, ToSchema)]
#[schema(as = GridGone)]
pub(super) struct Gone {
    #[serde(flatten)]
    problem: Problem,
    /// The current state.
    head: Option<Head>,
}

/// Where the grid stands.
#[utoipa::path(get, path = "/grid/head", tag = "grid", responses(
    (status = 200, body = Head, description = "The current state."),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "The chain has not been read yet."),
))]
pub(super) async fn head(State(public): State<Arc<Public>>) -> Result<Response, Problem> {
    let current = public.grid.current()?;
    Ok(fresh(&Head::of(&public, &current)))
}

/// Why nothing can be said of an epoch.
pub(super) enum EpochError {
    Gone(Box<Gone>),
    Problem(Problem),
}

impl From<Problem> for EpochError {
    fn from(problem: Problem) -> Self {
        EpochError::Problem(problem)
    }
}

impl IntoResponse for EpochError {
    fn into_response(self) -> Response {
        let gone = match self {
            EpochError::Gone(gone) => gone,
            EpochError::Problem(problem) => return problem.into_response(),
        };
        let body = serde_json::to_vec(&gone).unwrap_or_default();
        let (mut parts, _) = gone.problem.into_response().into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(parts, body.into())
    }
}

/// That an epoch is not at hand, with the current one.
pub(super) fn gone(public: &Public, epoch: EpochName) -> EpochError {
    let detail = format!(
        "The box does not have epoch {epoch}, only the latest ones. Go on with `head.epoch`."
    );
    let current = public.grid.current().ok();
    EpochError::Gone(Box::new(Gone {
        problem: Problem::new(ProblemType::Gone, detail),
        head: current.map(|current| Head::of(public, &current)),
    }))
}

impl Head {
    fn of(public: &Public, current: &Current) -> Self {
        let chain = public.appliance.chain().borrow().clone();
        let grid = &current.grid;
        let confirmed = chain.as_of;
        // The status may be of a moment before the grid.
        let block = confirmed
            .map(|as_of| as_of.block)
            .filter(|block| grid.block.is_none_or(|read| read.number <= block.number))
            .or(grid.block);
        let observed_at = confirmed.map(|as_of| as_of.observed_at);
        let epoch = current.snapshot.name.to_string();
        Head {
            epoch_block: grid.changed.map(Block::from),
            block: block.map(Block::from),
            observed_at: observed_at.map(|at| at.0),
            age: observed_at.map(|at| public.clock.now().seconds_since(at)),
            stale: chain.stale,
            chain_id: chain.chain_id,
            trust: chain_trust::name(&chain).to_owned(),
            parcels: grid.parcels.len(),
            models: grid.models.len(),
            links: Links::of(&epoch),
            epoch,
        }
    }
}

impl Links {
    fn of(epoch: &str) -> Self {
        Links {
            world: format!("/grid/{epoch}/world"),
            chunk: format!("/grid/{epoch}/chunks/{{cx}}/{{cy}}"),
            proof: format!("/grid/{epoch}/{{x}}/{{y}}/proof"),
            deltas: format!("/grid/deltas?from={epoch}"),
            world_json: "/grid/world.json",
            chunk_json: "/grid/chunks/{cx}/{cy}.json",
            parcel_json: "/grid/parcels/{x}/{y}.json",
            owner_json: "/grid/owners/{address}.json",
            tile: "/grid/tiles/{zoom}/{tx}/{ty}.png",
        }
    }
}

impl From<BlockRef> for Block {
    fn from(block: BlockRef) -> Self {
        Block {
            number: block.number,
            hash: hex_of(&block.hash),
            timestamp: block.timestamp.0,
        }
    }
}
