//! A wallet lets a key of a moment speak for it in one room of the relay.

use crate::typed_data::{digest, keccak, word};

/// What a wallet signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delegation {
    /// The Ed25519 key that speaks for it.
    pub client: [u8; 32],
    /// The id of the room, and of no other.
    pub room: [u8; 16],
    /// Unix seconds.
    pub expires: u64,
}

impl Delegation {
    /// What is signed, by EIP-712: domain `Cosmos relay`, version 1, the chain; type
    /// `Delegation(bytes32 clientKey,bytes32 room,uint64 expires)`, the room's id followed by zeros.
    pub fn hash(&self, chain_id: u64) -> [u8; 32] {
        let mut room = [0; 32];
        room[..16].copy_from_slice(&self.room);
        let message = keccak(&[
            &keccak(&[b"Delegation(bytes32 clientKey,bytes32 room,uint64 expires)"]),
            &self.client,
            &room,
            &word(&self.expires.to_be_bytes()),
        ]);
        digest(chain_id, &message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bound_to_key_room_end_and_chain() {
        let signed = Delegation {
            client: [1; 32],
            room: [2; 16],
            expires: 3,
        };
        let others = [
            Delegation {
                client: [9; 32],
                ..signed
            },
            Delegation {
                room: [9; 16],
                ..signed
            },
            Delegation {
                expires: 9,
                ..signed
            },
        ];
        for other in others {
            assert_ne!(other.hash(1), signed.hash(1));
        }
        assert_ne!(signed.hash(2), signed.hash(1));
    }
}
