//! The wall clock, wrapped so that tests can turn it.

use std::sync::Arc;

use seedbox_core::UnixTime;

/// Where the time of day comes from.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> UnixTime + Send + Sync>);

impl Clock {
    /// The box's clock.
    pub(crate) fn system() -> Self {
        Clock(Arc::new(seedbox_clock::now))
    }

    /// A clock that reads whatever `read` says.
    #[cfg(test)]
    pub(crate) fn reading(read: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        Clock(Arc::new(read))
    }

    /// The time now.
    pub(crate) fn now(&self) -> UnixTime {
        (self.0)()
    }
}
