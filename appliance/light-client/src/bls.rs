//! BLS12-381 as the consensus specification uses it: many signatures on one message, added up.

use blst::{
    BLST_ERROR,
    min_pk::{PublicKey, Signature},
};

use crate::{Bytes, Error, Root};

/// The proof-of-possession scheme's ciphersuite (`specs/phase0/beacon-chain.md`).
pub(crate) const CIPHERSUITE: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

/// Reads a compressed public key and checks that it is in the group (`KeyValidate`).
pub(crate) fn public_key(bytes: &Bytes<48>) -> Result<PublicKey, Error> {
    PublicKey::key_validate(&bytes.0).map_err(|_| Error::WrongKey)
}

/// Whether all of `keys` signed `message` (`FastAggregateVerify`).
pub(crate) fn have_signed(keys: &[&PublicKey], message: &Root, signature: &Bytes<96>) -> bool {
    let Ok(signature) = Signature::from_bytes(&signature.0) else {
        return false;
    };
    signature.fast_aggregate_verify(true, &message.0, CIPHERSUITE, keys) == BLST_ERROR::BLST_SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_points_of_the_group_are_keys() {
        let mut infinity = Bytes::ZERO;
        infinity.0[0] = 0xc0;
        assert!(public_key(&infinity).is_err());
        assert!(public_key(&Bytes::ZERO).is_err());
        assert!(public_key(&Bytes([0xff; 48])).is_err());
        // On the curve, but of another order: nearly all points are.
        let outside = (1..=255).map(|x| {
            let mut key = Bytes::ZERO;
            (key.0[0], key.0[47]) = (0x80, x);
            key
        });
        let on_the_curve = |key: &Bytes<48>| PublicKey::uncompress(&key.0).is_ok();
        let outside: Vec<_> = outside.filter(on_the_curve).collect();
        assert!(outside.len() > 50);
        assert!(outside.iter().all(|key| public_key(key).is_err()));
    }
}
