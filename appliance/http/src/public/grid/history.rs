//! The current state of the grid, a few before it, and how one led to the next. All of it bounded.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use seedbox_core::{LandGrid, grid::EpochName};
use tokio::sync::OnceCell;

use super::{
    deltas,
    map::WorldJson,
    owners::Owners,
    snapshot::{Snapshot, Step},
    tiles::Tiles,
};

/// Epochs before the current one that can still be asked for.
const OLDER: usize = 8;
/// Bytes that those may hold beside what the current one has.
const OLDER_BYTES: usize = 16 << 20;
/// Deltas that a client may have missed, by number and bytes.
const DELTAS: usize = 1024;
const DELTA_BYTES: usize = 4 << 20;

/// The latest state with what is made of it on demand for people.
pub(super) struct Current {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) grid: Arc<LandGrid>,
    pub(super) world_json: OnceCell<WorldJson>,
    pub(super) owners: OnceCell<Owners>,
    pub(super) tiles: Mutex<Tiles>,
}

/// One change as its subscribers get it.
struct Change {
    from: EpochName,
    event: Bytes,
}

/// States and changes. The n-th change leads to position n.
#[derive(Default)]
pub(super) struct History {
    current: Option<Arc<Current>>,
    /// Oldest first, with the bytes that the next did not take over.
    older: VecDeque<(Arc<Snapshot>, usize)>,
    /// The changes up to `position`, without gaps.
    changes: VecDeque<Change>,
    position: u64,
}

impl History {
    pub(super) fn current(&self) -> Option<Arc<Current>> {
        self.current.clone()
    }

    /// The state of an epoch, if it is still at hand.
    pub(super) fn at(&self, epoch: EpochName) -> Option<Arc<Snapshot>> {
        let current = self.current.iter().map(|current| &current.snapshot);
        let older = self.older.iter().rev().map(|(snapshot, _)| snapshot);
        let mut all = current.chain(older);
        all.find(|snapshot| snapshot.name == epoch).cloned()
    }

    /// Where the changes stand.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The position of whoever has the state of `epoch`; `None` if it is unknown or too old.
    pub(super) fn position_of(&self, epoch: EpochName) -> Option<u64> {
        if self.current.as_ref()?.snapshot.name == epoch {
            return Some(self.position);
        }
        let behind = self
            .changes
            .iter()
            .rev()
            .position(|change| change.from == epoch)?;
        Some(self.position - behind as u64 - 1)
    }

    /// The changes after a position; `None` if not all of them are at hand.
    pub(super) fn after(&self, position: u64) -> Option<Vec<Bytes>> {
        let missing = usize::try_from(self.position.checked_sub(position)?).ok()?;
        let first = self.changes.len().checked_sub(missing)?;
        let missed = self.changes.range(first..);
        Some(missed.map(|change| change.event.clone()).collect())
    }

    /// Makes a state the current one.
    pub(super) fn push(&mut self, grid: Arc<LandGrid>, step: Step) {
        let Some(before) = self.current.take() else {
            self.current = Some(Arc::new(Current::new(step.snapshot, grid)));
            return;
        };
        if before.snapshot.name == step.snapshot.name && !step.differs {
            // Only the block up to which it holds is another.
            let same = Current {
                snapshot: Arc::clone(&before.snapshot),
                ..Current::new(step.snapshot, grid)
            };
            self.current = Some(Arc::new(same));
            return;
        }
        self.position += 1;
        match deltas::event(&step.delta) {
            Some(event) if before.snapshot.name != step.snapshot.name => {
                let from = before.snapshot.name;
                self.changes.push_back(Change { from, event });
            }
            // Too large to be pushed, or one name for two states: everybody begins anew.
            _ => self.changes.clear(),
        }
        self.older
            .push_back((Arc::clone(&before.snapshot), step.replaced));
        let name = step.snapshot.name;
        self.older.retain(|(snapshot, _)| snapshot.name != name);
        self.current = Some(Arc::new(Current::new(step.snapshot, grid)));
        self.forget();
    }

    fn forget(&mut self) {
        let bytes = |older: &VecDeque<(_, usize)>| older.iter().map(|(_, b)| *b).sum::<usize>();
        while self.older.len() > OLDER || bytes(&self.older) > OLDER_BYTES {
            self.older.pop_front();
        }
        let mut bytes: usize = self.changes.iter().map(|change| change.event.len()).sum();
        while self.changes.len() > DELTAS || bytes > DELTA_BYTES {
            let forgotten = self.changes.pop_front();
            bytes -= forgotten.map_or(bytes, |change| change.event.len());
        }
    }
}

impl Current {
    fn new(snapshot: Snapshot, grid: Arc<LandGrid>) -> Self {
        Current {
            snapshot: Arc::new(snapshot),
            grid,
            world_json: OnceCell::new(),
            owners: OnceCell::new(),
            tiles: Mutex::default(),
        }
    }
}
