//! Votes: anybody posts one, lists a proposal's, and recounts them. What makes two boxes comparable is
//! that equal collections have equal digests. `docs/VOTES.md` describes it.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use seedbox_core::votes::{CountedVote, Proposal, SignedVote, Vote, count, set_digest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Public, fresh, grid::hex_of, publicly};
use crate::{
    client_address::ClientAddress,
    extract::{self, Json},
    problem::{Problem, ProblemType},
};

/// A vote as its voter signed it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Posted {
    /// `0x` and 64 digits: measure, block, and the beginning of the text's hash.
    proposal: String,
    /// Which of the proposal's choices.
    choice: u8,
    /// The voter's address.
    voter: String,
    /// `0x` and 130 digits: r, s, v.
    signature: String,
}

/// Whether a posted vote is new here.
#[derive(Serialize, ToSchema)]
struct Taken {
    /// False if the box had it, or one of this voter that counts before it.
    new: bool,
}

/// A proposal of which there are votes.
#[derive(Serialize, ToSchema)]
struct Listed {
    /// Its 32 bytes.
    proposal: String,
    /// How many votes the box has.
    votes: u64,
}

/// The votes of a proposal.
#[derive(Serialize, ToSchema)]
#[schema(as = Votes)]
struct Collection {
    /// Its 32 bytes.
    proposal: String,
    /// What a weight is: `cybr` (smallest units) or `land` (parcels).
    measure: &'static str,
    /// The height at which it is measured.
    block: u64,
    /// SHA-256 over the sorted hashes: another box with the same has the same votes.
    digest: String,
    /// The outcome, by choice.
    tally: Vec<Counted>,
    /// All votes, by hash.
    votes: Vec<Listing>,
}

/// How many voted for a choice.
#[derive(Serialize, ToSchema)]
struct Counted {
    /// The choice.
    choice: u8,
    /// Voters.
    votes: u64,
    /// The sum of their weights, in decimal digits.
    weight: String,
}

/// A vote of a collection.
#[derive(Serialize, ToSchema)]
#[schema(as = CountedVote)]
struct Listing {
    /// What was signed (EIP-712).
    hash: String,
    /// Which of the proposal's choices.
    choice: u8,
    /// The voter's address.
    voter: String,
    /// r, s, v.
    signature: String,
    /// What the voter held, as this box was told, in decimal digits.
    weight: String,
}

/// Takes a vote, if its voter signed it and held something at the proposal's block. Of several of one
/// voter the one with the lowest hash counts. A client has 240 votes at once and ten more a second,
/// shared with its questions of access.
#[utoipa::path(post, path = "/v1/votes", tag = "votes", request_body = Posted,
    responses(
        (status = 201, body = Taken, description = "It counts from now on."),
        (status = 200, body = Taken, description = "The box had it, or one that counts before it."),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "It cannot count; the text says why."),
        (status = 429, body = Problem, content_type = "application/problem+json", description = "Too many."),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "What the voter held cannot be known now, or the box keeps no more."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
async fn post_vote(
    State(public): State<Arc<Public>>,
    Extension(client): Extension<ClientAddress>,
    Json(posted): Json<Posted>,
) -> Result<Response, Problem> {
    let vote = Vote {
        proposal: proposal(&posted.proposal)?,
        choice: posted.choice,
        voter: extract::wallet(&posted.voter)?,
    };
    let signature = bytes(&posted.signature, "signature")?;
    public.admit(client)?;
    let signed = SignedVote { vote, signature };
    let new = public.appliance.vote(signed).await.map_err(publicly)?;
    let status = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, axum::Json(Taken { new })).into_response())
}

/// The proposals of which the box has votes.
#[utoipa::path(get, path = "/v1/votes", tag = "votes",
    responses(
        (status = 200, body = Vec<Listed>, description = "By proposal."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything that went wrong."),
    ))]
async fn proposals(
    State(public): State<Arc<Public>>,
    Extension(client): Extension<ClientAddress>,
) -> Result<Response, Problem> {
    public.admit(client)?;
    let proposals = public.appliance.proposals().await.map_err(publicly)?;
    let listed = proposals.iter().map(|(proposal, votes)| Listed {
        proposal: hex_of(proposal.bytes()),
        votes: *votes,
    });
    Ok(fresh(&listed.collect::<Vec<_>>()))
}

/// All votes of a proposal, to be recounted by whoever likes; none is no error.
#[utoipa::path(get, path = "/v1/votes/{proposal}", tag = "votes",
    params(("proposal" = String, Path, description = "`0x` and 64 digits.")),
    responses(
        (status = 200, body = Collection, description = "The votes, their digest, and the outcome."),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "This is no proposal."),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "Anything else that went wrong."),
    ))]
async fn votes(
    State(public): State<Arc<Public>>,
    Extension(client): Extension<ClientAddress>,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let proposal = proposal(&text)?;
    public.admit(client)?;
    let votes = public.appliance.votes(proposal).await.map_err(publicly)?;
    Ok(fresh(&Collection::new(proposal, &votes)))
}

/// All routes about votes.
pub(super) fn routes() -> OpenApiRouter<Arc<Public>> {
    OpenApiRouter::new()
        .routes(routes!(proposals, post_vote))
        .routes(routes!(votes))
}

fn proposal(text: &str) -> Result<Proposal, Problem> {
    Proposal::parse(bytes(text, "proposal")?).ok_or_else(|| {
        let text = "The proposal names no measure: its first byte is 1 (CYBR) or 2 (land).";
        Problem::new(ProblemType::InvalidRequest, text)
    })
}

fn bytes<const N: usize>(text: &str, what: &str) -> Result<[u8; N], Problem> {
    let digits = text
        .strip_prefix("0x")
        .and_then(|digits| hex::decode(digits).ok());
    digits
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| {
            let text = format!("`{what}` is `0x` and {} hexadecimal digits.", 2 * N);
            Problem::new(ProblemType::InvalidRequest, text)
        })
}

impl Collection {
    fn new(proposal: Proposal, votes: &[CountedVote]) -> Self {
        let tally = count(votes).into_iter().map(|(choice, tally)| Counted {
            choice,
            votes: tally.votes,
            weight: tally.weight.to_string(),
        });
        Self {
            proposal: hex_of(proposal.bytes()),
            measure: proposal.measure().name(),
            block: proposal.block(),
            digest: hex_of(&set_digest(votes.iter().map(|vote| vote.hash).collect())),
            tally: tally.collect(),
            votes: votes.iter().map(Listing::new).collect(),
        }
    }
}

impl Listing {
    fn new(counted: &CountedVote) -> Self {
        let SignedVote { vote, signature } = &counted.signed;
        Self {
            hash: hex_of(&counted.hash),
            choice: vote.choice,
            voter: hex_of(&vote.voter.0),
            signature: hex_of(signature),
            weight: counted.weight.to_string(),
        }
    }
}
