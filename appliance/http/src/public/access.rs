//! Whether a wallet may have a model's content or enter a parcel, with the proof for whoever does
//! not believe the box. What nobody proved is said to be told. `docs/ACCESS.md` describes it.

use std::sync::{Arc, PoisonError};

use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use seedbox_core::{Access, Basis, PassProof};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Public, fresh,
    grid::{hex_of, parse_parcel},
    publicly,
};
use crate::{OrderError, client_address::ClientAddress, extract, problem::Problem};

/// Whether a wallet has access, as of one block. All bytes are `0x` and lower-case digits.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Access)]
struct Answer {
    /// What was asked about, as the AccessPass contract numbers it: a model's token ID, or a
    /// parcel's plus 2^255.
    subject: String,
    /// The wallet.
    wallet: String,
    /// Whether it has access at `block`.
    allowed: bool,
    /// How the box knows.
    how: How,
    /// Who vouches for `block` and for which gate the model has: `unproved`, `rpc`, `quorum`,
    /// `signed` or `finalized`. What is `told` is worth no more than who tells it.
    #[schema(example = "rpc")]
    trust: &'static str,
    /// The block that this is true of.
    block: Block,
    /// When the chain last confirmed what the box knows; Unix seconds.
    observed_at: u64,
    /// Seconds since then.
    age: u64,
    /// The contract that decides; null if the model is free.
    #[schema(required)]
    gate: Option<String>,
    /// When the pass ends or ended, in Unix seconds; null if there never was one or if no pass
    /// decides.
    #[schema(required)]
    expiry: Option<u64>,
    /// Who told it; null if nobody had to be believed.
    #[schema(required)]
    told: Option<Told>,
    /// The proof of the pass, or of its absence; null if no pass decides.
    #[schema(required)]
    proof: Option<Proof>,
}

/// How the box knows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AccessBasis)]
enum How {
    /// The model has no gate.
    Free,
    /// By a proof against the block's state root.
    Proved,
    /// Endpoints say so.
    Told,
}

/// Endpoints that say the same.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessTold)]
struct Told {
    /// How many say so.
    agree: u8,
    /// How many were asked.
    of: u8,
}

/// A block.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessBlock)]
struct Block {
    /// Height.
    number: u64,
    /// Hash.
    hash: String,
    /// When it was made, Unix seconds: what the expiry is compared with.
    timestamp: u64,
}

/// When a pass ends, provably (EIP-1186).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PassProof)]
struct Proof {
    /// The block's header in RLP; its Keccak-256 is the block's hash.
    header_rlp: String,
    /// Address of the AccessPass contract.
    account: String,
    /// RLP nodes from the block's state root to the account.
    account_proof: Vec<String>,
    /// The account's storage root.
    storage_hash: String,
    /// Slot of the passes' mapping.
    slot: String,
    /// Storage key: Keccak-256 of the wallet and the Keccak-256 of subject and slot.
    key: String,
    /// The stored word: the expiry, zero if there never was a pass.
    value: String,
    /// RLP nodes from the storage root to the word.
    storage_proof: Vec<String>,
}

/// Whether a wallet may have a model's content, at the newest block that the box can prove
/// anything of. A client has 240 questions of access at once and ten more a second.
#[utoipa::path(get, path = "/v1/models/{info_hash}/access/{wallet}", tag = "access",
    params(
        ("info_hash" = String, Path, description = "40 hexadecimal or 32 base32 characters."),
        ("wallet" = String, Path, description = "The wallet's address."),
    ),
    responses(
        (status = 200, body = Answer, description = "Whether it may, and how the box knows."),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such model is published."),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many questions."),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "It cannot be known now; this is no \"no\"."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
async fn model_access(
    State(public): State<Arc<Public>>,
    Extension(client): Extension<ClientAddress>,
    Path((info_hash, wallet)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (info_hash, wallet) = (extract::info_hash(&info_hash)?, extract::wallet(&wallet)?);
    public.admit(client)?;
    let access = public.appliance.model_access(info_hash, wallet).await;
    public.tell(access)
}

/// Whether a wallet has a pass to a parcel. Whom its owner lets in otherwise is not on the chain.
/// A client has 240 questions of access at once and ten more a second.
#[utoipa::path(get, path = "/v1/parcels/{x}/{y}/access/{wallet}", tag = "access",
    params(
        ("x" = i16, Path, description = "West to east."),
        ("y" = i16, Path, description = "South to north."),
        ("wallet" = String, Path, description = "The wallet's address."),
    ),
    responses(
        (status = 200, body = Answer, description = "Whether it has, and how the box knows."),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "The deployment has no AccessPass contract."),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many questions."),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "It cannot be known now; this is no \"no\"."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
async fn parcel_access(
    State(public): State<Arc<Public>>,
    Extension(client): Extension<ClientAddress>,
    Path((x, y, wallet)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let (parcel, wallet) = (parse_parcel(&x, &y)?, extract::wallet(&wallet)?);
    public.admit(client)?;
    let access = public.appliance.parcel_access(parcel, wallet).await;
    public.tell(access)
}

/// All routes about access.
pub(super) fn routes() -> OpenApiRouter<Arc<Public>> {
    OpenApiRouter::new()
        .routes(routes!(model_access))
        .routes(routes!(parcel_access))
}

impl Public {
    /// Counts a question that may cost the box one of its own against the client's share.
    pub(super) fn admit(&self, client: ClientAddress) -> Result<(), Problem> {
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(client.network(), Instant::now())
            .map_err(|wait| Problem::too_many(wait.as_secs().saturating_add(1)))
    }

    fn tell(&self, access: Result<Access, OrderError>) -> Result<Response, Problem> {
        let access = access.map_err(publicly)?;
        let age = self.clock.now().seconds_since(access.observed_at);
        // The next block may say otherwise.
        Ok(fresh(&Answer::new(&access, age)))
    }
}

impl Answer {
    fn new(access: &Access, age: u64) -> Self {
        let (how, gate, told, proof) = match &access.basis {
            Basis::Free => (How::Free, None, None, None),
            Basis::Proved(proof) => (How::Proved, Some(proof.account), None, Some(proof)),
            Basis::Told { gate, agree, of } => {
                let (agree, of) = (*agree, *of);
                (How::Told, Some(*gate), Some(Told { agree, of }), None)
            }
        };
        Answer {
            subject: hex_of(&access.subject.number()),
            wallet: hex_of(&access.wallet.0),
            allowed: access.allowed,
            how,
            trust: access.trust.map_or("unproved", |trust| trust.name()),
            block: Block {
                number: access.block.number,
                hash: hex_of(&access.block.hash),
                timestamp: access.block.timestamp.0,
            },
            observed_at: access.observed_at.0,
            age,
            gate: gate.map(|gate| hex_of(&gate.0)),
            expiry: proof
                .and_then(|proof| proof.expiry())
                .map(|expiry| expiry.0),
            told,
            proof: proof.map(|proof| Proof::from(proof.as_ref())),
        }
    }
}

impl From<&PassProof> for Proof {
    fn from(proof: &PassProof) -> Self {
        let all = |nodes: &[Vec<u8>]| nodes.iter().map(|node| hex_of(node)).collect();
        Proof {
            header_rlp: hex_of(&proof.header_rlp),
            account: hex_of(&proof.account.0),
            account_proof: all(&proof.account_proof),
            storage_hash: hex_of(&proof.storage_hash),
            slot: hex_of(&proof.slot),
            key: hex_of(&proof.key),
            value: hex_of(&proof.value),
            storage_proof: all(&proof.storage_proof),
        }
    }
}
