//! What a press of the button means. No clock and no I/O: moments are passed in, as time since the
//! board's start.

use std::time::Duration;

/// Shorter contacts are bouncing metal.
const BOUNCE: Duration = Duration::from_millis(30);
/// Held so long, letting go opens the claim window.
const CLAIM: Duration = Duration::from_secs(2);
/// Held so long, the countdown to the reset begins: letting go does nothing.
const COUNTDOWN: Duration = Duration::from_secs(5);
/// Held so long, the box is reset.
const RESET: Duration = Duration::from_secs(10);

/// An order given by the button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// Show which box this is.
    Identify,
    /// The password is forgotten: let the box be claimed again for a while.
    OpenClaimWindow,
    /// Forget everything but the models on other disks.
    FactoryReset,
}

/// How the button is held now, for the light to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// Not, or not long enough to matter yet.
    No,
    /// Letting go now opens the claim window.
    ForClaim,
    /// The countdown began so long ago.
    ForReset(Duration),
    /// The reset is ordered.
    ResetOrdered,
}

#[derive(Clone, Copy)]
enum State {
    Up,
    Down {
        since: Duration,
    },
    /// Held since before the start (a short circuit must not reset the box), or after its order.
    Spent {
        reset: bool,
    },
}

/// The button.
pub(crate) struct Button(State);

impl Button {
    /// A button as it is at the start.
    pub(crate) fn new(pressed: bool) -> Self {
        Self(if pressed {
            State::Spent { reset: false }
        } else {
            State::Up
        })
    }

    /// The button was pressed or let go.
    pub(crate) fn turned(&mut self, pressed: bool, now: Duration) -> Option<Press> {
        let before = self.0;
        match (before, pressed) {
            (State::Up, true) => {
                self.0 = State::Down { since: now };
                None
            }
            (State::Down { since }, false) => {
                self.0 = State::Up;
                let held = now.saturating_sub(since);
                if held < BOUNCE || held >= COUNTDOWN {
                    None
                } else if held < CLAIM {
                    Some(Press::Identify)
                } else {
                    Some(Press::OpenClaimWindow)
                }
            }
            (State::Spent { .. }, false) => {
                self.0 = State::Up;
                None
            }
            _ => None,
        }
    }

    /// Time has passed. Before the reset the contact is looked at once more: that it was let go may
    /// not have been told yet.
    pub(crate) fn passed(
        &mut self,
        now: Duration,
        is_closed: impl FnOnce() -> bool,
    ) -> Option<Press> {
        match self.0 {
            State::Down { since } if now >= since + RESET => {
                if !is_closed() {
                    self.0 = State::Up;
                    return None;
                }
                self.0 = State::Spent { reset: true };
                Some(Press::FactoryReset)
            }
            _ => None,
        }
    }

    /// How it is held.
    pub(crate) fn held(&self, now: Duration) -> Held {
        match self.0 {
            State::Spent { reset: true } => Held::ResetOrdered,
            State::Down { since } => match now.saturating_sub(since) {
                held if held >= COUNTDOWN => Held::ForReset(held - COUNTDOWN),
                held if held >= CLAIM => Held::ForClaim,
                _ => Held::No,
            },
            _ => Held::No,
        }
    }

    /// When holding on begins to mean something else.
    pub(crate) fn next(&self, now: Duration) -> Option<Duration> {
        let State::Down { since } = self.0 else {
            return None;
        };
        let steps = [CLAIM, COUNTDOWN, RESET].map(|step| since + step);
        steps.into_iter().find(|step| *step > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// What is ordered when the button is held so long, looked at ten times a second.
    fn held(for_ms: u64) -> Vec<Press> {
        let mut button = Button::new(false);
        let start = ms(7_000);
        let mut orders = Vec::from_iter(button.turned(true, start));
        for passed in (0..for_ms).step_by(100) {
            orders.extend(button.passed(start + ms(passed), || true));
        }
        orders.extend(button.turned(false, start + ms(for_ms)));
        orders
    }

    #[test]
    fn the_length_of_a_press_is_its_meaning() {
        assert_eq!(held(3), []);
        assert_eq!(held(200), [Press::Identify]);
        assert_eq!(held(1_999), [Press::Identify]);
        assert_eq!(held(2_000), [Press::OpenClaimWindow]);
        assert_eq!(held(4_999), [Press::OpenClaimWindow]);
        assert_eq!(held(5_000), [], "let go in the countdown");
        assert_eq!(held(9_900), [], "let go in the last moment");
        assert_eq!(held(10_100), [Press::FactoryReset]);
        assert_eq!(held(60_000), [Press::FactoryReset], "once");
    }

    #[test]
    fn a_button_that_sticks_from_the_start_orders_nothing() {
        let mut button = Button::new(true);
        assert_eq!(button.passed(ms(60_000), || true), None);
        assert_eq!(button.held(ms(60_000)), Held::No);
        assert_eq!(button.turned(false, ms(60_000)), None);
        assert_eq!(button.turned(true, ms(61_000)), None);
        assert_eq!(button.turned(false, ms(61_500)), Some(Press::Identify));
    }

    #[test]
    fn what_letting_go_would_do_is_shown_all_the_time() {
        let mut button = Button::new(false);
        assert_eq!(button.next(ms(0)), None);
        button.turned(true, ms(0));
        for (at, shown, next) in [
            (0, Held::No, 2_000),
            (2_000, Held::ForClaim, 5_000),
            (5_000, Held::ForReset(ms(0)), 10_000),
            (9_000, Held::ForReset(ms(4_000)), 10_000),
        ] {
            assert_eq!(button.passed(ms(at), || true), None);
            assert_eq!(
                (button.held(ms(at)), button.next(ms(at))),
                (shown, Some(ms(next)))
            );
        }
        let mut let_go = Button::new(false);
        let_go.turned(true, ms(0));
        assert_eq!(let_go.passed(ms(10_000), || false), None);
        assert_eq!(let_go.turned(false, ms(10_001)), None);
        assert_eq!(
            button.passed(ms(10_000), || true),
            Some(Press::FactoryReset)
        );
        assert_eq!(button.held(ms(11_000)), Held::ResetOrdered);
        assert_eq!(button.next(ms(11_000)), None);
    }
}
