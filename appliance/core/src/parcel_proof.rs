//! Proof of who owns a parcel, to be checked by whoever does not believe the box.

use crate::{BlockRef, Trust, WalletAddress};

/// Who owns one parcel, proved against a block header by EIP-1186 Merkle proofs. How much the
/// block itself is worth is `trust`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelProof {
    /// The block that this is the state of.
    pub block: BlockRef,
    /// The block's header in RLP; its Keccak-256 is the block's hash, and its fourth field the
    /// state root.
    pub header_rlp: Vec<u8>,
    /// The Land contract.
    pub account: WalletAddress,
    /// Trie nodes in RLP from the state root to the contract's account.
    pub account_proof: Vec<Vec<u8>>,
    /// The contract's storage root, as its account says.
    pub storage_hash: [u8; 32],
    /// Storage slot of the token owners' mapping, big endian.
    pub slot: [u8; 32],
    /// Storage key of this parcel: Keccak-256 of the token ID in 32 bytes and `slot`. The trie's
    /// path is its Keccak-256 once more.
    pub key: [u8; 32],
    /// The word that is stored there, big endian; zero for a parcel that is not minted.
    pub value: [u8; 32],
    /// Trie nodes in RLP from the storage root to the word, or to where it would be.
    pub storage_proof: Vec<Vec<u8>>,
    /// Whom the word names; `None` for a parcel that is not minted.
    pub owner: Option<WalletAddress>,
    /// Who vouches for the block.
    pub trust: Trust,
}
