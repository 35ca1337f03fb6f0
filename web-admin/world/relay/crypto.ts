// The primitives as the relay uses them. From `@noble`, because a page of a box on the local network
// has no `crypto.subtle`. Section 1 of docs/PROTOCOL.md.
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac as hmacOf } from "@noble/hashes/hmac.js";
import { sha256 as sha256Of, sha512 } from "@noble/hashes/sha2.js";
import { FormatError } from "../bytes";
import { ascii, concat, equal, u8 } from "./writer";

/** Bytes of the tag of ChaCha20-Poly1305. */
export const TAG = 16;

export const sha256 = (bytes: Uint8Array): Uint8Array => sha256Of(bytes);
export const hmac = (key: Uint8Array, message: Uint8Array): Uint8Array => hmacOf(sha256Of, key, message);
export const hkdfExtract = (salt: Uint8Array, ikm: Uint8Array): Uint8Array => extract(sha256Of, ikm, salt);
export const hkdfExpand = (prk: Uint8Array, info: Uint8Array, length = 32): Uint8Array =>
  expand(sha256Of, prk, info, length);

/** ChaCha20-Poly1305 (RFC 8439). */
export function encrypt(key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, aad: Uint8Array): Uint8Array {
  return chacha20poly1305(key, nonce, aad).encrypt(plain);
}

/** The opposite; throws a {@link FormatError} if the tag is wrong. */
export function decrypt(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array {
  try {
    return chacha20poly1305(key, nonce, aad).decrypt(sealed);
  } catch {
    throw new FormatError("these bytes were not sealed with this key");
  }
}

const ZEROS = new Uint8Array(12);

/** Seals with a key that is used once. */
export const sealOnce = (key: Uint8Array, plain: Uint8Array, aad: Uint8Array): Uint8Array =>
  encrypt(key, ZEROS, plain, aad);
export const openOnce = (key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array =>
  decrypt(key, ZEROS, sealed, aad);

export const x25519Public = (secret: Uint8Array): Uint8Array => x25519.getPublicKey(secret);

/** X25519 (RFC 7748) that refuses a result of zeros, which a key of small order would give. */
export function x25519Shared(secret: Uint8Array, key: Uint8Array): Uint8Array {
  try {
    return x25519.getSharedSecret(secret, key);
  } catch {
    throw new FormatError("this is no usable X25519 key");
  }
}

/** `"cosmos-relay/1 " ‖ name ‖ 0x00 ‖ fields`. */
export function labelled(name: string, ...fields: Uint8Array[]): Uint8Array {
  return concat(ascii(`cosmos-relay/1 ${name}`), u8(0), ...fields);
}

/** An Ed25519 key (RFC 8032) of a client, a ticket or an owner. */
export class SigningKey {
  /** The public half. */
  readonly public: Uint8Array;

  /** From 32 random bytes. */
  constructor(readonly seed: Uint8Array) {
    this.public = ed25519.getPublicKey(seed);
  }

  /** Signs a label and fields, so that a signature is worth nothing for another purpose. */
  sign(name: string, ...fields: Uint8Array[]): Uint8Array {
    return ed25519.sign(labelled(name, ...fields), this.seed);
  }
}

export function verify(
  key: Uint8Array,
  signature: Uint8Array,
  name: string,
  ...fields: Uint8Array[]
): boolean {
  return verifyStrict(key, signature, labelled(name, ...fields));
}

const { Point } = ed25519;

/**
 * Ed25519 as the boxes check it: without the cofactor, and neither key nor signature of small order.
 * The library's own check multiplies by the cofactor, so that two clients could disagree about a
 * signature made to divide them.
 */
export function verifyStrict(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  if (key.length !== 32 || signature.length !== 64) return false;
  const [r, tail] = [signature.subarray(0, 32), signature.subarray(32)];
  const s = little(tail);
  const { Fn } = Point;
  if (s >= Fn.ORDER) return false;
  try {
    const a = Point.fromBytes(key, false);
    if (a.isSmallOrder() || Point.fromBytes(r, false).isSmallOrder()) return false;
    const k = Fn.create(little(sha512(concat(r, key, message))));
    const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k));
    return equal(expected.toBytes(), r);
  } catch {
    return false;
  }
}

function little(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
