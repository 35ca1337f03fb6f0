//! The wall clock, wrapped so that tests can turn it.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use seedbox_core::UnixTime;

/// Where the time of day comes from.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> UnixTime + Send + Sync>);

impl Clock {
    /// The system's clock; a clock before 1970 reads 0.
    pub(crate) fn system() -> Self {
        Clock(Arc::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            UnixTime(since.map_or(0, |since| since.as_secs()))
        }))
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
