//! The restart into what was installed: now, at a time of the owner's choice, or not after all.

use std::time::Duration;

use seedbox_core::{UnixTime, UpdatePhase};
use tokio::time::Instant;

use super::Service;
use crate::{Config, Error, OrderError};

/// A restart can be put off by no more than this, seconds.
const LONGEST_WAIT: u64 = 30 * DAY;
const DAY: u64 = 24 * 3600;
/// A time that passed longer ago, seconds, was missed.
const MISSED: u64 = 600;
/// The clock was set if it is further, seconds, from where it would be.
const DRIFT: u64 = 60;

impl Service {
    pub(super) async fn restart(
        &mut self,
        at: Option<UnixTime>,
    ) -> Result<Result<(), OrderError>, Error> {
        let UpdatePhase::Installed { version, .. } = self.status.borrow().phase.clone() else {
            return Ok(Err(nothing_waits()));
        };
        let Some(at) = at else {
            return Ok(restart_machine(&self.config).await);
        };
        if at.seconds_since(seedbox_clock::now()) > LONGEST_WAIT {
            let text = "a restart can be put off by 30 days at most".to_owned();
            return Ok(Err(OrderError::Conflict(text)));
        }
        self.plan_restart(version, Some(at)).await?;
        Ok(Ok(()))
    }

    pub(super) async fn cancel_restart(&mut self) -> Result<Result<(), OrderError>, Error> {
        let UpdatePhase::Installed { version, .. } = self.status.borrow().phase.clone() else {
            return Ok(Err(nothing_waits()));
        };
        self.plan_restart(version, None).await?;
        Ok(Ok(()))
    }

    /// Plans the restart for `at`, or none.
    pub(super) async fn plan_restart(
        &mut self,
        version: String,
        at: Option<UnixTime>,
    ) -> Result<(), Error> {
        let now = seedbox_clock::now();
        self.plan_from(now, version, at.map(|at| next_chance(at, now)))
            .await
    }

    async fn plan_from(
        &mut self,
        now: UnixTime,
        version: String,
        restart_at: Option<UnixTime>,
    ) -> Result<(), Error> {
        self.restart_due =
            restart_at.map(|at| Instant::now() + Duration::from_secs(at.seconds_since(now)));
        if let Some(attempt) = &mut self.memory.attempt {
            attempt.restart_at = restart_at;
            self.memory.write(&self.store).await?;
        }
        self.set_phase(UpdatePhase::Installed {
            version,
            restart_at,
        });
        Ok(())
    }

    /// Restarts the machine if that was planned for `now`.
    ///
    /// "At three" was said by a clock that may be wrong until the network sets it, on a board without
    /// a battery by months. So the time that passes until then is what counts, by the monotonic clock:
    /// setting the clock forward restarts nothing, and only gives the same moment another name.
    pub(super) async fn mind_restart(&mut self, now: UnixTime) -> Result<(), Error> {
        let phase = self.status.borrow().phase.clone();
        let UpdatePhase::Installed {
            version,
            restart_at: Some(told),
        } = phase
        else {
            return Ok(());
        };
        let Some(due) = self.restart_due else {
            return Ok(());
        };
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            if restart_machine(&self.config).await.is_ok() {
                self.plan_from(now, version, None).await?;
            }
            return Ok(());
        }
        let at = UnixTime(now.0.saturating_add(left.as_secs()));
        if at.0.abs_diff(told.0) > DRIFT {
            tracing::info!("the clock was set; the planned restart is as far away as before");
            self.plan_from(now, version, Some(at)).await?;
        }
        Ok(())
    }
}

/// A time that passed while the box was not there to see it is not made up for in the middle of the
/// day: the same hour of the next day will do.
fn next_chance(at: UnixTime, now: UnixTime) -> UnixTime {
    let late = now.seconds_since(at);
    if late <= MISSED {
        return at;
    }
    UnixTime(at.0 + (late / DAY + 1) * DAY)
}

fn nothing_waits() -> OrderError {
    OrderError::Conflict("no update waits for a restart".to_owned())
}

async fn restart_machine(config: &Config) -> Result<(), OrderError> {
    tracing::info!("asking for a restart into the update");
    let path = &config.restart;
    let written = tokio::fs::write(path, b"").await;
    written.map_err(|source| {
        tracing::error!("cannot ask for a restart at {}: {source}", path.display());
        OrderError::Disk {
            path: path.clone(),
            source,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_was_missed_comes_again_the_next_day() {
        let at = UnixTime(3 * 3600);
        for (now, expected) in [
            (at.0 - 1, at.0),
            (at.0 + MISSED, at.0),
            (at.0 + MISSED + 1, at.0 + DAY),
            (at.0 + DAY, at.0 + 2 * DAY),
            (at.0 + 26 * DAY + 8 * 3600, at.0 + 27 * DAY),
        ] {
            assert_eq!(next_chance(at, UnixTime(now)), UnixTime(expected), "{now}");
        }
    }
}
