//! What became of an update: found out after a start of the machine, remembered, and told.

use std::{io, path::Path};

use rustix::rand::{GetRandomFlags, getrandom};
use seedbox_core::{Bundle, UpdateOutcome, UpdatePhase};

use super::Service;
use crate::{
    Error,
    attempt::{Attempt, Here, Settled, Standing},
    error::RaucError,
    incoming,
    rauc::Rauc,
};

impl Service {
    /// Finds out where the box is and what became of the update that was under way.
    pub(super) async fn take_up(&mut self) -> Result<(), Error> {
        let found = match known_run(&self.config.this_run).await {
            Ok(run) => {
                self.tell_unheard(&run);
                find_itself(&self.rauc, run).await
            }
            Err(error) => Err(error),
        };
        let here = match found {
            Ok(here) => here,
            Err(RaucError::Busy) => {
                self.is_well();
                return Ok(());
            }
            Err(error) => {
                self.in_trouble(&error.to_string());
                return Ok(());
            }
        };
        if let Some(version) = self.memory.fallen(&here) {
            let reason = "it had worked, and then no longer started".to_owned();
            self.roll_back(version, reason, &here).await?;
        }
        match self.memory.attempt.clone() {
            None => self.set_phase(UpdatePhase::Idle),
            Some(attempt) => self.conclude(attempt, &here).await?,
        }
        // A bundle that was taken in before is told as one from the first word on.
        let idle = self.status.borrow().phase == UpdatePhase::Idle;
        let waiting = idle && incoming::bundle(&self.config).exists();
        self.status.send_modify(|status| {
            status.slot = Some(here.slot.clone());
            if waiting {
                status.phase = UpdatePhase::Verifying;
            }
        });
        self.here = Some(here);
        if waiting {
            self.check(None, None);
        } else {
            self.is_well();
        }
        Ok(())
    }

    /// What was begun in this run of the machine and not seen to end may still be written, whether or
    /// not it was us who were started anew meanwhile.
    fn tell_unheard(&self, run: &str) {
        let attempt = self.memory.attempt.as_ref();
        if let Some(attempt) = attempt.filter(|attempt| !attempt.installed && attempt.run == run) {
            self.set_phase(UpdatePhase::Installing {
                bundle: Bundle {
                    version: attempt.version.clone(),
                    notes: String::new(),
                    downgrade: false,
                },
                percent: None,
            });
        }
    }

    async fn conclude(&mut self, mut attempt: Attempt, here: &Here) -> Result<(), Error> {
        let version = attempt.version.clone();
        let complaint = self.complaint.take();
        match attempt.standing(here) {
            Standing::Trying => {
                // Whoever started it anew has carried this out.
                attempt.restart_at = None;
                self.memory.attempt = Some(attempt);
                self.memory.write(&self.store).await?;
                self.set_phase(UpdatePhase::Trying { version });
            }
            Standing::Installed if attempt.installed => {
                self.plan_restart(version, attempt.restart_at).await?;
            }
            Standing::Installed => self.installed(version).await?,
            Standing::Interrupted => {
                let reason = complaint.unwrap_or_else(|| {
                    "it was interrupted while it was being installed".to_owned()
                });
                tracing::warn!(%version, "the update was not installed: {reason}");
                self.ended(failed(Some(version), &reason), None).await?;
                self.set_phase(UpdatePhase::Idle);
            }
            Standing::RolledBack => {
                let told = read_reason(&self.config.reason).await;
                let reason = told.unwrap_or_else(|| "it did not start, or not well".to_owned());
                self.roll_back(version, reason, here).await?;
                self.set_phase(UpdatePhase::Idle);
            }
        }
        Ok(())
    }

    /// An update is written to its end and is started next.
    pub(super) async fn installed(&mut self, version: String) -> Result<(), Error> {
        tracing::info!(%version, "an update waits for a restart");
        incoming::discard(&self.config).await;
        if let Some(attempt) = &mut self.memory.attempt {
            attempt.installed = true;
        }
        self.plan_restart(version, None).await
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

    /// What failed before is old news.
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

async fn find_itself(rauc: &Rauc, run: String) -> Result<Here, RaucError> {
    let slots = rauc.slots().await?;
    let unknown = || RaucError::Unavailable("rauc does not know which slot runs".into());
    Ok(Here {
        next: slots.next(),
        slot: slots.booted.ok_or_else(unknown)?,
        run,
    })
}

async fn known_run(file: &Path) -> Result<String, RaucError> {
    this_run(file).await.map_err(|error| {
        let path = file.display();
        RaucError::Unavailable(format!("{path} cannot be read or written: {error}"))
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
