//! What wallets sign for the relay (EIP-712).

use sha3::{Digest, Keccak256};

/// The hash that is signed: domain `Cosmos relay`, version 1, the chain; `message` is the hash of the
/// message's struct.
pub(crate) fn digest(chain_id: u64, message: &[u8; 32]) -> [u8; 32] {
    let domain = keccak(&[
        &keccak(&[b"EIP712Domain(string name,string version,uint256 chainId)"]),
        &keccak(&[b"Cosmos relay"]),
        &keccak(&[b"1"]),
        &word(&chain_id.to_be_bytes()),
    ]);
    keccak(&[&[0x19, 0x01], &domain, message])
}

pub(crate) fn keccak(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Keccak256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// A number, highest byte first, in a word.
pub(crate) fn word(number: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    word[32 - number.len()..].copy_from_slice(number);
    word
}
