//! Waiting for a condition with a deadline: the only place where tests pass time.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

const PAUSE: Duration = Duration::from_millis(40);
/// For benches that say how long it took.
const SHORT_PAUSE: Duration = Duration::from_millis(4);

/// Asks `probe` again and again until it succeeds, and gives what it gave.
///
/// # Errors
/// The probe's last error, once `limit` has passed: it says what was still missing.
pub fn wait_until<T>(what: &str, limit: Duration, probe: impl FnMut() -> Result<T>) -> Result<T> {
    ask_every(PAUSE, what, limit, probe)
}

/// The same, asking so often that the time it took is known to some milliseconds. Gives it too.
///
/// # Errors
/// As [`wait_until`].
pub fn time_until<T>(
    what: &str,
    limit: Duration,
    probe: impl FnMut() -> Result<T>,
) -> Result<(T, Duration)> {
    let started = Instant::now();
    let value = ask_every(SHORT_PAUSE, what, limit, probe)?;
    Ok((value, started.elapsed()))
}

fn ask_every<T>(
    pause: Duration,
    what: &str,
    limit: Duration,
    mut probe: impl FnMut() -> Result<T>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        match probe() {
            Ok(value) => return Ok(value),
            Err(error) if started.elapsed() >= limit => {
                return Err(error).with_context(|| format!("waited {limit:?} for {what}"));
            }
            Err(_) => thread::sleep(pause),
        }
    }
}

/// Asks `probe` for the whole of `span` and fails as soon as it fails: for what must *not* happen.
///
/// # Errors
/// The probe's error.
pub fn hold(what: &str, span: Duration, mut probe: impl FnMut() -> Result<()>) -> Result<()> {
    let started = Instant::now();
    while started.elapsed() < span {
        probe().with_context(|| format!("{what} did not hold after {:?}", started.elapsed()))?;
        thread::sleep(PAUSE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_up_with_the_last_reason() {
        let mut asked = 0;
        let result = wait_until("rain", Duration::from_millis(100), || -> Result<()> {
            asked += 1;
            anyhow::bail!("sunny at {asked}")
        });
        let text = result.err().map(|e| format!("{e:#}")).unwrap_or_default();
        assert!(text.contains("rain") && text.contains("sunny"), "{text}");
        assert!(asked > 1);
    }
}
