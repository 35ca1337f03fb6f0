//! Every "no" on the wire as RFC 9457 problem JSON, in words that the owner can act on.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use seedbox_core::RefusalReason;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Error, OrderError, dto::RefusalCode};

/// Media type of every error.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// What kind of problem, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProblemType {
    /// The request itself is wrong.
    InvalidRequest,
    /// No valid session: log in.
    Unauthenticated,
    /// The box has no owner yet: claim it first.
    Unclaimed,
    /// The box already has an owner.
    AlreadyClaimed,
    /// The claim code is not the box's.
    WrongCode,
    /// The password is not the owner's.
    WrongPassword,
    /// The new password cannot be used.
    UnusablePassword,
    /// The order needs the password given anew: log in again.
    Reauthenticate,
    /// Another website sent the request.
    CrossOrigin,
    /// The request was meant for another host.
    Misdirected,
    /// Nothing is there.
    NotFound,
    /// It was there, and is no more.
    Gone,
    /// The method does not apply here.
    MethodNotAllowed,
    /// The request took too long to arrive.
    Timeout,
    /// The request is too large.
    TooLarge,
    /// The body is not JSON by its content type.
    UnsupportedMediaType,
    /// It contradicts the present state.
    Conflict,
    /// The box refuses to store something; see `refusal`.
    Refused,
    /// Too many attempts; wait `retry_after` seconds.
    TooManyRequests,
    /// Not now; try again.
    Unavailable,
    /// The box failed.
    Internal,
}

impl ProblemType {
    fn status(self) -> StatusCode {
        match self {
            ProblemType::InvalidRequest | ProblemType::UnusablePassword => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            ProblemType::Unauthenticated => StatusCode::UNAUTHORIZED,
            ProblemType::Unclaimed
            | ProblemType::WrongCode
            | ProblemType::WrongPassword
            | ProblemType::Reauthenticate
            | ProblemType::CrossOrigin => StatusCode::FORBIDDEN,
            ProblemType::AlreadyClaimed | ProblemType::Conflict | ProblemType::Refused => {
                StatusCode::CONFLICT
            }
            ProblemType::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            ProblemType::NotFound => StatusCode::NOT_FOUND,
            ProblemType::Gone => StatusCode::GONE,
            ProblemType::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ProblemType::Timeout => StatusCode::REQUEST_TIMEOUT,
            ProblemType::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ProblemType::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ProblemType::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            ProblemType::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ProblemType::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn title(self) -> &'static str {
        match self {
            ProblemType::InvalidRequest => "The request is not valid",
            ProblemType::Unauthenticated => "Not logged in",
            ProblemType::Unclaimed => "The box has no owner yet",
            ProblemType::AlreadyClaimed => "The box already has an owner",
            ProblemType::WrongCode => "Wrong claim code",
            ProblemType::WrongPassword => "Wrong password",
            ProblemType::UnusablePassword => "Unusable password",
            ProblemType::Reauthenticate => "The password is needed again",
            ProblemType::CrossOrigin => "Sent by another website",
            ProblemType::Misdirected => "Not this box's name",
            ProblemType::NotFound => "Not found",
            ProblemType::Gone => "No longer there",
            ProblemType::MethodNotAllowed => "Method not allowed",
            ProblemType::Timeout => "Too slow",
            ProblemType::TooLarge => "Too large",
            ProblemType::UnsupportedMediaType => "Not JSON",
            ProblemType::Conflict => "Contradicts the present state",
            ProblemType::Refused => "The box refuses",
            ProblemType::TooManyRequests => "Too many attempts",
            ProblemType::Unavailable => "Not available now",
            ProblemType::Internal => "The box failed",
        }
    }

    /// The kind and words for an error that something below made without saying more.
    fn of(status: StatusCode) -> (Self, &'static str) {
        match status {
            StatusCode::NOT_FOUND => (ProblemType::NotFound, "There is nothing at this address."),
            StatusCode::METHOD_NOT_ALLOWED => (
                ProblemType::MethodNotAllowed,
                "This address does not answer to this method.",
            ),
            StatusCode::REQUEST_TIMEOUT => (
                ProblemType::Timeout,
                "The request took too long. Try again.",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => (
                ProblemType::TooLarge,
                "The request's body is larger than the box accepts.",
            ),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (
                ProblemType::UnsupportedMediaType,
                "Send the body as application/json.",
            ),
            StatusCode::FORBIDDEN => (
                ProblemType::CrossOrigin,
                "Another website sent this request. Open the box's own page and try again.",
            ),
            status if status.is_client_error() => (
                ProblemType::InvalidRequest,
                "The request could not be understood.",
            ),
            _ => (
                ProblemType::Internal,
                "The box failed to answer. Its journal says why.",
            ),
        }
    }
}

/// An RFC 9457 problem.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct Problem {
    /// What kind of problem, for programs.
    #[serde(rename = "type")]
    pub(crate) kind: ProblemType,
    /// The kind in words.
    pub(crate) title: String,
    /// HTTP status.
    pub(crate) status: u16,
    /// What went wrong here, and what to do.
    pub(crate) detail: String,
    /// Why the box refuses to store something, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<RefusalCode>,
    /// Seconds to wait before the next attempt; also the Retry-After header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<u64>,
}

impl Problem {
    /// A problem of a kind, with what happened.
    pub(crate) fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Problem {
            kind,
            title: kind.title().to_owned(),
            status: kind.status().as_u16(),
            detail: detail.into(),
            refusal: None,
            retry_after: None,
        }
    }

    /// Too many attempts; the next is welcome in `seconds`.
    pub(crate) fn too_many(seconds: u64) -> Self {
        let detail = format!("Too many attempts. Wait {seconds} s, then try again.");
        Problem {
            retry_after: Some(seconds),
            ..Problem::new(ProblemType::TooManyRequests, detail)
        }
    }

    /// The same problem with another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Problem {
            status: status.as_u16(),
            ..self
        }
    }

    /// A refusal to store something, told to the owner.
    pub(crate) fn refused(reason: &RefusalReason) -> Self {
        Problem::refused_with(reason, reason.to_string())
    }

    /// A refusal to store something, told to a visitor.
    pub(crate) fn refused_publicly(reason: &RefusalReason) -> Self {
        Problem::refused_with(reason, public_words(reason))
    }

    fn refused_with(reason: &RefusalReason, detail: String) -> Self {
        use RefusalReason as Reason;
        let status = match reason {
            Reason::QuotaFull { .. }
            | Reason::OwnershipUncertain { .. }
            | Reason::NoVolume { .. }
            | Reason::DiskFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
            Reason::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Reason::TooLargeForCache { .. }
            | Reason::TooLargeForModel { .. }
            | Reason::NotOnChain
            | Reason::BadMetainfo { .. }
            | Reason::NotAsPublished { .. }
            | Reason::NoPeers { .. } => StatusCode::CONFLICT,
        };
        Problem {
            refusal: Some(RefusalCode::from(reason)),
            ..Problem::new(ProblemType::Refused, detail).with_status(status)
        }
    }
}

/// The reason of a refusal without what only the owner should read, such as folders.
pub(crate) fn public_words(reason: &RefusalReason) -> String {
    match reason {
        RefusalReason::NoVolume { .. } => "the box has no data volume at the moment".to_owned(),
        other => other.to_string(),
    }
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Invalid(detail) => Problem::new(ProblemType::InvalidRequest, detail),
            OrderError::NotFound(detail) => Problem::new(ProblemType::NotFound, detail),
            OrderError::Conflict(detail) => Problem::new(ProblemType::Conflict, detail),
            OrderError::Refused(reason) => Problem::refused(&reason),
            OrderError::TooLarge(detail) => Problem::new(ProblemType::TooLarge, detail),
            OrderError::NoRoom(detail) => Problem::new(ProblemType::Unavailable, detail)
                .with_status(StatusCode::INSUFFICIENT_STORAGE),
            OrderError::Unavailable(detail) => Problem::new(ProblemType::Unavailable, detail),
            OrderError::Failed(detail) => {
                tracing::error!(%detail, "an order failed");
                Problem::new(ProblemType::Internal, detail)
            }
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "a request failed");
        let detail = "The box could not read or write its memory. Its journal says why.";
        Problem::new(ProblemType::Internal, detail)
    }
}

impl From<seedbox_store::Error> for Problem {
    fn from(error: seedbox_store::Error) -> Self {
        Problem::from(Error::from(error))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Turns errors that a layer or axum itself wrote as text into problems; keeps their headers
/// (`Allow`, for one).
pub(crate) async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    // What is JSON was written here on purpose: a problem, or a health report.
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == PROBLEM_JSON || kind == "application/json");
    if !is_error || is_json {
        return response;
    }
    let (kind, detail) = ProblemType::of(status);
    let problem = Problem::new(kind, detail).with_status(status);
    let (mut parts, _) = response.into_parts();
    let (problem, body) = problem.into_response().into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(problem.headers);
    Response::from_parts(parts, Body::new(body))
}
