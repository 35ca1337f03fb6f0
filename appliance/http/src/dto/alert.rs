//! What needs the owner.

use seedbox_core as core;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much something matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know; the box is well.
    Notice,
    /// The box does its job, but the owner should do something.
    Attention,
    /// A part of the box does not do its job.
    Failing,
}

/// Something that needs the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Which matter, a stable name that is unique in the list; what follows a colon says of what.
    #[schema(example = "volume-missing:0f3a")]
    pub id: String,
    /// How much it matters.
    pub severity: Severity,
    /// Since when, Unix seconds.
    pub since: u64,
    /// What is so.
    pub words: String,
    /// What to do about it; empty if only the box can do something.
    pub advice: String,
}

impl From<core::Severity> for Severity {
    fn from(severity: core::Severity) -> Self {
        match severity {
            core::Severity::Notice => Severity::Notice,
            core::Severity::Attention => Severity::Attention,
            core::Severity::Failing => Severity::Failing,
        }
    }
}

impl From<&core::Alert> for Alert {
    fn from(alert: &core::Alert) -> Self {
        let core::Concern {
            id,
            severity,
            words,
            advice,
        } = &alert.concern;
        Alert {
            id: id.to_string(),
            severity: (*severity).into(),
            since: alert.since.0,
            words: words.clone(),
            advice: advice.clone(),
        }
    }
}
