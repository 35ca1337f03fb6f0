//! The reading under way, in memory: the same rows and blocks that the store has, and the blocks
//! that still wait to be written.

use std::collections::BTreeMap;

use seedbox_core::BlockRef;
use seedbox_store::chain::{Reading, ReadingId, Row, Undo};

use crate::{projection::Projection, storage::Roots};

/// A row replaced by an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Height of the block with the event.
    pub(crate) block: u64,
    /// The row before.
    pub(crate) before: Row,
    /// The row after; same key.
    pub(crate) after: Row,
}

/// What the store does not have yet.
#[derive(Default)]
pub(crate) struct Unwritten {
    pub(crate) blocks: Vec<BlockRef>,
    /// The changed rows as they are after all; of several with one key the last counts.
    pub(crate) rows: Vec<Row>,
    /// How to undo the changes that can be undone.
    pub(crate) undo: Vec<Undo>,
}

/// One reading from the contracts' first block on.
pub(crate) struct Working {
    pub(crate) id: ReadingId,
    /// It has reached the head before, so the store serves it.
    pub(crate) complete: bool,
    /// Lowest block that can be gone back to.
    pub(crate) floor: u64,
    /// The newest block that was read.
    pub(crate) tip: Option<BlockRef>,
    /// The state at the tip.
    pub(crate) projection: Projection,
    /// The newest block whose state was proved; what was read since may have to be taken back.
    pub(crate) proved: Option<BlockRef>,
    /// The store has changes of which it does not know yet whether they are proved.
    pub(crate) unproved: bool,
    /// The storage roots at the tip, where they are known.
    pub(crate) roots: Option<Roots>,
    /// The state differs from the one last shown.
    pub(crate) changed: bool,
    /// What the store does not have yet.
    pub(crate) unwritten: Unwritten,
    /// The first block and those from `floor` on.
    blocks: BTreeMap<u64, BlockRef>,
    /// Blocks with changes, ascending: the last one at or below `floor` and all above.
    changed_by: Vec<BlockRef>,
}

impl Working {
    /// A reading that has read nothing.
    pub(crate) fn new(id: ReadingId) -> Self {
        Self {
            id,
            complete: false,
            floor: 0,
            tip: None,
            projection: Projection::default(),
            proved: None,
            unproved: false,
            roots: None,
            changed: false,
            unwritten: Default::default(),
            blocks: BTreeMap::new(),
            changed_by: Vec::new(),
        }
    }

    /// Adds the next blocks, the last of which is the new tip and among which are all with
    /// `changes`, and forgets those that can no longer be gone back to.
    pub(crate) fn remember(&mut self, blocks: Vec<BlockRef>, changes: Vec<Change>) {
        self.tip = blocks.last().copied().or(self.tip);
        let changing = |block: &&BlockRef| {
            let at = changes.partition_point(|change| change.block < block.number);
            changes
                .get(at)
                .is_some_and(|change| change.block == block.number)
        };
        self.changed_by.extend(blocks.iter().filter(changing));
        drop(
            self.changed_by
                .drain(..self.settled_changes().saturating_sub(1)),
        );
        self.blocks
            .extend(blocks.iter().map(|block| (block.number, *block)));
        self.unwritten.blocks.extend(blocks);
        for change in changes {
            let Change {
                block,
                before,
                after,
            } = change;
            self.unwritten.rows.push(after);
            if block > self.floor {
                self.unwritten.undo.push(Undo { block, before });
            }
        }
        if let Some(first) = self.first() {
            self.blocks = self.blocks.split_off(&self.floor);
            self.blocks.insert(first.number, first);
        }
    }

    /// How many of `changed_by` can no longer be undone.
    fn settled_changes(&self) -> usize {
        self.changed_by
            .partition_point(|block| block.number <= self.floor)
    }

    /// The last block with a change, and the last of those that can no longer be undone.
    pub(crate) fn changed_by(&self) -> (Option<BlockRef>, Option<BlockRef>) {
        let settled = self.settled_changes().checked_sub(1);
        let settled = settled.map(|index| self.changed_by[index]);
        (self.changed_by.last().copied(), settled)
    }

    /// The first block that was read: by it a replaced chain is known.
    pub(crate) fn first(&self) -> Option<BlockRef> {
        self.blocks.values().next().copied()
    }

    /// The blocks up to `last` that can be gone back to, ascending.
    pub(crate) fn undoable(&self, last: u64) -> Vec<BlockRef> {
        if last < self.floor {
            return Vec::new();
        }
        self.blocks
            .range(self.floor..=last)
            .map(|(_, block)| *block)
            .collect()
    }

    /// Goes back to block `to`, where the rows were as `restored`.
    pub(crate) fn restore(&mut self, to: BlockRef, restored: Vec<Row>) {
        drop(self.blocks.split_off(&(to.number + 1)));
        self.changed_by.retain(|block| block.number <= to.number);
        self.tip = Some(to);
        self.proved = self.proved.map(|proved| {
            if proved.number > to.number {
                to
            } else {
                proved
            }
        });
        self.roots = None;
        self.changed = true;
        for row in restored {
            self.projection.set(row);
        }
    }
}

impl From<Reading> for Working {
    fn from(reading: Reading) -> Self {
        Self {
            id: reading.id,
            complete: reading.complete,
            floor: reading.floor,
            tip: reading.tip,
            proved: reading.proved,
            unproved: false,
            roots: None,
            projection: reading.rows.into_iter().collect(),
            changed: false,
            unwritten: Default::default(),
            blocks: reading
                .blocks
                .into_iter()
                .map(|block| (block.number, block))
                .collect(),
            changed_by: reading.changed,
        }
    }
}
