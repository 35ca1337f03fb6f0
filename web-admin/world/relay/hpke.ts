// Hybrid public key encryption of one message with a pre-shared key: RFC 9180, mode PSK,
// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. Wraps chain keys for a member.
import { decrypt, encrypt, hkdfExpand, hkdfExtract, x25519Public, x25519Shared } from "./crypto";
import { ascii, concat, u8 } from "./writer";

const MODE_PSK = 1;
const NOTHING = new Uint8Array(0);
// RFC 9180 writes numbers with the highest byte first.
const KEM_SUITE = concat(ascii("KEM"), Uint8Array.of(0x00, 0x20));
const SUITE = concat(ascii("HPKE"), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x03));
const VERSION = ascii("HPKE-v1");

function labeledExtract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  return hkdfExtract(salt, concat(VERSION, suite, ascii(label), ikm));
}

function labeledExpand(
  suite: Uint8Array,
  prk: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  const size = Uint8Array.of(length >> 8, length & 255);
  return hkdfExpand(prk, concat(size, VERSION, suite, ascii(label), info), length);
}

/** What both ends know beforehand. */
export interface Known {
  info: Uint8Array;
  psk: Uint8Array;
  pskId: Uint8Array;
}

function keyAndNonce(shared: Uint8Array, enc: Uint8Array, receiver: Uint8Array, known: Known) {
  const prk = labeledExtract(KEM_SUITE, NOTHING, "eae_prk", shared);
  const secret = labeledExpand(KEM_SUITE, prk, "shared_secret", concat(enc, receiver), 32);
  const pskId = labeledExtract(SUITE, NOTHING, "psk_id_hash", known.pskId);
  const info = labeledExtract(SUITE, NOTHING, "info_hash", known.info);
  const context = concat(u8(MODE_PSK), pskId, info);
  const schedule = labeledExtract(SUITE, secret, "secret", known.psk);
  return {
    key: labeledExpand(SUITE, schedule, "key", context, 32),
    nonce: labeledExpand(SUITE, schedule, "base_nonce", context, 12),
  };
}

/** Seals for the owner of the X25519 key `receiver`; `ephemeral` must be 32 fresh random bytes. */
export function sealTo(
  receiver: Uint8Array,
  ephemeral: Uint8Array,
  known: Known,
  plain: Uint8Array,
  aad: Uint8Array = NOTHING,
): { enc: Uint8Array; sealed: Uint8Array } {
  const enc = x25519Public(ephemeral);
  const { key, nonce } = keyAndNonce(x25519Shared(ephemeral, receiver), enc, receiver, known);
  return { enc, sealed: encrypt(key, nonce, plain, aad) };
}

/** Opens what was sealed to the public half of `secret`; throws a `FormatError` if it was not. */
export function openFrom(
  secret: Uint8Array,
  enc: Uint8Array,
  known: Known,
  sealed: Uint8Array,
  aad: Uint8Array = NOTHING,
): Uint8Array {
  const receiver = x25519Public(secret);
  const { key, nonce } = keyAndNonce(x25519Shared(secret, enc), enc, receiver, known);
  return decrypt(key, nonce, sealed, aad);
}
