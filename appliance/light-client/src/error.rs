//! Why something that was offered is not believed.

use std::fmt;

use crate::{Fork, Root};

/// A Merkle branch by what it proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Branch {
    /// The execution payload's header in the beacon block's body.
    Execution,
    /// The finalized checkpoint in the beacon state.
    Finality,
    /// The current sync committee in the beacon state.
    CurrentCommittee,
    /// The next sync committee in the beacon state.
    NextCommittee,
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Execution => "the execution header",
            Self::Finality => "the finalized block",
            Self::CurrentCommittee => "the current sync committee",
            Self::NextCommittee => "the next sync committee",
        })
    }
}

/// Why a bootstrap or an update is refused. Except for [`Error::UnknownFork`] and
/// [`Error::UnsupportedFork`], which may mean that the box is too old, it is the fault of whoever
/// sent it: ask somebody else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not what the beacon API or the consensus specification describes.
    #[error("malformed {what}: {detail}")]
    Malformed {
        /// What was to be read.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// It is longer than anything real.
    #[error("{what} of {bytes} bytes; a real one has no more than {limit}")]
    TooLarge {
        /// What was to be read.
        what: &'static str,
        /// Its length in bytes.
        bytes: usize,
        /// The most that is read.
        limit: usize,
    },
    /// A fork that this version has never heard of.
    #[error(
        "the beacon chain speaks of the fork \"{name}\", which this box does not know. Install a newer version of the box"
    )]
    UnknownFork {
        /// Its name, cut to 32 characters.
        name: String,
    },
    /// A fork that this version knows of and cannot follow.
    #[error(
        "the beacon chain is at the fork \"{fork}\", which this box cannot follow yet. Install a newer version of the box"
    )]
    UnsupportedFork {
        /// The fork.
        fork: Fork,
    },
    /// A block from before Capella, which the light client does not read.
    #[error("slot {slot} is older than any block that light clients of this kind read")]
    TooOld {
        /// Its slot.
        slot: u64,
    },
    /// The bootstrap is of another block than the trusted one.
    #[error("block {found} was sent when the checkpoint {expected} was asked for")]
    WrongCheckpoint {
        /// The trusted root.
        expected: Root,
        /// The root of what was sent.
        found: Root,
    },
    /// A Merkle branch does not lead from the leaf to the root.
    #[error("the proof of {0} is wrong")]
    WrongBranch(Branch),
    /// An execution header of one fork in a block of another.
    #[error("the execution header in slot {slot} is not of that slot's fork")]
    WrongExecutionHeader {
        /// The block's slot.
        slot: u64,
    },
    /// Nobody signed.
    #[error("nobody of the sync committee signed")]
    NoParticipants,
    /// Signed later than now.
    #[error(
        "signed in slot {slot}, but the clock says slot {now}. Check the clock if everybody says so"
    )]
    FutureSlot {
        /// Slot of the signature.
        slot: u64,
        /// The current slot.
        now: u64,
    },
    /// Signature, attested and finalized block are not in this order.
    #[error(
        "the slots are out of order: signed {signature}, attested {attested}, final {finalized}"
    )]
    WrongOrder {
        /// Slot of the signature.
        signature: u64,
        /// Slot of the signed block.
        attested: u64,
        /// Slot of the final block.
        finalized: u64,
    },
    /// Signed by a committee that is not known yet or no more.
    #[error("signed in sync committee period {found}; the committee of period {known} is known")]
    WrongPeriod {
        /// Period of the signature.
        found: u64,
        /// Period of the finalized header.
        known: u64,
    },
    /// It tells nothing new.
    #[error("slot {attested} is no newer than slot {known}, which is final already")]
    Irrelevant {
        /// Slot of the signed block.
        attested: u64,
        /// Slot of the finalized header.
        known: u64,
    },
    /// Two different next committees for one period.
    #[error("its next sync committee is not the one already proved")]
    WrongNextCommittee,
    /// The aggregate signature is not that of the participants on this block and network.
    #[error("the sync committee did not sign this")]
    WrongSignature,
    /// A key of the committee is no point of the curve's group.
    #[error("the sync committee has a key that is none")]
    WrongKey,
    /// A configured network makes no sense.
    #[error("the network's description cannot be used: {0}")]
    Network(String),
    /// What was saved cannot be taken up again.
    #[error("the saved light client cannot be taken up again: {0}")]
    Saved(String),
}

impl Error {
    pub(crate) fn malformed(what: &'static str, detail: impl fmt::Display) -> Self {
        let detail = detail.to_string().chars().take(160).collect();
        Self::Malformed { what, detail }
    }

    /// Whether it may be the box that is too old rather than the sender who is wrong.
    pub fn asks_for_newer_box(&self) -> bool {
        matches!(
            self,
            Self::UnknownFork { .. } | Self::UnsupportedFork { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_and_whose_fault_it_is() {
        let fork = Error::UnsupportedFork { fork: Fork::Gloas };
        assert!(fork.asks_for_newer_box());
        assert!(fork.to_string().contains("\"gloas\""), "{fork}");
        for (branch, words) in [
            (Branch::Execution, "the execution header"),
            (Branch::Finality, "the finalized block"),
            (Branch::CurrentCommittee, "the current sync committee"),
            (Branch::NextCommittee, "the next sync committee"),
        ] {
            let error = Error::WrongBranch(branch);
            assert_eq!(error.to_string(), format!("the proof of {words} is wrong"));
            assert!(!error.asks_for_newer_box());
        }
        let long = Error::malformed("update", "x".repeat(1_000));
        assert!(long.to_string().len() < 200);
        assert_eq!(format!("{:?}", crate::Bytes([0xab; 2])), "0xabab");
    }
}
