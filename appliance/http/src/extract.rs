//! Reading requests so that what is wrong with them is told as a problem.

use axum::{
    extract::{FromRequest, Request, rejection::JsonRejection},
    http::StatusCode,
};
use seedbox_core::{InfoHash, WalletAddress};
use serde::de::DeserializeOwned;

use crate::problem::{Problem, ProblemType};

/// A JSON body of the given shape.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let axum::Json(value) = axum::Json::from_request(request, state)
            .await
            .map_err(|rejection| unreadable(&rejection))?;
        Ok(Json(value))
    }
}

fn unreadable(rejection: &JsonRejection) -> Problem {
    let status = rejection.status();
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            ProblemType::TooLarge,
            "The request's body is larger than the 64 KiB that the box accepts.",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Problem::new(
            ProblemType::UnsupportedMediaType,
            "Send the body as application/json.",
        ),
        _ => Problem::new(ProblemType::InvalidRequest, rejection.body_text()).with_status(status),
    }
}

/// An info hash out of a path.
pub(crate) fn info_hash(text: &str) -> Result<InfoHash, Problem> {
    text.parse().map_err(invalid)
}

/// A wallet address out of a path or body.
pub(crate) fn wallet(text: &str) -> Result<WalletAddress, Problem> {
    text.trim().parse().map_err(invalid)
}

fn invalid(error: impl std::fmt::Display) -> Problem {
    Problem::new(ProblemType::InvalidRequest, error.to_string())
}
