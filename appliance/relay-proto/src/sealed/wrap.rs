//! HPKE (RFC 9180), mode PSK: what a KEY is wrapped in.

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, PskBundle, Serializable, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::X25519HkdfSha256, single_shot_open, single_shot_seal_with_rng,
};
use rand_chacha::ChaCha20Rng;
use zeroize::Zeroizing;

use super::RoomKeys;
use crate::Malformed;

type Suite = X25519HkdfSha256;

/// An X25519 key of a client that lives for one of its epochs.
#[derive(Clone)]
pub struct ReceiveSecret(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for ReceiveSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReceiveSecret")
    }
}

impl ReceiveSecret {
    /// From 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes.into())
    }

    /// The receive key.
    pub fn public(&self) -> [u8; 32] {
        crate::noise::public(&self.0)
    }
}

/// Seals for a receive key: enc (32 bytes), ciphertext and tag.
pub fn wrap_key(
    room: &RoomKeys,
    receive: &[u8; 32],
    info: &[u8],
    plain: &[u8],
    rng: &mut ChaCha20Rng,
) -> Result<Vec<u8>, Malformed> {
    let key = <Suite as Kem>::PublicKey::from_bytes(receive).map_err(|_| Malformed)?;
    let psk = PskBundle::new(&*room.psk, &room.id.0).map_err(|_| Malformed)?;
    let (enc, sealed) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeS::Psk(psk),
        &key,
        info,
        plain,
        &[],
        rng,
    )
    .map_err(|_| Malformed)?;
    Ok([&enc.to_bytes()[..], &sealed].concat())
}

/// Opens what [`wrap_key`] made.
pub fn unwrap_key(
    room: &RoomKeys,
    receive: &ReceiveSecret,
    info: &[u8],
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    let (enc, sealed) = wrapped.split_at_checked(32).ok_or(Malformed)?;
    let key = <Suite as Kem>::PrivateKey::from_bytes(&*receive.0).map_err(|_| Malformed)?;
    let enc = <Suite as Kem>::EncappedKey::from_bytes(enc).map_err(|_| Malformed)?;
    let psk = PskBundle::new(&*room.psk, &room.id.0).map_err(|_| Malformed)?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, Suite>(
        &OpModeR::Psk(psk),
        &key,
        &enc,
        info,
        sealed,
        &[],
    )
    .map(Zeroizing::new)
    .map_err(|_| Malformed)
}
