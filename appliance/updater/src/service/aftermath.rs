//! What became of an update: found out after a start of the machine, remembered, and told.

use std::{io, path::Path};

use rustix::rand::{GetRandomFlags, getrandom};
use seedbox_core::{UpdateOutcome, UpdatePhase};

use super::Service;
use crate::{
    Config, Error,
    attempt::{Attempt, Here, Settled, Standing},
    incoming,
    rauc::Rauc,
};

impl Service {
    /// Finds out where the box is and what became of the update that was under way.
    pub(super) async fn take_up(&mut self) -> Result<(), Error> {
        let Some(here) = find_itself(&self.rauc, &self.config).await else {
            return Ok(());
        };
        if let Some(version) = self.memory.fallen(&here) {
            let reason = "it had worked, and then no longer started".to_owned();
            self.roll_back(version, reason, &here).await?;
        }
        let phase = match self.memory.attempt.clone() {
            None => UpdatePhase::Idle,
            Some(attempt) => self.conclude(attempt, &here).await?,
        };
        // A bundle that was taken in before is told as one from the first word on.
        let waiting = phase == UpdatePhase::Idle && incoming::bundle(&self.config).exists();
        let phase = if waiting {
            UpdatePhase::Verifying
        } else {
            phase
        };
        self.status.send_modify(|status| {
            status.slot = Some(here.slot.clone());
            status.phase = phase;
        });
        self.here = Some(here);
        if waiting {
            self.check(None, None);
        }
        Ok(())
    }

    async fn conclude(&mut self, mut attempt: Attempt, here: &Here) -> Result<UpdatePhase, Error> {
        let version = attempt.version.clone();
        match attempt.standing(here) {
            Standing::Trying => {
                // Whoever started it anew has carried this out.
                attempt.restart_at = None;
                self.memory.attempt = Some(attempt);
                self.memory.write(&self.store).await?;
                Ok(UpdatePhase::Trying { version })
            }
            Standing::Installed => {
                let restart_at = attempt.restart_at;
                Ok(UpdatePhase::Installed {
                    version,
                    restart_at,
                })
            }
            // `rauc` may still be at it; the next start of the machine tells.
            Standing::Interrupted if attempt.run == here.run => Ok(UpdatePhase::Idle),
            Standing::Interrupted => {
                let reason = "it was interrupted while it was being installed";
                self.ended(failed(Some(version), &reason), None).await?;
                Ok(UpdatePhase::Idle)
            }
            Standing::RolledBack => {
                let told = read_reason(&self.config.reason).await;
                let reason = told.unwrap_or_else(|| "it did not start, or not well".to_owned());
                self.roll_back(version, reason, here).await?;
                Ok(UpdatePhase::Idle)
            }
        }
    }

    async fn roll_back(
        &mut self,
        version: String,
        reason: String,
        here: &Here,
    ) -> Result<(), Error> {
        tracing::error!(%version, "the update was rolled back: {reason}");
        let outcome = UpdateOutcome::RolledBack {
            version,
            reason,
            at: seedbox_clock::now(),
        };
        self.ended(outcome, Some(here.slot.clone())).await
    }

    pub(super) async fn confirm(&mut self, version: String) -> Result<(), Error> {
        tracing::info!(%version, "the update works and stays");
        let slot = self.here.as_ref().map(|here| here.slot.clone());
        let outcome = UpdateOutcome::Confirmed {
            version,
            at: seedbox_clock::now(),
        };
        self.ended(outcome, slot).await?;
        self.set_phase(UpdatePhase::Idle);
        Ok(())
    }

    /// An update is over; `slot` runs from now on.
    pub(super) async fn ended(
        &mut self,
        outcome: UpdateOutcome,
        slot: Option<String>,
    ) -> Result<(), Error> {
        self.memory.attempt = None;
        if let Some(slot) = slot {
            let version = self.config.running.to_string();
            self.memory.settled = Some(Settled { slot, version });
        }
        let _ = tokio::fs::remove_file(&self.config.reason).await;
        self.tell(outcome).await
    }

    /// A good bundle makes an earlier one that was not taken old news.
    pub(super) async fn forget_failure(&mut self) -> Result<(), Error> {
        if matches!(self.memory.outcome, Some(UpdateOutcome::Failed { .. })) {
            self.memory.outcome = None;
            self.memory.write(&self.store).await?;
            self.status.send_modify(|status| status.outcome = None);
        }
        Ok(())
    }

    pub(super) async fn tell(&mut self, outcome: UpdateOutcome) -> Result<(), Error> {
        self.memory.outcome = Some(outcome.clone());
        self.memory.write(&self.store).await?;
        self.status
            .send_modify(|status| status.outcome = Some(outcome));
        Ok(())
    }
}

async fn find_itself(rauc: &Rauc, config: &Config) -> Option<Here> {
    let slots = rauc.slots().await.inspect_err(|error| {
        tracing::warn!("which system runs is not known yet: {error}");
    });
    let slots = slots.ok()?;
    let run = this_run(&config.this_run).await.inspect_err(|error| {
        let path = config.this_run.display();
        tracing::warn!("whether the machine was started anew is not known yet: {path}: {error}");
    });
    Some(Here {
        next: slots.next(),
        slot: slots.booted?,
        run: run.ok()?,
    })
}

/// The name of this run of the machine, given to it by whoever asks first.
async fn this_run(file: &Path) -> io::Result<String> {
    match tokio::fs::read_to_string(file).await {
        Ok(name) if !name.is_empty() => return Ok(name),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut name = [0; 16];
    getrandom(&mut name, GetRandomFlags::empty())?;
    let name = format!("{:032x}", u128::from_ne_bytes(name));
    tokio::fs::write(file, &name).await?;
    Ok(name)
}

/// The outcome of an update that left everything as it was.
pub(super) fn failed(version: Option<String>, reason: &impl ToString) -> UpdateOutcome {
    UpdateOutcome::Failed {
        version,
        reason: reason.to_string(),
        at: seedbox_clock::now(),
    }
}

async fn read_reason(path: &Path) -> Option<String> {
    let text = tokio::fs::read_to_string(path).await.ok()?;
    let line: String = text.trim().chars().take(300).collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_run_keeps_its_name_until_the_run_folder_is_emptied() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run");
        let first = this_run(&file).await.unwrap();
        assert_eq!(this_run(&file).await.unwrap(), first);
        std::fs::remove_file(&file).unwrap();
        assert_ne!(this_run(&file).await.unwrap(), first);
        assert!(this_run(&folder.path().join("no/run")).await.is_err());
    }
}
