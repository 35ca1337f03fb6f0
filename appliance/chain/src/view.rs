//! What the reader has to show at any moment: the last whole state and where the reading stands.

use std::sync::Arc;

use seedbox_core::{AsOf, LandGrid, VouchedBlock};
use seedbox_store::chain::Reading;

use crate::{access::Anchor, projection::Projection, reader::Proved};

/// A snapshot of the reader. `grid` and `as_of` are of the last reading that reached the head;
/// they stay while a newer reading is under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// The land grid, replaced when something on it changes.
    pub(crate) grid: Arc<LandGrid>,
    /// Up to which block the grid holds, and when that was last confirmed.
    pub(crate) as_of: Option<AsOf>,
    /// Newest block that an endpoint spoke of.
    pub(crate) head: Option<u64>,
    /// Newest block that was read, by the reading under way.
    pub(crate) position: Option<u64>,
    /// The chain was replaced and is read again from the start.
    pub(crate) rereading: bool,
    /// The newest state that was proved, and against what.
    pub(crate) proved: Option<Arc<Proved>>,
    /// The newest block whose state is vouched for by more than one endpoint.
    pub(crate) vouched: Option<VouchedBlock>,
    /// The header of that block, and that of the newest block that was proved.
    pub(crate) vouched_header: Option<Arc<Anchor>>,
    pub(crate) tip_header: Option<Arc<Anchor>>,
    /// Reorganisations undone since start.
    pub(crate) reorgs: u64,
}

impl View {
    /// Blocks after this height are no more: nothing is asked about them.
    pub(crate) fn forget_after(&mut self, height: u64) {
        let still = |header: &Arc<Anchor>| header.block.number <= height;
        self.tip_header = self.tip_header.take().filter(still);
        self.vouched_header = self.vouched_header.take().filter(still);
        self.vouched = self.vouched.filter(|v| v.block.number <= height);
    }

    /// What a stored reading shows before any endpoint has answered: its state with its age, or
    /// nothing if it never reached the head.
    pub(crate) fn of(reading: &Reading) -> Self {
        let position = reading.tip.map(|tip| tip.number);
        if !reading.complete {
            return Self {
                position,
                ..Self::default()
            };
        }
        let projection: Projection = reading.rows.iter().cloned().collect();
        Self {
            grid: Arc::new(projection.grid(reading.tip, reading.changed.last().copied())),
            as_of: reading.tip.map(|block| AsOf {
                block,
                observed_at: reading.observed_at.unwrap_or_default(),
            }),
            position,
            ..Self::default()
        }
    }
}
