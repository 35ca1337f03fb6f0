//! ChaCha20-Poly1305 under a key that is used once, so that the nonce is twelve zeros.

use hkdf::Hkdf;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use sha2::Sha256;

use crate::{Malformed, frame::TAG};

/// The key for one use of a room's secret; `random` must be fresh.
pub(super) fn once_key(root: &[u8; 32], random: &[u8], purpose: &str) -> [u8; 32] {
    let mut key = [0; 32];
    let derived = Hkdf::<Sha256>::new(Some(random), root).expand(purpose.as_bytes(), &mut key);
    debug_assert!(derived.is_ok(), "32 bytes are not too many for HKDF");
    key
}

fn key(key: &[u8; 32]) -> Result<(LessSafeKey, Nonce), Malformed> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| Malformed)?;
    Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key([0; 12])))
}

/// Seals `bytes[start..]` in place and appends the tag. `secret` must never be used again.
pub fn seal_once(
    secret: &[u8; 32],
    associated: &[u8],
    bytes: &mut Vec<u8>,
    start: usize,
) -> Result<(), Malformed> {
    let (key, nonce) = key(secret)?;
    let plain = bytes.get_mut(start..).ok_or(Malformed)?;
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(associated), plain)
        .map_err(|_| Malformed)?;
    bytes.extend_from_slice(tag.as_ref());
    Ok(())
}

/// Opens ciphertext and tag.
pub fn open_once(
    secret: &[u8; 32],
    associated: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, Malformed> {
    let length = sealed.len().checked_sub(TAG).ok_or(Malformed)?;
    let (key, nonce) = key(secret)?;
    let mut bytes = sealed.to_vec();
    key.open_in_place(nonce, Aad::from(associated), &mut bytes)
        .map_err(|_| Malformed)?;
    bytes.truncate(length);
    Ok(bytes)
}
