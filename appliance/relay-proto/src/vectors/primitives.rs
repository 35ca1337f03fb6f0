//! The primitives against the standards.

use ed25519_dalek::{Signer, SigningKey, Verifier};
use hkdf::Hkdf;
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, PskBundle, Serializable, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::X25519HkdfSha256,
};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;
use snow::{
    params::DHChoice,
    resolvers::{CryptoResolver, DefaultResolver},
};

use super::{array, bytes, primitives};
use crate::noise::builder;

#[test]
fn rfc_8439() {
    for case in primitives()["chacha20poly1305"].as_array().unwrap() {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes(&case["key"])).unwrap();
        let key = LessSafeKey::new(key);
        let nonce = || Nonce::assume_unique_for_key(array(&case["nonce"]));
        let mut text = bytes(&case["plaintext"]);
        let tag = key
            .seal_in_place_separate_tag(nonce(), Aad::from(bytes(&case["aad"])), &mut text)
            .unwrap();
        assert_eq!(text, bytes(&case["ciphertext"]));
        assert_eq!(tag.as_ref(), bytes(&case["tag"]));
        text.extend(tag.as_ref());
        let opened = key
            .open_in_place(nonce(), Aad::from(bytes(&case["aad"])), &mut text)
            .unwrap();
        assert_eq!(opened, bytes(&case["plaintext"]));
    }
}

#[test]
fn rfc_7748() {
    for case in primitives()["x25519"].as_array().unwrap() {
        let mut dh = DefaultResolver.resolve_dh(&DHChoice::Curve25519).unwrap();
        dh.set(&bytes(&case["scalar"]));
        let mut out = [0; 32];
        dh.dh(&bytes(&case["u"]), &mut out).unwrap();
        assert_eq!(out.to_vec(), bytes(&case["out"]));
    }
}

#[test]
fn rfc_8032() {
    for case in primitives()["ed25519"].as_array().unwrap() {
        let key = SigningKey::from_bytes(&array(&case["secret"]));
        assert_eq!(
            key.verifying_key().to_bytes().to_vec(),
            bytes(&case["public"])
        );
        let message = bytes(&case["message"]);
        let signature = key.sign(&message);
        assert_eq!(signature.to_bytes().to_vec(), bytes(&case["signature"]));
        key.verifying_key().verify(&message, &signature).unwrap();
    }
}

#[test]
fn rfc_5869() {
    for case in primitives()["hkdf_sha256"].as_array().unwrap() {
        let (prk, hkdf) =
            Hkdf::<Sha256>::extract(Some(&bytes(&case["salt"])), &bytes(&case["ikm"]));
        assert_eq!(prk.to_vec(), bytes(&case["prk"]));
        let mut okm = vec![0; bytes(&case["okm"]).len()];
        hkdf.expand(&bytes(&case["info"]), &mut okm).unwrap();
        assert_eq!(okm, bytes(&case["okm"]));
    }
}

#[test]
fn rfc_9180() {
    type Suite = X25519HkdfSha256;
    for case in primitives()["hpke_psk"].as_array().unwrap() {
        let (psk, psk_id) = (bytes(&case["psk"]), bytes(&case["psk_id"]));
        let info = bytes(&case["info"]);
        let (own, public) = Suite::derive_keypair(&bytes(&case["ikmR"]));
        assert_eq!(public.to_bytes().to_vec(), bytes(&case["pkRm"]));
        let (_, ephemeral) = Suite::derive_keypair(&bytes(&case["ikmE"]));
        assert_eq!(ephemeral.to_bytes().to_vec(), bytes(&case["enc"]));
        let enc = <Suite as Kem>::EncappedKey::from_bytes(&bytes(&case["enc"])).unwrap();
        let mode = OpModeR::Psk(PskBundle::new(&psk, &psk_id).unwrap());
        let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Suite>(
            &mode,
            &own,
            &enc,
            &info,
            &bytes(&case["ct"]),
            &bytes(&case["aad"]),
        );
        assert_eq!(opened.unwrap(), bytes(&case["pt"]));
        // The sender's half, with the randomness of the standard.
        let mode = OpModeS::Psk(PskBundle::new(&psk, &psk_id).unwrap());
        let (made, ct) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Suite>(
            &mode,
            &public,
            &info,
            &bytes(&case["pt"]),
            &bytes(&case["aad"]),
            &mut Given(bytes(&case["ikmE"])),
        )
        .unwrap();
        assert_eq!(made.to_bytes(), enc.to_bytes());
        assert_eq!(ct, bytes(&case["ct"]));
    }
}

/// Gives bytes instead of randomness.
struct Given(Vec<u8>);

impl hpke::rand_core::TryRng for Given {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&std::mem::replace(&mut self.0, rest));
        Ok(())
    }
}

impl hpke::rand_core::TryCryptoRng for Given {}

#[test]
fn noise_nk() {
    for case in primitives()["noise_nk"].as_array().unwrap() {
        let [init_prologue, resp_prologue] =
            ["init_prologue", "resp_prologue"].map(|name| bytes(&case[name]));
        let mut initiator = builder([0; 32], &init_prologue)
            .unwrap()
            .remote_public_key(&bytes(&case["init_remote_static"]))
            .unwrap()
            .fixed_ephemeral_key_for_testing_only(&bytes(&case["init_ephemeral"]))
            .build_initiator()
            .unwrap();
        let mut responder = builder([0; 32], &resp_prologue)
            .unwrap()
            .local_private_key(&bytes(&case["resp_static"]))
            .unwrap()
            .fixed_ephemeral_key_for_testing_only(&bytes(&case["resp_ephemeral"]))
            .build_responder()
            .unwrap();
        let messages = case["messages"].as_array().unwrap();
        let mut out = [0; 1_024];
        let mut plain = [0; 1_024];
        for (index, message) in messages[..2].iter().enumerate() {
            let (from, to) = if index == 0 {
                (&mut initiator, &mut responder)
            } else {
                (&mut responder, &mut initiator)
            };
            let length = from
                .write_message(&bytes(&message["payload"]), &mut out)
                .unwrap();
            assert_eq!(out[..length], bytes(&message["ciphertext"]));
            let length = to.read_message(&out[..length], &mut plain).unwrap();
            assert_eq!(plain[..length], bytes(&message["payload"]));
        }
        let hash = bytes(&case["handshake_hash"]);
        assert_eq!(initiator.get_handshake_hash(), hash);
        // What comes after the handshake is sealed by this crate.
        let mut client = crate::noise::transport(initiator, true).unwrap();
        let mut server = crate::noise::transport(responder, false).unwrap();
        for (index, message) in messages[2..].iter().enumerate() {
            let (from, to) = if index % 2 == 0 {
                (&mut client, &mut server)
            } else {
                (&mut server, &mut client)
            };
            let mut frame = bytes::BytesMut::from(&bytes(&message["payload"])[..]);
            from.seal(&mut frame).unwrap();
            assert_eq!(frame[..], bytes(&message["ciphertext"])[..]);
            to.open(&mut frame).unwrap();
            assert_eq!(frame[..], bytes(&message["payload"])[..]);
        }
    }
}
