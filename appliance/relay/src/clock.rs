//! Time as `relay-proto` wants it: milliseconds since the Unix epoch that never go back, though the
//! machine's clock may be set.

use std::time::Instant;

use seedbox_relay_proto::Millis;

/// A clock that was right when the box started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    origin: Millis,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            started: Instant::now(),
            origin: seedbox_clock::now().0.saturating_mul(1_000),
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
