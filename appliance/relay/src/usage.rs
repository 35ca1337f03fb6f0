//! Bytes sent in this calendar month (UTC), kept over restarts, and the owner's limit on them.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use seedbox_store::Store;

use crate::Error;

/// The setting under which the sum is kept: the month, counted from January of year 0, and bytes.
const SETTING: &str = "relay.month";

/// The month's sum.
pub(crate) struct Usage {
    limit: Option<u64>,
    bytes: AtomicU64,
    spent: AtomicBool,
    month: Mutex<u64>,
    /// What stands in the database.
    saved: Mutex<Option<(u64, u64)>>,
    store: Store,
}

impl Usage {
    pub(crate) async fn load(store: Store, limit: Option<u64>) -> Result<Self, Error> {
        let kept = store.setting::<(u64, u64)>(SETTING).await?;
        let month = month_of(seedbox_clock::now().0);
        let bytes = kept.map_or(0, |(kept, bytes)| if kept == month { bytes } else { 0 });
        let usage = Self {
            limit,
            bytes: bytes.into(),
            spent: AtomicBool::new(false),
            month: Mutex::new(month),
            saved: Mutex::new(kept),
            store,
        };
        usage.add(0);
        Ok(usage)
    }

    /// Counts bytes sent.
    pub(crate) fn add(&self, bytes: u64) {
        let sum = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if self.limit.is_some_and(|limit| sum >= limit) {
            self.spent.store(true, Ordering::Relaxed);
        }
    }

    /// Bytes sent this month.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether nothing more may be sent this month.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Relaxed)
    }

    fn saved(&self) -> Option<(u64, u64)> {
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the sum down; begins again if the month has changed.
    pub(crate) async fn save(&self) -> Result<(), Error> {
        let now = month_of(seedbox_clock::now().0);
        let kept = {
            let mut month = self.month.lock().unwrap_or_else(PoisonError::into_inner);
            if now > *month {
                *month = now;
                self.bytes.store(0, Ordering::Relaxed);
                self.spent.store(false, Ordering::Relaxed);
            }
            (*month, self.bytes())
        };
        // An idle box leaves its card alone.
        if self.saved() == Some(kept) {
            return Ok(());
        }
        self.store.set_setting(SETTING, &kept).await?;
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(())
    }
}

/// Months since January of year 0, of the proleptic Gregorian calendar.
fn month_of(unix: u64) -> u64 {
    // Counted from 1 March of year 0, so that the leap day is the last of its year.
    let days = unix / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    (era * 400 + year) * 12 + month + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_where_the_calendar_says() {
        for (unix, year, month) in [
            (0, 1970, 1),
            (951_782_399, 2000, 2), // 28 February 2000, 23:59:59
            (951_868_799, 2000, 2), // 29 February
            (951_868_800, 2000, 3),
            (1_798_761_599, 2026, 12),
            (1_798_761_600, 2027, 1),
        ] {
            assert_eq!(month_of(unix), year * 12 + month - 1, "{unix}");
        }
    }

    #[tokio::test]
    async fn the_limit_holds_over_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db")).unwrap();
        let usage = Usage::load(store.clone(), Some(1_000)).await.unwrap();
        usage.add(999);
        assert!(!usage.is_spent());
        usage.save().await.unwrap();
        let usage = Usage::load(store, Some(1_000)).await.unwrap();
        assert!(!usage.is_spent());
        usage.add(1);
        assert!(usage.is_spent());
        assert_eq!(usage.bytes(), 1_000);
    }
}
