//! Whether a wallet may have a model's content or enter a parcel, with how the box knows: what was
//! proved is one thing, what somebody told is another, and neither passes for the other.

use crate::{BlockRef, ModelId, Parcel, Trust, UnixTime, WalletAddress};

/// What a wallet asks access to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A model's content.
    Model(ModelId),
    /// A parcel's ground.
    Parcel(Parcel),
}

impl Subject {
    /// Its number in the AccessPass contract, big endian: of a model the token ID, of a parcel
    /// 2^255 more than that.
    pub fn number(self) -> [u8; 32] {
        let mut number = [0; 32];
        let id = match self {
            Self::Model(id) => id,
            Self::Parcel(parcel) => {
                number[0] = 0x80;
                parcel.token_id().into()
            }
        };
        number[24..].copy_from_slice(&id.to_be_bytes());
        number
    }
}

/// The answer to a question of access, as of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// What was asked about.
    pub subject: Subject,
    /// Who is to have access.
    pub wallet: WalletAddress,
    /// Whether the wallet has it at `block`.
    pub allowed: bool,
    /// The block that this is true of.
    pub block: BlockRef,
    /// Who vouches for all that the answer is made of; `None` if nothing of it was proved.
    pub trust: Option<Trust>,
    /// When the chain last confirmed what the box knows of it.
    pub observed_at: UnixTime,
    /// How the box knows.
    pub basis: Basis,
}

/// How the box knows of an access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// The model has no gate.
    Free,
    /// The pass, or that there is none, was proved against the block's state root.
    Proved(Box<PassProof>),
    /// Endpoints say what a stranger's contract answers. Nobody proved it.
    Told {
        /// The contract.
        gate: WalletAddress,
        /// How many endpoints say so.
        agree: u8,
        /// How many were asked.
        of: u8,
    },
}

/// When a pass ends, proved against a block header by EIP-1186 Merkle proofs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassProof {
    /// The block's header in RLP; its Keccak-256 is the block's hash, its fourth field the state
    /// root and its twelfth the timestamp.
    pub header_rlp: Vec<u8>,
    /// The AccessPass contract.
    pub account: WalletAddress,
    /// Trie nodes in RLP from the state root to the contract's account.
    pub account_proof: Vec<Vec<u8>>,
    /// The contract's storage root, as its account says.
    pub storage_hash: [u8; 32],
    /// Storage slot of the passes' mapping, big endian.
    pub slot: [u8; 32],
    /// Storage key of the pass: Keccak-256 of the wallet in 32 bytes and the Keccak-256 of subject
    /// and `slot`. The trie's path is its Keccak-256 once more.
    pub key: [u8; 32],
    /// The word that is stored there, big endian: when the pass ends, in Unix seconds; zero if
    /// there never was one.
    pub value: [u8; 32],
    /// Trie nodes in RLP from the storage root to the word, or to where it would be.
    pub storage_proof: Vec<Vec<u8>>,
}

impl PassProof {
    /// When the pass ends or ended; `None` if there never was one. A time beyond 64 bits is the
    /// last that they hold.
    pub fn expiry(&self) -> Option<UnixTime> {
        let (high, low) = self.value.split_at(24);
        let low = low.try_into().map_or(u64::MAX, u64::from_be_bytes);
        let expiry = if high.iter().any(|byte| *byte != 0) {
            u64::MAX
        } else {
            low
        };
        (expiry != 0).then_some(UnixTime(expiry))
    }

    /// Whether the pass is valid in a block of this time, as the contract itself says.
    pub fn is_valid_at(&self, block: UnixTime) -> bool {
        self.expiry().is_some_and(|expiry| expiry > block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_is_no_model() {
        let model = Subject::Model(0x0102).number();
        assert_eq!((model[0], &model[30..]), (0, &[1, 2][..]));
        let parcel = Parcel { x: 0, y: 0 };
        let number = Subject::Parcel(parcel).number();
        assert_eq!(number[0], 0x80);
        assert_eq!(&number[28..], &[0x80, 0, 0x80, 0]);
    }

    #[test]
    fn a_pass_ends_at_its_time() {
        let proof = |value| PassProof {
            header_rlp: Vec::new(),
            account: WalletAddress([0; 20]),
            account_proof: Vec::new(),
            storage_hash: [0; 32],
            slot: [0; 32],
            key: [0; 32],
            value,
            storage_proof: Vec::new(),
        };
        let mut value = [0; 32];
        assert_eq!(proof(value).expiry(), None);
        assert!(!proof(value).is_valid_at(UnixTime(0)));
        value[31] = 100;
        assert_eq!(proof(value).expiry(), Some(UnixTime(100)));
        assert!(proof(value).is_valid_at(UnixTime(99)));
        assert!(!proof(value).is_valid_at(UnixTime(100)));
        value[0] = 1;
        assert_eq!(proof(value).expiry(), Some(UnixTime(u64::MAX)));
    }
}
