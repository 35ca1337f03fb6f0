//! Bytes that wait in all circuits of a box together, counted by all its sessions.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A shared count with a limit. What waits is counted; above the limit each circuit may hold one
/// frame, so that nothing stands still for ever.
#[derive(Debug, Clone)]
pub struct Budget {
    used: Arc<AtomicUsize>,
    limit: usize,
}

impl Budget {
    /// Nothing used.
    pub fn new(limit: usize) -> Self {
        Self {
            used: Arc::default(),
            limit,
        }
    }

    /// Bytes that wait.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn is_free(&self) -> bool {
        self.used() < self.limit
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn remove(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}
