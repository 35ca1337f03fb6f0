//! Time as `relay-proto` wants it: milliseconds since the Unix epoch that never go back, though the
//! machine's clock may be set.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use seedbox_relay_proto::Millis;

/// A clock that was right when the box started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    origin: Millis,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started: Instant::now(),
            origin: millis(since.unwrap_or_default()),
        }
    }

    pub(crate) fn now(&self) -> Millis {
        self.origin + millis(self.started.elapsed())
    }

    /// The moment in the runtime's time.
    pub(crate) fn at(&self, moment: Millis) -> tokio::time::Instant {
        let after = std::time::Duration::from_millis(moment.saturating_sub(self.origin));
        tokio::time::Instant::from_std(self.started + after)
    }
}

fn millis(duration: std::time::Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
