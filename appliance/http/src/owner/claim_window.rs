//! The forgotten password: for some minutes after the box's button asked for it, whoever types a new
//! code chooses a new password. Until then the old one holds, and everything else stays.

use std::time::Duration;

use seedbox_core::{AlertId, Concern, Severity};
use seedbox_store::Store;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::ClaimCode;
use crate::Error;

/// Long enough to walk from the box to a screen and back.
const OPEN: Duration = Duration::from_secs(15 * 60);
/// Where another process (the console) finds the code while the window is open.
const CODE: &str = "owner.claim_window";

#[derive(Clone)]
struct Open {
    code: ClaimCode,
    until: Instant,
}

/// The window through which a claimed box is claimed again.
pub(super) struct ClaimWindow {
    store: Store,
    open: watch::Sender<Option<Open>>,
    concerns: watch::Sender<Vec<Concern>>,
}

impl ClaimWindow {
    /// A closed window.
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            open: watch::Sender::new(None),
            concerns: watch::Sender::new(Vec::new()),
        }
    }

    /// Opens it with a new code; an earlier code is worth nothing then.
    pub(super) async fn open(&self) -> Result<ClaimCode, Error> {
        let code = ClaimCode::generate()?;
        self.store
            .set_setting(CODE, &Some(code.characters()))
            .await?;
        let until = Instant::now() + OPEN;
        self.open.send_replace(Some(Open {
            code: code.clone(),
            until,
        }));
        let words = "The box's button was held: for 15 minutes, whoever reads the new claim code \
                     at the box may choose a new password.";
        let advice = "If it was not you, see who is at the box. The button opens it, signing in \
                      needs no code.";
        self.concerns.send_replace(vec![Concern::new(
            AlertId::ClaimWindow,
            Severity::Notice,
            words,
            advice,
        )]);
        Ok(code)
    }

    /// Closes it.
    pub(super) async fn close(&self) -> Result<(), Error> {
        self.open.send_replace(None);
        self.concerns.send_replace(Vec::new());
        Ok(self.store.set_setting(CODE, &None::<String>).await?)
    }

    /// The code, while it is open.
    pub(super) fn code(&self) -> Option<ClaimCode> {
        let open = self.open.borrow();
        open.as_ref()
            .filter(|open| Instant::now() < open.until)
            .map(|open| open.code.clone())
    }

    /// The same for another process.
    pub(super) async fn stored(store: &Store) -> Result<Option<ClaimCode>, Error> {
        let code: Option<String> = store.setting(CODE).await?.flatten();
        code.map(|code| code.parse()).transpose()
    }

    /// That it is open, for the owner to know.
    pub(super) fn concerns(&self) -> watch::Receiver<Vec<Concern>> {
        self.concerns.subscribe()
    }

    /// Closes it whenever its time is over; ends only with an error.
    pub(super) async fn keep_time(&self) -> Result<(), Error> {
        let mut changes = self.open.subscribe();
        loop {
            let until = changes.borrow_and_update().as_ref().map(|open| open.until);
            match until {
                Some(until) => tokio::select! {
                    () = sleep_until(until) => self.close().await?,
                    _ = changes.changed() => {}
                },
                None => {
                    let _ = changes.changed().await;
                }
            }
        }
    }
}
