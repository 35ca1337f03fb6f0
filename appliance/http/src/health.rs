//! The one sentence on how the box is doing, and what a monitor may know.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use seedbox_core::{ChainStatus, Health, SeederStatus};

use crate::{Appliance, dto::HealthReport};

const NO_WALLET: &str = "Link a wallet so that the box knows what to secure.";

/// The worst service speaks for the box; of two equally bad ones the seeder, because it holds the
/// data. A box without a wallet has nothing to secure, which matters more than that it starts.
pub(crate) fn overall(
    chain: &ChainStatus,
    seeder: &SeederStatus,
    wallets: usize,
) -> (Health, String) {
    let (health, sentence) = if chain.health > seeder.health {
        (chain.health, &chain.sentence)
    } else {
        (seeder.health, &seeder.sentence)
    };
    if wallets == 0 && health <= Health::Attention {
        return (Health::Attention, NO_WALLET.to_owned());
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
    report(appliance, |health| health != Health::Failing)
}

/// Readiness: 200 only when every service is at work.
pub(crate) fn respond_ready(appliance: &dyn Appliance) -> Response {
    report(appliance, |health| {
        matches!(health, Health::Well | Health::Attention)
    })
}

fn report(appliance: &dyn Appliance, is_good: impl Fn(Health) -> bool) -> Response {
    let chain = appliance.chain().borrow().health;
    let seeder = appliance.seeder().borrow().health;
    let status = if is_good(chain) && is_good(seeder) {
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
    use super::*;

    fn sentence(chain: Health, seeder: Health, wallets: usize) -> (Health, String) {
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
        overall(&chain, &seeder, wallets)
    }

    #[test]
    fn the_worst_speaks() {
        use Health::{Attention, Failing, Starting, Well};
        let said = |chain, seeder| sentence(chain, seeder, 1);
        assert_eq!(said(Well, Well), (Well, "seeder".to_owned()));
        assert_eq!(said(Starting, Well), (Starting, "chain".to_owned()));
        assert_eq!(said(Attention, Failing), (Failing, "seeder".to_owned()));
        assert_eq!(said(Failing, Failing), (Failing, "seeder".to_owned()));
    }

    #[test]
    fn a_missing_wallet_is_said_unless_something_fails() {
        assert_eq!(
            sentence(Health::Well, Health::Well, 0),
            (Health::Attention, NO_WALLET.to_owned())
        );
        assert_eq!(
            sentence(Health::Failing, Health::Well, 0),
            (Health::Failing, "chain".to_owned())
        );
    }

    #[test]
    fn silence_is_never_shown() {
        let (_, sentence) = overall(&ChainStatus::default(), &SeederStatus::default(), 1);
        assert_eq!(sentence, "The box is starting.");
    }
}
