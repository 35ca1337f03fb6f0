//! Updates of the box's system.

use seedbox_core as core;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where an update is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpdatePhase {
    /// Nothing is going on.
    Idle,
    /// A bundle is being taken in: `received` of `size` bytes.
    Receiving,
    /// Its signature is being checked.
    Verifying,
    /// It may be installed.
    Verified,
    /// It is being written to the other slot: `percent`.
    Installing,
    /// The next start of the machine tries it, at `restart_at` if that was said.
    Installed,
    /// It runs, and has not shown yet that it works.
    Trying,
}

/// What became of the last update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateResult {
    /// The new system works and stays.
    Confirmed,
    /// The new system did not work; the box went back to the one before.
    RolledBack,
    /// It was not taken or not installed.
    Failed,
}

/// Updates of the box's system.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Update {
    /// Whether the box can replace its own system; if not, it is updated the way it was installed.
    pub supported: bool,
    /// Version of the running system.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// The slot that the running system was started from, once known.
    #[schema(required)]
    pub slot: Option<String>,
    /// What is going on.
    pub phase: UpdatePhase,
    /// The bundle that this is about.
    #[schema(required)]
    pub bundle: Option<UpdateBundle>,
    /// Bytes taken in so far, while receiving.
    #[schema(required)]
    pub received: Option<u64>,
    /// Bytes in all, while receiving and where that is known.
    #[schema(required)]
    pub size: Option<u64>,
    /// How far, 0 to 100, while installing and where that is known.
    #[schema(required)]
    pub percent: Option<u8>,
    /// When the box restarts into what is installed, Unix seconds; null if that was not said.
    #[schema(required)]
    pub restart_at: Option<u64>,
    /// Files on disks plugged into the box that may be bundles.
    pub found: Vec<FoundBundle>,
    /// What became of the last update.
    #[schema(required)]
    pub last: Option<LastUpdate>,
}

/// A bundle whose signature is right.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UpdateBundle {
    /// Version of the system in it.
    pub version: String,
    /// What its makers say about it; empty if nothing or no longer known.
    pub notes: String,
    /// Older than what runs.
    pub downgrade: bool,
}

/// A file that may be a bundle, not looked into yet.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FoundBundle {
    /// Where it is.
    pub path: String,
    /// Bytes.
    pub size: u64,
}

/// What became of the last update.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LastUpdate {
    /// In a word.
    pub result: UpdateResult,
    /// Which version; null if it could not be read.
    #[schema(required)]
    pub version: Option<String>,
    /// Why it is not running.
    #[schema(required)]
    pub reason: Option<String>,
    /// When that was known, Unix seconds.
    pub at: u64,
}

/// Takes in a bundle that was found on a disk.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FetchUpdateRequest {
    /// Its `path` as in `found`.
    pub path: String,
}

/// Installs the bundle that was taken in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstallUpdateRequest {
    /// The owner's word that it may be older than what runs.
    #[serde(default)]
    pub allow_downgrade: bool,
}

/// Restarts the box into what was installed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestartRequest {
    /// When, Unix seconds, within 30 days; null for now.
    pub at: Option<u64>,
}

impl From<&core::Bundle> for UpdateBundle {
    fn from(bundle: &core::Bundle) -> Self {
        UpdateBundle {
            version: bundle.version.clone(),
            notes: bundle.notes.clone(),
            downgrade: bundle.downgrade,
        }
    }
}

/// A version of which no more is known.
fn named(version: &str) -> UpdateBundle {
    UpdateBundle {
        version: version.to_owned(),
        notes: String::new(),
        downgrade: false,
    }
}

impl From<&core::UpdateStatus> for Update {
    fn from(status: &core::UpdateStatus) -> Self {
        use core::UpdatePhase as Theirs;
        let mut update = Update {
            supported: status.supported,
            version: status.version.clone(),
            slot: status.slot.clone(),
            phase: UpdatePhase::Idle,
            bundle: None,
            received: None,
            size: None,
            percent: None,
            restart_at: None,
            found: status.found.iter().map(FoundBundle::from).collect(),
            last: status.outcome.as_ref().map(LastUpdate::from),
        };
        update.phase = match &status.phase {
            Theirs::Idle => UpdatePhase::Idle,
            Theirs::Receiving { received, size } => {
                (update.received, update.size) = (Some(*received), *size);
                UpdatePhase::Receiving
            }
            Theirs::Verifying => UpdatePhase::Verifying,
            Theirs::Verified(bundle) => {
                update.bundle = Some(bundle.into());
                UpdatePhase::Verified
            }
            Theirs::Installing { bundle, percent } => {
                update.bundle = Some(bundle.into());
                update.percent = *percent;
                UpdatePhase::Installing
            }
            Theirs::Installed {
                version,
                restart_at,
            } => {
                update.bundle = Some(named(version));
                update.restart_at = restart_at.map(|at| at.0);
                UpdatePhase::Installed
            }
            Theirs::Trying { version } => {
                update.bundle = Some(named(version));
                UpdatePhase::Trying
            }
        };
        update
    }
}

impl From<&core::FoundBundle> for FoundBundle {
    fn from(found: &core::FoundBundle) -> Self {
        FoundBundle {
            path: found.path.clone(),
            size: found.size,
        }
    }
}

impl From<&core::UpdateOutcome> for LastUpdate {
    fn from(outcome: &core::UpdateOutcome) -> Self {
        use core::UpdateOutcome as Theirs;
        match outcome {
            Theirs::Confirmed { version, at } => LastUpdate {
                result: UpdateResult::Confirmed,
                version: Some(version.clone()),
                reason: None,
                at: at.0,
            },
            Theirs::RolledBack {
                version,
                reason,
                at,
            } => LastUpdate {
                result: UpdateResult::RolledBack,
                version: Some(version.clone()),
                reason: Some(reason.clone()),
                at: at.0,
            },
            Theirs::Failed {
                version,
                reason,
                at,
            } => LastUpdate {
                result: UpdateResult::Failed,
                version: version.clone(),
                reason: Some(reason.clone()),
                at: at.0,
            },
        }
    }
}
