//! A parcel's owner with the proof, for whoever does not believe the box.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use seedbox_core::ParcelProof;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    binary::epoch_name,
    head::{EpochError, gone},
    json::hex_of,
    map::parse_parcel,
};
use crate::{
    problem::Problem,
    public::{Public, fresh, publicly},
};

/// Who owns a parcel, provably (EIP-1186). All bytes are `0x` and lower-case digits.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GridProof)]
struct Proof {
    /// The block that this is the state of. It may be another than the epoch's.
    block: ProvedBlock,
    /// Address of the Land contract.
    account: String,
    /// RLP nodes from the block's state root to the account.
    account_proof: Vec<String>,
    /// The account's storage root.
    storage_hash: String,
    /// Slot of the token owners' mapping.
    slot: String,
    /// Storage key: Keccak-256 of token ID and slot.
    key: String,
    /// The stored word; zero for a parcel that is not minted.
    value: String,
    /// RLP nodes from the storage root to the word.
    storage_proof: Vec<String>,
    /// Whom the word names; null for a parcel that is not minted.
    #[schema(required)]
    owner: Option<String>,
    /// Who vouches for the block.
    trust: String,
}

/// A block with its header.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GridProvedBlock)]
struct ProvedBlock {
    /// Height.
    number: u64,
    /// Hash: Keccak-256 of the header.
    hash: String,
    /// The header in RLP.
    header_rlp: String,
}

/// Proves who owns a parcel. Only for the current epoch.
#[utoipa::path(get, path = "/grid/{epoch}/{x}/{y}/proof", tag = "grid",
    params(
        ("epoch" = String, Path, description = "As `/grid/head` names it."),
        ("x" = i16, Path, description = "West to east."),
        ("y" = i16, Path, description = "South to north."),
    ),
    responses(
        (status = 200, body = Proof, description = "The proof."),
        (status = 410, body = super::head::Gone, content_type = "application/problem+json", description = "This is not the current epoch; `head` is."),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "Not proved yet."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
pub(super) async fn parcel_proof(
    State(public): State<Arc<Public>>,
    Path((epoch, x, y)): Path<(String, String, String)>,
) -> Result<Response, EpochError> {
    let parcel = parse_parcel(&x, &y)?;
    let epoch = epoch_name(&epoch)?;
    let current = public.grid.current()?;
    if current.snapshot.name != epoch {
        return Err(gone(&public, epoch));
    }
    let proof = public.appliance.parcel_proof(parcel).await;
    let proof = proof.map_err(publicly)?;
    // The next one may be of a newer block.
    Ok(fresh(&Proof::from(&proof)))
}

impl From<&ParcelProof> for Proof {
    fn from(proof: &ParcelProof) -> Self {
        let all = |nodes: &[Vec<u8>]| nodes.iter().map(|node| hex_of(node)).collect();
        Proof {
            block: ProvedBlock {
                number: proof.block.number,
                hash: hex_of(&proof.block.hash),
                header_rlp: hex_of(&proof.header_rlp),
            },
            account: hex_of(&proof.account.0),
            account_proof: all(&proof.account_proof),
            storage_hash: hex_of(&proof.storage_hash),
            slot: hex_of(&proof.slot),
            key: hex_of(&proof.key),
            value: hex_of(&proof.value),
            storage_proof: all(&proof.storage_proof),
            owner: proof.owner.map(|owner| hex_of(&owner.0)),
            trust: proof.trust.name().to_owned(),
        }
    }
}
