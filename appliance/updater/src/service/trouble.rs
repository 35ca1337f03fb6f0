//! What keeps the box from installing any update: noted in the journal when it begins, changes and
//! ends, and told to the owner once it lasts. `rauc` starts with the machine and may come later.

use std::time::Duration;

use tokio::time::Instant;

use super::Service;

/// How long `rauc` may be silent before the owner hears of it.
const PATIENCE: Duration = Duration::from_secs(300);

pub(super) struct Trouble {
    why: String,
    since: Instant,
}

impl Service {
    /// `rauc` cannot be asked: `why`.
    pub(super) fn in_trouble(&mut self, why: &str) {
        let before = self.trouble.as_ref();
        let since = before.map_or_else(Instant::now, |trouble| trouble.since);
        if before.is_none_or(|trouble| trouble.why != why) {
            tracing::warn!("no update can be installed at present: {why}");
        }
        self.trouble = Some(Trouble {
            why: why.to_owned(),
            since,
        });
        self.tell_trouble((since.elapsed() >= PATIENCE).then(|| why.to_owned()));
    }

    /// `rauc` answers.
    pub(super) fn is_well(&mut self) {
        if self.trouble.take().is_some() {
            tracing::info!("updates can be installed again");
        }
        self.tell_trouble(None);
    }

    fn tell_trouble(&self, trouble: Option<String>) {
        self.status.send_if_modified(|status| {
            let changed = status.trouble != trouble;
            status.trouble = trouble;
            changed
        });
    }
}
