//! The time of day, on machines that may not know it: a board without a battery wakes up in 1970.
//!
//! No reading before this program was made is believed, and none before the last time that the box
//! was sure of unless the system says that its clock was set by the network. Until a reading can be
//! believed, time goes on from that bound by the monotonic clock: too late is wrong by days, 1970
//! by decades. The clock is one for the whole process, as the system's is.

use std::{
    sync::{Mutex, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use seedbox_core::UnixTime;

/// When this program was made: the commit's time in builds that can be made again, else when this
/// line was written.
pub const MADE: UnixTime = UnixTime(match option_env!("SOURCE_DATE_EPOCH") {
    Some(text) => match u64::from_str_radix(text, 10) {
        Ok(seconds) => seconds,
        Err(_) => WRITTEN,
    },
    None => WRITTEN,
});
const WRITTEN: u64 = 1_795_737_600;

/// What the system says about its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// Nothing: whoever runs the machine sees to its clock.
    #[default]
    Unsaid,
    /// The network set it since the machine started.
    Synchronized,
    /// The network is to set it and has not yet.
    Waiting,
}

/// A reading, judged. No clock in here.
struct Judge {
    /// The last time that was sure.
    floor: UnixTime,
    source: Source,
}

impl Judge {
    /// The time, and whether the system's reading is it; `passed` is seconds since the floor held.
    fn judge(&self, read: UnixTime, passed: u64) -> (UnixTime, bool) {
        let bound = match self.source {
            Source::Waiting => self.floor,
            Source::Unsaid | Source::Synchronized => MADE,
        };
        if read >= bound {
            (read, true)
        } else {
            (UnixTime(self.floor.0.saturating_add(passed)), false)
        }
    }
}

struct Clock {
    judge: Judge,
    since: Option<Instant>,
}

static CLOCK: Mutex<Clock> = Mutex::new(Clock {
    judge: Judge {
        floor: MADE,
        source: Source::Unsaid,
    },
    since: None,
});

/// The time now, never before [`MADE`].
pub fn now() -> UnixTime {
    look().0
}

/// Whether the system's clock can be right.
pub fn is_plausible() -> bool {
    look().1
}

/// The last time that the box was sure of, from its memory; and what the system says of its clock.
pub fn learn(last_sure: UnixTime, source: Source) {
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    clock.judge.source = source;
    if last_sure > clock.judge.floor {
        clock.judge.floor = last_sure;
        clock.since = Some(Instant::now());
    }
}

fn look() -> (UnixTime, bool) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let read = UnixTime(since.map_or(0, |since| since.as_secs()));
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let passed = clock.since.get_or_insert_with(Instant::now).elapsed();
    clock.judge.judge(read, passed.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: u64 = 365 * 86_400;

    fn judge(floor: u64, source: Source, read: u64) -> (u64, bool) {
        let floor = UnixTime(floor);
        let (time, is_sure) = Judge { floor, source }.judge(UnixTime(read), 7);
        (time.0, is_sure)
    }

    #[test]
    fn what_cannot_be_is_not_believed_and_time_goes_on() {
        use Source::{Synchronized, Unsaid, Waiting};
        let (made, last) = (MADE.0, MADE.0 + YEAR);
        for source in [Unsaid, Synchronized, Waiting] {
            assert_eq!(judge(last, source, 0), (last + 7, false), "{source:?}");
            assert_eq!(judge(last, source, last + YEAR), (last + YEAR, true));
        }
        // Between the two bounds it depends on who says so.
        let between = made + 1;
        assert_eq!(judge(last, Waiting, between), (last + 7, false));
        assert_eq!(judge(last, Synchronized, between), (between, true));
        assert_eq!(judge(last, Unsaid, between), (between, true));
    }

    #[test]
    fn the_clock_of_this_machine_is_plausible() {
        learn(UnixTime(0), Source::Unsaid);
        assert!(is_plausible() && now() >= MADE);
    }
}
