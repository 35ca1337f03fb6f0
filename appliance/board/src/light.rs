//! What the light does. No clock and no I/O: moments are passed in, as time since the board's start.

use std::time::Duration;

use crate::button::Held;

/// How the box is, for the light to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Show {
    /// Not ready yet: even, slow.
    #[default]
    Booting,
    /// Waits to be claimed: two short flashes, a pause.
    Unclaimed,
    /// All is well: steady.
    Healthy,
    /// The owner should open the panel: three short flashes, a pause.
    Attention,
    /// Do not unplug: lit, with short gaps.
    Updating,
}

/// How long the light tells which box this is.
const IDENTIFY: Duration = Duration::from_secs(30);

/// Milliseconds lit, dark, lit, dark and so on, over and over; empty is steady.
type Pattern = &'static [u64];
const IDENTIFYING: Pattern = &[80, 80];

impl Show {
    const fn pattern(self) -> Pattern {
        match self {
            Self::Booting => &[500, 500],
            Self::Unclaimed => &[120, 180, 120, 1_580],
            Self::Healthy => &[],
            Self::Attention => &[120, 180, 120, 180, 120, 1_280],
            Self::Updating => &[900, 100],
        }
    }
}

/// Half a blink's length in each second of the countdown to the reset, milliseconds.
const COUNTDOWN: [u64; 5] = [500, 250, 125, 100, 50];

/// The light.
#[derive(Default)]
pub(crate) struct Light {
    show: Show,
    since: Duration,
    identify_since: Option<Duration>,
}

impl Light {
    /// The box is like this now.
    pub(crate) fn show(&mut self, show: Show, now: Duration) {
        if self.show != show {
            (self.show, self.since) = (show, now);
        }
    }

    /// Tells which box this is, from now on for a while.
    pub(crate) fn identify(&mut self, now: Duration) {
        self.identify_since = Some(now);
    }

    /// Whether it is lit, and when that has to be looked at again. A button that is held comes
    /// first, so that nobody resets a box unawares.
    pub(crate) fn at(&self, now: Duration, held: Held) -> (bool, Option<Duration>) {
        match held {
            Held::ForClaim | Held::ResetOrdered => return (true, None),
            Held::ForReset(passed) => {
                let second = usize::try_from(passed.as_secs()).unwrap_or(usize::MAX);
                let half = COUNTDOWN.get(second).or(COUNTDOWN.last()).copied();
                let (lit, left) = step(&[half.unwrap_or(50)].repeat(2), passed);
                return (lit, left.map(|left| now + left));
            }
            Held::No => {}
        }
        if let Some(since) = self.identify_since
            && now < since + IDENTIFY
        {
            let (lit, left) = step(IDENTIFYING, now.saturating_sub(since));
            return (lit, left.map(|left| (now + left).min(since + IDENTIFY)));
        }
        let (lit, left) = step(self.show.pattern(), now.saturating_sub(self.since));
        (lit, left.map(|left| now + left))
    }
}

/// Where in a pattern somebody is who began so long ago, and how long that step lasts yet.
fn step(pattern: &[u64], passed: Duration) -> (bool, Option<Duration>) {
    let whole: u64 = pattern.iter().sum();
    if whole == 0 {
        return (true, None);
    }
    let mut into = Duration::from_micros(
        u64::try_from(passed.as_micros()).unwrap_or(u64::MAX) % (whole * 1_000),
    );
    for (i, length) in pattern.iter().enumerate() {
        let length = Duration::from_millis(*length);
        if into < length {
            return (i % 2 == 0, Some(length - into));
        }
        into -= length;
    }
    (true, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// The light's changes from one moment to another, in milliseconds.
    fn changes(
        light: &Light,
        held: impl Fn(Duration) -> Held,
        from: u64,
        to: u64,
    ) -> Vec<(u64, bool)> {
        let mut seen: Vec<(u64, bool)> = Vec::new();
        let mut now = ms(from);
        while now < ms(to) {
            let (lit, next) = light.at(now, held(now));
            if seen.last().is_none_or(|last| last.1 != lit) {
                seen.push((u64::try_from(now.as_millis()).unwrap(), lit));
            }
            let Some(next) = next else { break };
            assert!(next > now, "the light stands still at {now:?}");
            now = next;
        }
        seen
    }

    #[test]
    fn every_state_looks_different() {
        let states = [
            Show::Booting,
            Show::Unclaimed,
            Show::Healthy,
            Show::Attention,
            Show::Updating,
        ];
        let mut looks = Vec::new();
        for show in states {
            let mut light = Light::default();
            light.show(show, ms(100));
            if show == Show::Booting {
                light.since = ms(100);
            }
            looks.push(changes(&light, |_| Held::No, 100, 4_100));
        }
        assert_eq!(looks[2], [(100, true)]);
        assert_eq!(
            looks[1][..5],
            [
                (100, true),
                (220, false),
                (400, true),
                (520, false),
                (2_100, true)
            ]
        );
        for (i, look) in looks.iter().enumerate() {
            assert!(!looks[..i].contains(look), "{:?}", states[i]);
        }
    }

    #[test]
    fn it_identifies_for_half_a_minute() {
        let mut light = Light::default();
        light.show(Show::Healthy, ms(0));
        light.identify(ms(1_000));
        let seen = changes(&light, |_| Held::No, 1_000, 60_000);
        assert_eq!(seen[..3], [(1_000, true), (1_080, false), (1_160, true)]);
        let (last, lit) = seen[seen.len() - 1];
        assert!(lit && (30_800..=31_000).contains(&last), "{last}");
    }

    #[test]
    fn the_countdown_grows_faster_and_drowns_everything_else() {
        let mut light = Light::default();
        light.show(Show::Updating, ms(0));
        light.identify(ms(0));
        let seen = changes(&light, Held::ForReset, 0, 5_000);
        let in_second = |n: u64| seen.iter().filter(|(at, _)| at / 1_000 == n).count();
        let counts: Vec<_> = (0..5).map(in_second).collect();
        assert_eq!(counts, [2, 4, 8, 10, 20]);
        assert_eq!(light.at(ms(9), Held::ForClaim), (true, None));
        assert_eq!(light.at(ms(9), Held::ResetOrdered), (true, None));
    }
}
