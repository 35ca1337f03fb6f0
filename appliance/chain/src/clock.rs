//! The wall clock, read in one place.

use std::time::SystemTime;

use seedbox_core::UnixTime;

/// Now; 1970 on a box whose clock is set before that.
pub(crate) fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    UnixTime(since.map_or(0, |elapsed| elapsed.as_secs()))
}
