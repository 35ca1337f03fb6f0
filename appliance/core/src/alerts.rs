//! What needs the owner, in one list. Services say what is the matter now, as [`Concern`]s; the
//! list remembers since when each has been so. Lights, panel and API all read this one list.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ChainStatus, Health, SeederStatus, TorrentState, UnixTime, VolumeState};

/// How much something matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know; the box is well.
    Notice,
    /// The box does its job, but the owner should do something.
    Attention,
    /// A part of the box does not do its job.
    Failing,
}

impl Severity {
    /// What it makes of the box's health.
    pub fn health(self) -> Health {
        match self {
            Self::Notice => Health::Well,
            Self::Attention => Health::Attention,
            Self::Failing => Health::Failing,
        }
    }
}

/// What is the matter, for programs; the first of equally grave ones speaks first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertId {
    /// A data volume is not in its place.
    VolumeMissing {
        /// The volume's identity, or its path before it has one.
        volume: String,
    },
    /// Nobody said whose land to secure.
    NoWallet,
    /// The chain is not followed as it should be.
    Chain,
    /// What is protected takes more than the quota.
    QuotaTooSmall {
        /// The volume's identity.
        volume: String,
    },
    /// Models of the owner's were refused.
    ModelsNotSecured,
    /// Torrents cannot go on.
    TorrentsStopped,
    /// The box does not know the time of day.
    ClockUnsure,
    /// The power supply is too weak.
    LowVoltage,
    /// The box is so hot that it slows down.
    TooHot,
    /// Light or button cannot be used.
    Pins,
    /// An update did not work, and the box runs what it ran before.
    UpdateRolledBack,
    /// An update waits for a restart.
    UpdateWaits,
    /// No update can be installed.
    UpdatesUnavailable,
    /// Whoever reads the new code may take the box over, for some minutes.
    ClaimWindow,
}

impl fmt::Display for AlertId {
    /// A stable name, unique in the list, like `volume-missing:0f3a`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VolumeMissing { volume } => write!(f, "volume-missing:{volume}"),
            Self::NoWallet => f.write_str("no-wallet"),
            Self::Chain => f.write_str("chain"),
            Self::QuotaTooSmall { volume } => write!(f, "quota-too-small:{volume}"),
            Self::ModelsNotSecured => f.write_str("models-not-secured"),
            Self::TorrentsStopped => f.write_str("torrents-stopped"),
            Self::ClockUnsure => f.write_str("clock-unsure"),
            Self::LowVoltage => f.write_str("low-voltage"),
            Self::TooHot => f.write_str("too-hot"),
            Self::Pins => f.write_str("pins"),
            Self::UpdateRolledBack => f.write_str("update-rolled-back"),
            Self::UpdateWaits => f.write_str("update-waits"),
            Self::UpdatesUnavailable => f.write_str("updates-unavailable"),
            Self::ClaimWindow => f.write_str("claim-window"),
        }
    }
}

/// Something that is the matter now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    /// Which matter.
    pub id: AlertId,
    /// How much it matters.
    pub severity: Severity,
    /// What is so, in one or two sentences.
    pub words: String,
    /// What the owner can do about it; empty if only the box can.
    pub advice: String,
}

impl Concern {
    /// A concern in words.
    pub fn new(
        id: AlertId,
        severity: Severity,
        words: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            id,
            severity,
            words: words.into(),
            advice: advice.into(),
        }
    }
}

/// A concern with its age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// What is the matter.
    pub concern: Concern,
    /// Since when the box has known.
    pub since: UnixTime,
}

/// Everything that needs the owner, gravest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alerts(Vec<Alert>);

impl Alerts {
    /// The alerts, gravest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Alert> {
        self.0.iter()
    }

    /// The gravest.
    pub fn worst(&self) -> Option<&Alert> {
        self.0.first()
    }

    /// The list after `concerns` replaced all that was the matter. What was already the matter
    /// keeps its age; of two concerns with one id the first stays.
    #[must_use]
    pub fn replaced(&self, mut concerns: Vec<Concern>, now: UnixTime) -> Self {
        let known = |id: &AlertId| self.0.iter().find(|alert| alert.concern.id == *id);
        concerns.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)));
        concerns.dedup_by(|later, first| later.id == first.id);
        let alerts = concerns.into_iter().map(|concern| Alert {
            since: known(&concern.id).map_or(now, |alert| alert.since.min(now)),
            concern,
        });
        Self(alerts.collect())
    }
}

/// The gravest of several concerns, the first of equally grave ones.
pub fn worst(concerns: &[Concern]) -> Option<&Concern> {
    concerns
        .iter()
        .min_by_key(|concern| (std::cmp::Reverse(concern.severity), &concern.id))
}

/// What is the matter with the seeder.
pub fn of_seeder(status: &SeederStatus) -> Vec<Concern> {
    use Severity::{Attention, Failing};
    let mut concerns = Vec::new();
    let missing = status
        .volumes
        .iter()
        .filter(|volume| volume.state != VolumeState::Ready)
        .count();
    for volume in &status.volumes {
        if let VolumeState::Missing(why) = &volume.state {
            concerns.push(Concern::new(
                AlertId::VolumeMissing {
                    volume: volume.id.clone(),
                },
                if missing == status.volumes.len() {
                    Failing
                } else {
                    Attention
                },
                format!("The data volume {} is missing: {why}", volume.path),
                "Put the disk back. Until then nothing is written in its place.",
            ));
        } else if volume.protected > volume.quota {
            concerns.push(Concern::new(
                AlertId::QuotaTooSmall {
                    volume: volume.id.clone(),
                },
                Attention,
                format!(
                    "What your land needs takes more than the quota of {}.",
                    volume.path
                ),
                "Raise the quota.",
            ));
        }
    }
    let refused = status.refusals.iter().filter(|r| r.protected).count();
    if refused > 0 {
        let words = match refused {
            1 => "One of your models is not secured.".to_owned(),
            n => format!("{n} of your models are not secured."),
        };
        let advice = "The list says why, and what helps.";
        concerns.push(Concern::new(
            AlertId::ModelsNotSecured,
            Attention,
            words,
            advice,
        ));
    }
    let failed = |torrent: &&crate::TorrentStatus| torrent.state == TorrentState::Failed;
    match status.torrents.iter().filter(failed).count() {
        0 => {}
        n => {
            let words = match n {
                1 => "One torrent cannot go on; the box tries again.".to_owned(),
                n => format!("{n} torrents cannot go on; the box tries again."),
            };
            let advice = "The list of torrents says why.";
            concerns.push(Concern::new(
                AlertId::TorrentsStopped,
                Attention,
                words,
                advice,
            ));
        }
    }
    concerns
}

/// What is the matter with the chain service.
pub fn of_chain(status: &ChainStatus) -> Vec<Concern> {
    let severity = match status.health {
        Health::Well | Health::Starting => return Vec::new(),
        Health::Attention => Severity::Attention,
        Health::Failing => Severity::Failing,
    };
    let advice = if status.chain_id.is_none() {
        "Give the box an Ethereum endpoint and the contracts: `rpc` and `deployment` in its \
         configuration; on a flashed card `rpc` under [settings] in its seedbox.toml, with \
         deployment.json beside it."
    } else {
        "If it lasts, look after the endpoints in the box's configuration. Nothing is deleted meanwhile."
    };
    vec![Concern::new(
        AlertId::Chain,
        severity,
        status.sentence.clone(),
        advice,
    )]
}

/// What is the matter with the owner's wallets, of which `linked` are watched.
pub fn of_wallets(linked: usize) -> Vec<Concern> {
    if linked > 0 {
        return Vec::new();
    }
    vec![Concern::new(
        AlertId::NoWallet,
        Severity::Attention,
        "The box does not know which land is yours, so it secures nothing of yours yet.",
        "Add a wallet.",
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VolumeStatus;

    fn concern(id: AlertId, severity: Severity) -> Concern {
        Concern::new(id, severity, "words", "advice")
    }

    #[test]
    fn the_gravest_comes_first_and_each_keeps_its_age() {
        use Severity::{Attention, Failing, Notice};
        let at = |alerts: &Alerts| -> Vec<(String, u64)> {
            let pairs = alerts
                .iter()
                .map(|alert| (alert.concern.id.to_string(), alert.since.0));
            pairs.collect()
        };
        let pair = |id: &str, since| (id.to_owned(), since);
        let first = Alerts::default().replaced(
            vec![
                concern(AlertId::TorrentsStopped, Notice),
                concern(AlertId::Chain, Attention),
            ],
            UnixTime(10),
        );
        assert_eq!(
            at(&first),
            [pair("chain", 10), pair("torrents-stopped", 10)]
        );
        let second = first.replaced(
            vec![
                concern(AlertId::NoWallet, Attention),
                concern(AlertId::TorrentsStopped, Failing),
                concern(AlertId::Chain, Attention),
                concern(AlertId::Chain, Attention),
            ],
            UnixTime(20),
        );
        assert_eq!(
            at(&second),
            [
                pair("torrents-stopped", 10),
                pair("no-wallet", 20),
                pair("chain", 10)
            ]
        );
        let again = Alerts::default()
            .replaced(Vec::new(), UnixTime(30))
            .replaced(vec![concern(AlertId::Chain, Attention)], UnixTime(40));
        assert_eq!(at(&again), [pair("chain", 40)]);
    }

    fn volume(id: &str, state: VolumeState) -> VolumeStatus {
        VolumeStatus {
            id: id.to_owned(),
            path: format!("/media/{id}"),
            state,
            quota: 10,
            protected: 11,
            community: 0,
            disk_free: None,
            reserve: 0,
        }
    }

    #[test]
    fn one_missing_disk_of_two_is_less_than_all_of_them() {
        let gone = || VolumeState::Missing("it is empty".to_owned());
        let severities = |volumes| {
            let status = SeederStatus {
                volumes,
                ..SeederStatus::default()
            };
            let told = of_seeder(&status).into_iter();
            told.map(|concern| (concern.id.to_string(), concern.severity))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            severities(vec![volume("a", gone()), volume("b", VolumeState::Ready)]),
            [
                ("volume-missing:a".to_owned(), Severity::Attention),
                ("quota-too-small:b".to_owned(), Severity::Attention)
            ]
        );
        assert_eq!(
            severities(vec![volume("a", gone())]),
            [("volume-missing:a".to_owned(), Severity::Failing)]
        );
    }

    #[test]
    fn a_box_that_starts_needs_nobody() {
        assert_eq!(of_chain(&ChainStatus::default()), []);
        assert_eq!(of_seeder(&SeederStatus::default()), []);
    }
}
