//! How many places each one holds, so that no stranger takes them all.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// Places by who holds them: a network, a box.
#[derive(Debug, Clone)]
pub struct Shares<K>(Arc<Mutex<HashMap<K, usize>>>);

/// One place, counted until dropped.
#[derive(Debug)]
pub struct Share<K: Copy + Eq + Hash> {
    shares: Shares<K>,
    holder: K,
}

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Copy + Eq + Hash> Shares<K> {
    /// One more place for `holder`; `None` if it has `most` already.
    pub fn admit(&self, holder: K, most: usize) -> Option<Share<K>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(holder).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Share {
            shares: self.clone(),
            holder,
        })
    }

    /// How many hold a place.
    pub fn holders(&self) -> usize {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.len()
    }
}

impl<K: Copy + Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let counts = &self.shares.0;
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_every_place() {
        let shares = Shares::default();
        let first = shares.admit("greedy", 2).unwrap();
        let _second = shares.admit("greedy", 2).unwrap();
        assert!(shares.admit("greedy", 2).is_none());
        let third = shares.admit("modest", 2).unwrap();
        drop(first);
        let _fourth = shares.admit("greedy", 2).unwrap();
        drop(third);
        assert_eq!(shares.holders(), 1, "who has none is forgotten");
    }
}
