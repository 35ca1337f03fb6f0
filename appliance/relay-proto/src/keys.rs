//! Who is who: the keys of boxes and clients, and what they sign. Every signature is over a label
//! and named fields, so that one made for one purpose is worth nothing for another.

use std::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// An Ed25519 public key: a box's name on the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub [u8; 32]);

/// A box's X25519 public key for sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoiseKey(pub [u8; 32]);

/// The private half of a [`NoiseKey`].
#[derive(Clone)]
pub struct NoiseSecret(pub(crate) zeroize::Zeroizing<[u8; 32]>);

impl NoiseSecret {
    /// From 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes.into())
    }

    /// The public half.
    pub fn public(&self) -> NoiseKey {
        NoiseKey(crate::noise::public(&self.0))
    }
}

impl fmt::Debug for NoiseSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoiseSecret")
    }
}

/// A client's Ed25519 key in one room; also a ticket's and an owner's.
#[derive(Clone)]
pub struct ClientSecret(SigningKey);

impl ClientSecret {
    /// From 32 random bytes.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The client key.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    pub(crate) fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    pub(crate) fn sign(&self, name: &str, fields: &[&[u8]]) -> [u8; 64] {
        self.0.sign(&labelled(name, fields)).to_bytes()
    }

    /// For `JOIN`: proves to the box of the session with this hash that the client has its key.
    pub fn sign_join(&self, session: &[u8; 32], room: crate::RoomId) -> [u8; 64] {
        self.sign("join", &[session, &room.0])
    }

    /// As a room's owner: keeps a client key or ticket key out.
    pub fn block(
        &self,
        room: crate::RoomId,
        key: [u8; 32],
        issued: u64,
        until: u64,
    ) -> crate::record::Block {
        let (at, end) = (issued.to_le_bytes(), until.to_le_bytes());
        let signature = self.sign("block", &[&room.0, &key, &at, &end]);
        crate::record::Block {
            key,
            issued,
            until,
            signature,
        }
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// `"cosmos-relay/1 " ‖ name ‖ 0x00 ‖ fields`.
pub(crate) fn labelled(name: &str, fields: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"cosmos-relay/1 ".to_vec();
    bytes.extend(name.as_bytes());
    bytes.push(0);
    for field in fields {
        bytes.extend_from_slice(field);
    }
    bytes
}

/// Whether `key` signed; strict, so that neither weak keys nor second spellings pass.
pub(crate) fn verify(key: &[u8; 32], name: &str, fields: &[&[u8]], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| {
        key.verify_strict(&labelled(name, fields), &Signature::from_bytes(signature))
            .is_ok()
    })
}
