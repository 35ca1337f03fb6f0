//! A visitor's request for a model, as the public listener tells it.

use seedbox_core::InfoHash;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::RefusalCode;
use crate::RequestState;

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ModelRequestState {
    /// The box fetches it or already holds it; compare `have` with `size`.
    Held,
    /// The request waits in the queue.
    Queued,
    /// The box does not store it; see `refusal`.
    Refused,
    /// The box was not asked for it and does not hold it.
    Unknown,
}

/// A model and what the box does about it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModelRequest {
    /// 40 hexadecimal characters.
    pub info_hash: String,
    /// Where the request stands.
    pub state: ModelRequestState,
    /// Content size, bytes; 0 while unknown.
    pub size: u64,
    /// Verified bytes that the box can give now.
    pub have: u64,
    /// Why it was refused, for programs.
    #[schema(required)]
    pub refusal: Option<RefusalCode>,
    /// Why it was refused, in words.
    #[schema(required)]
    pub detail: Option<String>,
}

impl ModelRequest {
    /// What a visitor is told about `info_hash`.
    pub fn new(info_hash: InfoHash, state: &RequestState) -> Self {
        let mut request = ModelRequest {
            info_hash: info_hash.to_string(),
            state: ModelRequestState::Unknown,
            size: 0,
            have: 0,
            refusal: None,
            detail: None,
        };
        match state {
            RequestState::Held(torrent) => {
                request.state = ModelRequestState::Held;
                request.size = torrent.size;
                request.have = torrent.have;
            }
            RequestState::Queued => request.state = ModelRequestState::Queued,
            RequestState::Refused(reason) => {
                request.state = ModelRequestState::Refused;
                request.refusal = Some(RefusalCode::from(reason));
                request.detail = Some(crate::problem::public_words(reason));
            }
            RequestState::Unknown => {}
        }
        request
    }
}
