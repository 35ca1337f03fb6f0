//! Updates of the box's whole system, in words: what is there, what is going on, what became of
//! the last one.

use serde::{Deserialize, Serialize};

use crate::{AlertId, Concern, Severity, UnixTime};

/// What the updater tells about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UpdateStatus {
    /// Whether this box can replace its own system at all.
    pub supported: bool,
    /// Version of the running system.
    pub version: String,
    /// Name of the slot that the running system was started from, once known.
    pub slot: Option<String>,
    /// What is going on.
    pub phase: UpdatePhase,
    /// Bundles on disks plugged into the box.
    pub found: Vec<FoundBundle>,
    /// What became of the last update.
    pub outcome: Option<UpdateOutcome>,
    /// Why no update can be installed at present, once that has lasted for some minutes.
    pub trouble: Option<String>,
}

impl UpdateStatus {
    /// What of it the owner should know without looking.
    pub fn concerns(&self) -> Vec<Concern> {
        let mut concerns = Vec::new();
        if let Some(UpdateOutcome::RolledBack {
            version, reason, ..
        }) = &self.outcome
        {
            concerns.push(Concern::new(
                AlertId::UpdateRolledBack,
                Severity::Attention,
                format!(
                    "The update to version {version} did not work: {reason}. The box runs version {} as before.",
                    self.version
                ),
                "Nothing is lost. Try again with a newer version, on the page System.",
            ));
        }
        if let UpdatePhase::Installed {
            version,
            restart_at,
        } = &self.phase
        {
            // Which hour that is, only the owner's own clock can say.
            let (words, advice) = match restart_at {
                None => (
                    format!("Version {version} is installed and waits for a restart."),
                    "Restart the box on the page System, when it suits you.",
                ),
                Some(_) => (
                    format!(
                        "Version {version} is installed, and a restart is planned: the box restarts by itself."
                    ),
                    "The page System says when. There you can also restart it now, or take the plan back.",
                ),
            };
            concerns.push(Concern::new(
                AlertId::UpdateWaits,
                Severity::Notice,
                words,
                advice,
            ));
        }
        if let Some(why) = &self.trouble {
            concerns.push(Concern::new(
                AlertId::UpdatesUnavailable,
                Severity::Attention,
                format!(
                    "The box cannot install updates at present: {why}. Everything else goes on as before."
                ),
                "Restart the box. If it still says so after some minutes, write a newer version to its \
                 card at a computer.",
            ));
        }
        concerns
    }
}

/// Where an update is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "phase")]
pub enum UpdatePhase {
    /// Nothing is going on.
    #[default]
    Idle,
    /// A bundle is being taken in.
    Receiving {
        /// Bytes so far.
        received: u64,
        /// Bytes in all, where that is known.
        size: Option<u64>,
    },
    /// A bundle is being checked.
    Verifying,
    /// A bundle is here, its signature is right, and it may be installed.
    Verified(Bundle),
    /// A bundle is being written to the other slot.
    Installing {
        /// Which.
        bundle: Bundle,
        /// How far, 0 to 100; `None` if the box was started anew meanwhile and does not hear it.
        percent: Option<u8>,
    },
    /// Installed; the next start of the machine tries it.
    Installed {
        /// Its version.
        version: String,
        /// When the box restarts by itself; `None` if the owner has not said.
        restart_at: Option<UnixTime>,
    },
    /// The new system runs and has not shown yet that it works.
    Trying {
        /// Its version.
        version: String,
    },
}

/// A bundle whose signature is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// Version of the system in it.
    pub version: String,
    /// What its makers say about it; empty if nothing.
    pub notes: String,
    /// Older than what runs: installed only if the owner says so.
    pub downgrade: bool,
}

/// A file that may be a bundle, not looked into yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundBundle {
    /// Where it is.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What became of an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum UpdateOutcome {
    /// The new system works and stays.
    Confirmed {
        /// Its version.
        version: String,
        /// When that was known.
        at: UnixTime,
    },
    /// The new system did not work; the box went back to the one before.
    RolledBack {
        /// The version that did not work.
        version: String,
        /// Why, as far as it is known.
        reason: String,
        /// When that was known.
        at: UnixTime,
    },
    /// It was not taken or not installed; the running system is as it was.
    Failed {
        /// The version, where it was read.
        version: Option<String>,
        /// Why.
        reason: String,
        /// When.
        at: UnixTime,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_rolled_back_is_a_concern_until_the_next_update() {
        let mut status = UpdateStatus {
            version: "0.1.0".into(),
            ..UpdateStatus::default()
        };
        assert!(status.concerns().is_empty());
        status.outcome = Some(UpdateOutcome::RolledBack {
            version: "0.2.0".into(),
            reason: "it did not start".into(),
            at: UnixTime(1),
        });
        let concerns = status.concerns();
        assert_eq!(concerns[0].id, AlertId::UpdateRolledBack);
        assert!(concerns[0].words.contains("0.2.0"));
        let version = "0.2.0".to_owned();
        status.outcome = Some(UpdateOutcome::Confirmed {
            version,
            at: UnixTime(2),
        });
        assert!(status.concerns().is_empty());
    }

    #[test]
    fn a_planned_restart_is_named() {
        let mut status = UpdateStatus::default();
        let mut words = |restart_at| {
            status.phase = UpdatePhase::Installed {
                version: "0.2.0".into(),
                restart_at,
            };
            status.concerns()[0].words.clone()
        };
        assert!(words(None).contains("waits for a restart"));
        assert!(words(Some(UnixTime(7))).contains("a restart is planned"));
    }

    #[test]
    fn that_no_update_can_be_installed_is_a_concern() {
        let status = UpdateStatus {
            trouble: Some("rauc does not answer".into()),
            ..UpdateStatus::default()
        };
        let concerns = status.concerns();
        assert_eq!(concerns[0].id, AlertId::UpdatesUnavailable);
        assert!(concerns[0].words.contains("rauc does not answer"));
    }
}
