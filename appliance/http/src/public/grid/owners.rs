//! What a wallet owns: parcels, what stands on them, and where to get that.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Path, Query, State},
    http::HeaderMap,
    response::Response,
};
use seedbox_core::{LandGrid, Parcel, WalletAddress, grid::ChunkId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    json::{ModelWithLink, ParcelWithContent, hex_of, models},
    listing,
    snapshot::Snapshot,
};
use crate::{extract, problem::Problem, public::Public};

/// Parcels on a page, unless the client says otherwise, and at most.
const PAGE: usize = 100;
const LONGEST_PAGE: usize = 500;

/// Everybody's parcels, ascending.
pub(super) struct Owners(HashMap<WalletAddress, Vec<Parcel>>);

impl Owners {
    fn of(grid: &LandGrid) -> Self {
        let mut owners: HashMap<WalletAddress, Vec<Parcel>> = HashMap::new();
        for (parcel, state) in &grid.parcels {
            owners.entry(state.owner).or_default().push(*parcel);
        }
        Owners(owners)
    }
}

/// Which part of a long list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Begin behind the parcel with this token ID: `next` of the page before.
    after: Option<u32>,
    /// Parcels on the page, at most 500; 100 if not given.
    limit: Option<usize>,
}

/// What a wallet owns.
#[derive(Serialize, ToSchema)]
#[schema(as = GridOwner)]
pub(super) struct Property {
    /// The wallet, lower case.
    owner: String,
    /// The state that this is of.
    epoch: String,
    /// How many parcels it owns.
    total: usize,
    /// Those on this page, by ascending token ID, with what stands on them.
    parcels: Vec<ParcelWithContent>,
    /// The models that stand on them, by ascending ID, with their magnet links and gates.
    models: Vec<ModelWithLink>,
    /// What to give as `after` for the next page; null on the last.
    #[schema(required)]
    next: Option<u32>,
}

/// What a wallet owns: parcels, placements, models with their magnet links and gates, page by
/// page.
#[utoipa::path(get, path = "/grid/owners/{address}", tag = "grid",
    params(("address" = String, Path, description = "Wallet address; `.json` may follow."), Page),
    responses(
        (status = 200, body = Property, description = "A page of the wallet's property; of a stranger none."),
        (status = 304, description = "The client has it."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything that went wrong."),
    ))]
pub(super) async fn owner(
    State(public): State<Arc<Public>>,
    Path(address): Path<String>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let address = extract::wallet(address.strip_suffix(".json").unwrap_or(&address))?;
    let current = public.grid.current()?;
    let make = || {
        let grid = Arc::clone(&current.grid);
        public.grid.make(move || Owners::of(&grid))
    };
    let owners = current.owners.get_or_try_init(make).await?;
    let parcels = owners.0.get(&address).map_or(&[][..], Vec::as_slice);
    let total = parcels.len();
    let behind = |after| parcels.partition_point(|parcel| parcel.token_id() <= after);
    let parcels = &parcels[page.after.map_or(0, behind)..];
    let limit = page.limit.unwrap_or(PAGE).clamp(1, LONGEST_PAGE);
    let parcels: Vec<Parcel> = parcels.iter().take(limit + 1).copied().collect();

    let snapshot = Arc::clone(&current.snapshot);
    let property = move || Property::of(&snapshot, address, total, parcels, limit);
    listing::send(&public.grid, &headers, &current.snapshot, property).await
}

impl Property {
    /// `parcels` has one more than `limit` if there is a next page.
    fn of(
        snapshot: &Snapshot,
        owner: WalletAddress,
        total: usize,
        mut parcels: Vec<Parcel>,
        limit: usize,
    ) -> Result<Self, Problem> {
        let more = parcels.len() > limit;
        parcels.truncate(limit);
        let last = parcels.last().map(|parcel| parcel.token_id());
        let (mut listed, mut known) = (Vec::new(), std::collections::BTreeMap::new());
        for parcel in parcels {
            let mut chunk = snapshot.content(ChunkId::of(parcel))?;
            let Some(state) = chunk.parcels.remove(&parcel) else {
                continue;
            };
            for placement in &state.placements {
                if let Some(model) = chunk.models.remove(&placement.model) {
                    known.insert(model.id, model);
                }
            }
            listed.push(ParcelWithContent::new(parcel, &state, snapshot.changed_at));
        }
        Ok(Property {
            owner: hex_of(&owner.0),
            epoch: snapshot.name.to_string(),
            total,
            parcels: listed,
            models: models(&known),
            next: last.filter(|_| more),
        })
    }
}
