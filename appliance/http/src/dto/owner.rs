//! Claiming the box, logging in, the password.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether the box has an owner.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Claim {
    /// False until somebody typed the claim code and set a password.
    pub claimed: bool,
    /// Whether a claim code is awaited: nobody owns the box, or somebody held its button because
    /// the password is forgotten.
    pub claimable: bool,
}

/// Makes the sender the owner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimRequest {
    /// The 16 characters from the box's log, shown by `seedbox claim-code` too. Case, dashes and
    /// spaces do not
    /// matter; I and L are read as 1, O as 0.
    #[schema(example = "7Q2M-K9XD-4TWB-0HZR", max_length = 64)]
    pub code: String,
    /// The password to set, 8 to 1024 bytes in UTF-8.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    pub password: String,
}

/// Logs in, or proves again who is there.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The owner's password.
    #[schema(max_length = 1024, format = Password)]
    pub password: String,
}

/// Changes the password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The password so far.
    #[schema(max_length = 1024, format = Password)]
    pub current: String,
    /// The password to set, 8 to 1024 bytes in UTF-8.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    pub new: String,
}

/// Makes the box as new.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FactoryResetRequest {
    /// Whether the models go too that lie on other disks than the box's own.
    pub external_volumes: bool,
}

/// The session of the browser that asks. The token itself is only in the cookie.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// When the password was last given, Unix seconds. Some orders want this to be recent.
    pub authenticated_at: u64,
    /// When the session ends if it is not used, Unix seconds.
    pub expires_at: u64,
}
