//! What the updater must know once the machine has been started again, and what it concludes from
//! where it finds itself. The boot loader tells nobody why it went back; the slot that runs does.

use seedbox_core::{UnixTime, UpdateOutcome};
use seedbox_store::Store;
use serde::{Deserialize, Serialize};

/// Name of the setting under which it is kept.
const SETTING: &str = "update";

/// Everything that is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    /// The update under way.
    pub(crate) attempt: Option<Attempt>,
    /// What the last confirmed update left running.
    pub(crate) settled: Option<Settled>,
    /// What became of the last update.
    pub(crate) outcome: Option<UpdateOutcome>,
}

/// An update that is being written or waits to prove itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) version: String,
    /// The slot that ran when it was installed.
    pub(crate) from_slot: String,
    /// The slot that would have been started next before; a boot loader may name one that it will
    /// not start any more.
    pub(crate) next: Option<String>,
    /// The run of the machine in which it was installed.
    pub(crate) run: String,
    /// Whether it was written to its end.
    pub(crate) installed: bool,
    /// When the machine restarts by itself.
    pub(crate) restart_at: Option<UnixTime>,
}

/// A system that has shown that it works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settled {
    pub(crate) slot: String,
    pub(crate) version: String,
}

/// Where an attempt stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Written; the machine has not been restarted since.
    Installed,
    /// The new system runs.
    Trying,
    /// It was not written to its end; nothing has changed.
    Interrupted,
    /// The new system was tried and given up.
    RolledBack,
}

/// Where the updater finds itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Here {
    /// The slot that runs.
    pub(crate) slot: String,
    /// The slot that will be started next.
    pub(crate) next: Option<String>,
    /// This run of the machine.
    pub(crate) run: String,
}

impl Attempt {
    pub(crate) fn standing(&self, here: &Here) -> Standing {
        if here.slot != self.from_slot {
            return Standing::Trying;
        }
        let made_next = here.next.as_ref().filter(|next| {
            let before = self.next.as_ref();
            **next != here.slot && Some(*next) != before
        });
        let written = self.installed || made_next.is_some();
        match (written, here.run == self.run) {
            (true, true) => Standing::Installed,
            // Nothing is being written, or else `rauc` had not said where we are.
            (false, _) => Standing::Interrupted,
            (true, false) => Standing::RolledBack,
        }
    }
}

impl Memory {
    pub(crate) async fn read(store: &Store) -> Result<Self, seedbox_store::Error> {
        Ok(store.setting(SETTING).await?.unwrap_or_default())
    }

    pub(crate) async fn write(&self, store: &Store) -> Result<(), seedbox_store::Error> {
        store.set_setting(SETTING, self).await
    }

    /// The version of a system that had worked and whose slot runs no more, though no update is
    /// under way.
    pub(crate) fn fallen(&self, here: &Here) -> Option<String> {
        let settled = self.settled.as_ref()?;
        (self.attempt.is_none() && settled.slot != here.slot).then(|| settled.version.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(installed: bool) -> Attempt {
        Attempt {
            version: "0.2.0".into(),
            from_slot: "A".into(),
            next: Some("A".into()),
            run: "first".into(),
            installed,
            restart_at: None,
        }
    }

    fn here(slot: &str, next: &str, run: &str) -> Here {
        Here {
            slot: slot.into(),
            next: Some(next.into()),
            run: run.into(),
        }
    }

    #[test]
    fn the_slot_and_the_run_say_what_became_of_it() {
        use Standing::{Installed, Interrupted, RolledBack, Trying};
        for (installed, here, expected) in [
            (true, here("A", "B", "first"), Installed),
            (true, here("B", "B", "second"), Trying),
            (true, here("A", "A", "second"), RolledBack),
            // The boot loader still names the other slot, but its tries are used up.
            (true, here("A", "B", "second"), RolledBack),
            (false, here("A", "A", "first"), Interrupted),
            (false, here("A", "A", "second"), Interrupted),
            // Written to its end after its watcher had been stopped.
            (false, here("A", "B", "first"), Installed),
            (false, here("B", "B", "second"), Trying),
        ] {
            assert_eq!(
                attempt(installed).standing(&here),
                expected,
                "{installed} {here:?}"
            );
        }
    }

    #[test]
    fn a_slot_that_was_next_before_is_no_sign_of_having_been_written() {
        let given_up_before = Attempt {
            next: Some("B".into()),
            ..attempt(false)
        };
        let standing = given_up_before.standing(&here("A", "B", "first"));
        assert_eq!(standing, Standing::Interrupted);
    }

    #[test]
    fn an_attempt_of_an_earlier_version_of_the_box_is_read() {
        let text = r#"{"attempt":{"version":"0.2.0","from_slot":"A","run":"first","installed":true,"restart_at":null}}"#;
        let memory: Memory = serde_json::from_str(text).unwrap();
        let standing = memory.attempt.unwrap().standing(&here("A", "B", "first"));
        assert_eq!(standing, Standing::Installed);
    }

    #[test]
    fn a_system_that_worked_and_is_gone_is_noticed() {
        let mut memory = Memory {
            settled: Some(Settled {
                slot: "B".into(),
                version: "0.2.0".into(),
            }),
            ..Memory::default()
        };
        assert_eq!(memory.fallen(&here("B", "B", "x")), None);
        assert_eq!(
            memory.fallen(&here("A", "A", "x")).as_deref(),
            Some("0.2.0")
        );
        memory.attempt = Some(attempt(true));
        assert_eq!(memory.fallen(&here("A", "A", "x")), None);
    }
}
