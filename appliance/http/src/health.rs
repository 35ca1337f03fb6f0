//! The one sentence on how the box is doing, and what a monitor may know.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use seedbox_core::{Alerts, ChainStatus, Health, SeederStatus};

use crate::{Appliance, dto::HealthReport};

/// What is most the matter speaks for the box; where nothing is, the worst service does. Of two
/// equally bad ones the seeder, because it holds the data.
pub(crate) fn overall(
    chain: &ChainStatus,
    seeder: &SeederStatus,
    alerts: &Alerts,
) -> (Health, String) {
    let (health, sentence) = if chain.health > seeder.health {
        (chain.health, &chain.sentence)
    } else {
        (seeder.health, &seeder.sentence)
    };
    let worst = alerts.worst().map(|alert| &alert.concern);
    if let Some(worst) = worst
        && worst.severity.health() > Health::Well
        && worst.severity.health() >= health
    {
        return (worst.severity.health(), worst.words.clone());
    }
    if !sentence.is_empty() {
        return (health, sentence.clone());
    }
    let fallback = match health {
        Health::Well => "Everything is well.",
        Health::Starting => "The box is starting.",
        Health::Attention => "The box needs your attention.",
        Health::Failing => "The box does not work.",
    };
    (health, fallback.to_owned())
}

/// Liveness as a monitor asks for it: 200, or 503 when a service does not do its job.
pub(crate) fn respond(appliance: &dyn Appliance) -> Response {
    report(appliance, |chain, seeder| {
        chain != Health::Failing && seeder != Health::Failing
    })
}

/// Readiness: 200 when the box itself can work. The chain service goes to work with what it last
/// knew; how it is afterwards depends on endpoints elsewhere, and a version of the box that is on
/// trial must not go because they, or the way to the internet, are down.
pub(crate) fn respond_ready(appliance: &dyn Appliance) -> Response {
    report(appliance, |_, seeder| {
        matches!(seeder, Health::Well | Health::Attention)
    })
}

fn report(appliance: &dyn Appliance, is_good: impl Fn(Health, Health) -> bool) -> Response {
    let chain = appliance.chain().borrow().health;
    let seeder = appliance.seeder().borrow().health;
    let status = if is_good(chain, seeder) {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let report = HealthReport {
        health: chain.max(seeder).into(),
        chain: chain.into(),
        seeder: seeder.into(),
    };
    (status, axum::Json(report)).into_response()
}

#[cfg(test)]
mod tests {
    use seedbox_core::{AlertId, Concern, Severity, UnixTime};

    use super::*;

    fn said(chain: Health, seeder: Health, alert: Option<Severity>) -> (Health, String) {
        let chain = ChainStatus {
            health: chain,
            sentence: "chain".to_owned(),
            ..ChainStatus::default()
        };
        let seeder = SeederStatus {
            health: seeder,
            sentence: "seeder".to_owned(),
            ..SeederStatus::default()
        };
        let concern = |severity| Concern::new(AlertId::NoWallet, severity, "alert", "");
        let concerns = alert.map(concern).into_iter().collect();
        let alerts = Alerts::default().replaced(concerns, UnixTime(1));
        overall(&chain, &seeder, &alerts)
    }

    #[test]
    fn the_worst_speaks() {
        use Health::{Attention, Failing, Starting, Well};
        let said = |chain, seeder| said(chain, seeder, None);
        assert_eq!(said(Well, Well), (Well, "seeder".to_owned()));
        assert_eq!(said(Starting, Well), (Starting, "chain".to_owned()));
        assert_eq!(said(Attention, Failing), (Failing, "seeder".to_owned()));
        assert_eq!(said(Failing, Failing), (Failing, "seeder".to_owned()));
    }

    #[test]
    fn an_alert_is_said_unless_something_is_worse() {
        use Health::{Attention, Failing, Starting, Well};
        let alert = |health| (health, "alert".to_owned());
        let attention = Some(Severity::Attention);
        assert_eq!(said(Well, Starting, attention), alert(Attention));
        assert_eq!(said(Attention, Well, attention), alert(Attention));
        assert_eq!(said(Well, Well, Some(Severity::Failing)), alert(Failing));
        let (health, sentence) = said(Failing, Well, attention);
        assert_eq!((health, sentence.as_str()), (Failing, "chain"));
        let (health, sentence) = said(Well, Well, Some(Severity::Notice));
        assert_eq!((health, sentence.as_str()), (Well, "seeder"));
    }

    #[test]
    fn silence_is_never_shown() {
        let nothing = Alerts::default();
        let (_, sentence) = overall(&ChainStatus::default(), &SeederStatus::default(), &nothing);
        assert_eq!(sentence, "The box is starting.");
    }
}
