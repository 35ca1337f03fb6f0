//! What the light tells and what the button orders: between the board and the rest of the box.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use seedbox_board::{Press, Show};
use seedbox_core::{Alerts, Severity, UpdatePhase, UpdateStatus};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::factory_reset;

/// How often the light asks whether the box is claimed, which another process may change.
const LOOK: Duration = Duration::from_secs(3);

/// Carries the button's orders out and keeps the light true.
pub(crate) struct Attendant {
    pub(crate) board: seedbox_board::Handle,
    pub(crate) http: seedbox_http::Handle,
    pub(crate) alerts: watch::Receiver<Arc<Alerts>>,
    pub(crate) update: watch::Receiver<UpdateStatus>,
    pub(crate) data: PathBuf,
    /// Ends the process, to be started again.
    pub(crate) start_anew: CancellationToken,
}

impl Attendant {
    pub(crate) async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(press) = self.board.pressed() => self.carry_out(press).await?,
                Ok(()) = self.alerts.changed() => {}
                Ok(()) = self.update.changed() => {}
                _ = look.tick() => {}
            }
            let claimable = self.http.is_claimable().await?;
            let (alerts, update) = (
                self.alerts.borrow_and_update().clone(),
                self.update.borrow_and_update().phase.clone(),
            );
            self.board.show(show(claimable, &alerts, &update));
        }
    }

    async fn carry_out(&self, press: Press) -> anyhow::Result<()> {
        match press {
            Press::Identify => {
                log::info!("the button was pressed: the light shows which box this is")
            }
            Press::OpenClaimWindow => {
                let code = self.http.open_claim_window().await?;
                log::warn!(
                    "the button was held: for 15 minutes the panel takes the claim code {code} and \
                     a new password"
                );
            }
            Press::FactoryReset => {
                log::warn!(
                    "the button was held for ten seconds: the box is reset and starts as new"
                );
                factory_reset::order(&self.data, &[], false)
                    .context("the order to reset the box cannot be written")?;
                self.start_anew.cancel();
            }
        }
        Ok(())
    }
}

fn show(claimable: bool, alerts: &Alerts, update: &UpdatePhase) -> Show {
    let grave = |alert: &seedbox_core::Alert| alert.concern.severity >= Severity::Attention;
    let at_work = matches!(
        update,
        UpdatePhase::Installing { .. } | UpdatePhase::Trying { .. }
    );
    if at_work {
        Show::Updating
    } else if claimable {
        Show::Unclaimed
    } else if alerts.worst().is_some_and(grave) {
        Show::Attention
    } else {
        Show::Healthy
    }
}

#[cfg(test)]
mod tests {
    use seedbox_core::{AlertId, Concern, UnixTime};

    use super::*;

    #[test]
    fn a_notice_is_no_reason_to_blink() {
        let with = |severity| {
            let concern = Concern::new(AlertId::Chain, severity, "", "");
            Alerts::default().replaced(vec![concern], UnixTime(1))
        };
        let idle = UpdatePhase::Idle;
        assert_eq!(show(false, &Alerts::default(), &idle), Show::Healthy);
        assert_eq!(show(false, &with(Severity::Notice), &idle), Show::Healthy);
        let grave = with(Severity::Attention);
        assert_eq!(show(false, &grave, &idle), Show::Attention);
        assert_eq!(show(true, &with(Severity::Failing), &idle), Show::Unclaimed);
    }

    #[test]
    fn an_update_at_work_comes_before_everything_else() {
        let version = "0.2.0".to_owned();
        let waits = UpdatePhase::Installed {
            version: version.clone(),
            restart_at: None,
        };
        assert_eq!(show(false, &Alerts::default(), &waits), Show::Healthy);
        let trying = UpdatePhase::Trying { version };
        assert_eq!(show(true, &Alerts::default(), &trying), Show::Updating);
    }
}
