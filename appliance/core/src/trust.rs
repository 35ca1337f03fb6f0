//! How much a statement about the chain is worth: who vouches for the block that it is made of.
//! Shown with every answer, so that nobody takes one endpoint's word for a proof.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{BlockRef, EndpointStatus, Health};

/// Who vouches for a block, least first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case", tag = "level")]
pub enum Trust {
    /// One JSON-RPC endpoint says so.
    #[default]
    Rpc,
    /// Several endpoints say the same, independently of each other as far as the owner chose them
    /// well.
    Quorum {
        /// How many say the same.
        agree: u8,
        /// How many were asked.
        of: u8,
    },
    /// Two thirds of Ethereum's sync committee signed the block; the box checked the signature
    /// itself, as for [`Trust::Finalized`]. The block is not final: a reorganisation may undo it.
    Signed,
    /// The block is final and Ethereum's sync committee signed that; the box checked the
    /// signature itself, starting from a checkpoint that the owner chose.
    Finalized,
}

impl Trust {
    /// One word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rpc => "rpc",
            Self::Quorum { .. } => "quorum",
            Self::Signed => "signed",
            Self::Finalized => "finalized",
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rpc => write!(f, "one endpoint's word"),
            Self::Quorum { agree, of } => write!(f, "{agree} of {of} endpoints say the same"),
            Self::Signed => write!(
                f,
                "not final yet, but signed by Ethereum's validators and checked by the box itself"
            ),
            Self::Finalized => write!(
                f,
                "final, signed by Ethereum's validators and checked by the box itself"
            ),
        }
    }
}

/// The newest block that is vouched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VouchedBlock {
    /// The block.
    pub block: BlockRef,
    /// Who vouches for it.
    pub trust: Trust,
    /// Its slot on the beacon chain, where that is known.
    pub slot: Option<u64>,
}

/// Where the light client's trust begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointStatus {
    /// Root of the beacon block that the owner chose.
    #[serde(with = "hex::serde")]
    pub root: [u8; 32],
    /// Seconds since that block's slot; `None` until the block itself has been fetched.
    pub age: Option<u64>,
}

/// What vouches for blocks, and how well it does.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TrustStatus {
    /// What the owner asked for.
    pub level: Trust,
    /// How it is doing.
    pub health: Health,
    /// One sentence for the owner, in which the level of trust is named in plain words.
    pub sentence: String,
    /// The newest block that is vouched for.
    pub block: Option<VouchedBlock>,
    /// Where the light client started, if there is one.
    pub checkpoint: Option<CheckpointStatus>,
    /// The endpoints that are asked for headers.
    pub endpoints: Vec<EndpointStatus>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_trust_is_greater() {
        let quorum = |agree| Trust::Quorum { agree, of: 3 };
        assert!(Trust::Rpc < quorum(2) && quorum(2) < quorum(3) && quorum(3) < Trust::Signed);
        assert!(Trust::Signed < Trust::Finalized);
    }

    #[test]
    fn is_written_by_its_name() {
        let json = serde_json::to_string(&Trust::Quorum { agree: 2, of: 3 }).unwrap();
        assert_eq!(json, r#"{"level":"quorum","agree":2,"of":3}"#);
        assert_eq!(
            serde_json::from_str::<Trust>(r#"{"level":"finalized"}"#).unwrap(),
            Trust::Finalized
        );
    }
}
