// Known answers of every primitive that the relay uses: what the standards say must come out here, in
// Node and in a browser. Throws where it does not.
import { ed25519 } from "@noble/curves/ed25519.js";
import { unhex } from "../bytes";
import {
  SigningKey,
  decrypt,
  encrypt,
  hkdfExpand,
  hkdfExtract,
  hmac,
  verifyStrict,
  x25519Public,
  x25519Shared,
} from "./crypto";
import { openFrom, sealTo } from "./hpke";
import answers from "./known-answers.json";
import { Initiator, respond } from "./noise";
import { equal } from "./writer";

const bytes = (digits: string) => unhex(`0x${digits}`);

function expectSame(what: string, found: Uint8Array, digits: string): void {
  if (!equal(found, bytes(digits))) throw new Error(`${what}: another answer than the known one`);
}

function expectThrows(what: string, act: () => unknown): void {
  try {
    act();
  } catch {
    return;
  }
  throw new Error(`${what}: this must fail`);
}

/** The opposite of what was meant: one bit is turned. */
function spoilt(digits: string): Uint8Array {
  const turned = bytes(digits);
  turned[turned.length - 1]! ^= 1;
  return turned;
}

const CHECKS: Record<string, () => void> = {
  "ChaCha20-Poly1305": () => {
    for (const { key, nonce, aad, plain, sealed } of answers.chacha20poly1305) {
      const [k, n, a] = [bytes(key), bytes(nonce), bytes(aad)];
      expectSame("sealed", encrypt(k, n, bytes(plain), a), sealed);
      expectSame("opened", decrypt(k, n, bytes(sealed), a), plain);
      expectThrows("a changed tag", () => decrypt(k, n, spoilt(sealed), a));
    }
  },
  HKDF: () => {
    for (const { ikm, salt, info, prk, okm } of answers.hkdfSha256) {
      expectSame("PRK", hkdfExtract(bytes(salt), bytes(ikm)), prk);
      expectSame("OKM", hkdfExpand(bytes(prk), bytes(info), okm.length / 2), okm);
    }
  },
  HMAC: () => {
    for (const { key, message, mac } of answers.hmacSha256) {
      expectSame("MAC", hmac(bytes(key), bytes(message)), mac);
    }
  },
  X25519: () => {
    for (const { secret, public: key, shared } of answers.x25519) {
      expectSame("shared", x25519Shared(bytes(secret), bytes(key)), shared);
    }
    expectThrows("a key of small order", () => x25519Shared(bytes("11".repeat(32)), new Uint8Array(32)));
  },
  Ed25519: () => {
    for (const { seed, public: key, message, signature } of answers.ed25519) {
      expectSame("public key", new SigningKey(bytes(seed)).public, key);
      expectSame("signature", ed25519.sign(bytes(message), bytes(seed)), signature);
      const holds = (signature: Uint8Array) => verifyStrict(bytes(key), signature, bytes(message));
      if (!holds(bytes(signature))) throw new Error("a true signature is refused");
      if (holds(spoilt(signature))) throw new Error("a changed signature holds");
    }
    // A key and an R of small order sign anything by the equation with the cofactor.
    const small = new Uint8Array(64);
    small[0] = 1;
    if (verifyStrict(small.slice(0, 32), small, bytes("00"))) throw new Error("a weak key signs");
  },
  HPKE: () => {
    for (const v of answers.hpkePsk) {
      const known = { info: bytes(v.info), psk: bytes(v.psk), pskId: bytes(v.pskId) };
      expectSame("receiver's key", x25519Public(bytes(v.receiverSecret)), v.receiver);
      const made = sealTo(bytes(v.receiver), bytes(v.ephemeral), known, bytes(v.plain), bytes(v.aad));
      expectSame("enc", made.enc, v.enc);
      expectSame("sealed", made.sealed, v.sealed);
      const open = (sealed: Uint8Array) =>
        openFrom(bytes(v.receiverSecret), bytes(v.enc), known, sealed, bytes(v.aad));
      expectSame("opened", open(bytes(v.sealed)), v.plain);
      expectThrows("a changed tag", () => open(spoilt(v.sealed)));
    }
  },
  "Noise NK": () => {
    for (const v of answers.noiseNk) {
      const [first, second, ...rest] = v.messages;
      const prologue = bytes(v.prologue);
      const client = new Initiator(
        prologue,
        bytes(v.responder),
        bytes(v.initiatorEphemeral),
        bytes(first!.payload),
      );
      expectSame("message 1", client.message, first!.ciphertext);
      const box = respond(
        prologue,
        bytes(v.responderSecret),
        bytes(v.responderEphemeral),
        client.message,
        bytes(second!.payload),
      );
      expectSame("payload 1", box.received, first!.payload);
      expectSame("message 2", box.answer, second!.ciphertext);
      const { transport, payload } = client.finish(box.answer);
      expectSame("payload 2", payload, second!.payload);
      expectSame("the client's hash", transport.hash, v.hash);
      expectSame("the box's hash", box.transport.hash, v.hash);
      rest.forEach(({ payload, ciphertext }, i) => {
        const [from, to] = i % 2 === 0 ? [transport, box.transport] : [box.transport, transport];
        expectSame("a frame", from.seal(bytes(payload)), ciphertext);
        expectSame("a cell", to.open(bytes(ciphertext)), payload);
        expectThrows("the same frame again", () => to.open(bytes(ciphertext)));
      });
    }
  },
};

/** The primitives, each as soon as it has given all its known answers. */
export function checkKnownAnswers(): string[] {
  return Object.entries(CHECKS).map(([name, check]) => {
    check();
    return name;
  });
}
