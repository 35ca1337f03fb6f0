// Sessions: Noise NK between a client and a box (Noise revision 34,
// `Noise_NK_25519_ChaChaPoly_SHA256`). Section 3 of docs/PROTOCOL.md.
import { FormatError, ensure } from "../bytes";
import { TAG, decrypt, encrypt, hmac, sha256, x25519Public, x25519Shared } from "./crypto";
import { ascii, concat, u8, u64 } from "./writer";

const NAME = ascii("Noise_NK_25519_ChaChaPoly_SHA256");
const NOTHING = new Uint8Array(0);

/** One direction's key and counter. */
class CipherState {
  private counter = 0;
  constructor(private readonly key: Uint8Array) {}

  private nonce(): Uint8Array {
    return concat(new Uint8Array(4), u64(this.counter));
  }

  seal(plain: Uint8Array, aad: Uint8Array): Uint8Array {
    const sealed = encrypt(this.key, this.nonce(), plain, aad);
    this.counter++;
    return sealed;
  }

  open(sealed: Uint8Array, aad: Uint8Array): Uint8Array {
    const plain = decrypt(this.key, this.nonce(), sealed, aad);
    this.counter++;
    return plain;
  }
}

/** Noise's HKDF with two outputs. */
function twoKeys(chaining: Uint8Array, input: Uint8Array): [Uint8Array, Uint8Array] {
  const prk = hmac(chaining, input);
  const first = hmac(prk, u8(1));
  return [first, hmac(prk, concat(first, u8(2)))];
}

class SymmetricState {
  private chaining = NAME;
  private cipher: CipherState | null = null;
  hash: Uint8Array = NAME;

  mixHash(bytes: Uint8Array): void {
    this.hash = sha256(concat(this.hash, bytes));
  }

  mixKey(input: Uint8Array): void {
    const [chaining, key] = twoKeys(this.chaining, input);
    this.chaining = chaining;
    this.cipher = new CipherState(key);
  }

  private keyed(): CipherState {
    ensure(this.cipher !== null, "the handshake has no key yet");
    return this.cipher;
  }

  seal(plain: Uint8Array): Uint8Array {
    const sealed = this.keyed().seal(plain, this.hash);
    this.mixHash(sealed);
    return sealed;
  }

  open(sealed: Uint8Array): Uint8Array {
    const plain = this.keyed().open(sealed, this.hash);
    this.mixHash(sealed);
    return plain;
  }

  /** Keys of the two directions, the initiator's first. */
  split(): [CipherState, CipherState] {
    const [first, second] = twoKeys(this.chaining, NOTHING);
    return [new CipherState(first), new CipherState(second)];
  }
}

/** An open session's two directions. */
export class Transport {
  constructor(
    /** The handshake hash: unique to the session, the same at both ends. */
    readonly hash: Uint8Array,
    private readonly outward: CipherState,
    private readonly inward: CipherState,
  ) {}

  seal(cell: Uint8Array): Uint8Array {
    return this.outward.seal(cell, NOTHING);
  }

  /** Opens the next frame; throws a `FormatError` for any other. */
  open(frame: Uint8Array): Uint8Array {
    ensure(frame.length >= TAG, "a frame is shorter than its tag");
    return this.inward.open(frame, NOTHING);
  }
}

/** A client's handshake that waits for the box's answer. */
export class Initiator {
  private readonly state = new SymmetricState();
  /** Noise message 1. */
  readonly message: Uint8Array;

  /** `remote` is the box's X25519 key; `secret` must be 32 fresh random bytes. */
  constructor(
    prologue: Uint8Array,
    remote: Uint8Array,
    private readonly secret: Uint8Array,
    payload: Uint8Array,
  ) {
    const ephemeral = x25519Public(secret);
    this.state.mixHash(prologue);
    this.state.mixHash(remote);
    this.state.mixHash(ephemeral);
    this.state.mixKey(x25519Shared(secret, remote));
    this.message = concat(ephemeral, this.state.seal(payload));
  }

  /** Takes Noise message 2. */
  finish(message: Uint8Array): { transport: Transport; payload: Uint8Array } {
    ensure(message.length >= 32 + TAG, "the box's answer is too short");
    const remote = message.subarray(0, 32);
    this.state.mixHash(remote);
    this.state.mixKey(x25519Shared(this.secret, remote));
    const payload = this.state.open(message.subarray(32));
    const [outward, inward] = this.state.split();
    return { transport: new Transport(this.state.hash, outward, inward), payload };
  }
}

/** The box's side: `secret` and `ephemeral` are X25519 private keys. For tests of the client. */
export function respond(
  prologue: Uint8Array,
  secret: Uint8Array,
  ephemeral: Uint8Array,
  message: Uint8Array,
  payload: Uint8Array,
): { transport: Transport; answer: Uint8Array; received: Uint8Array } {
  if (message.length < 32 + TAG) throw new FormatError("the client's message is too short");
  const state = new SymmetricState();
  const remote = message.subarray(0, 32);
  state.mixHash(prologue);
  state.mixHash(x25519Public(secret));
  state.mixHash(remote);
  state.mixKey(x25519Shared(secret, remote));
  const received = state.open(message.subarray(32));
  const own = x25519Public(ephemeral);
  state.mixHash(own);
  state.mixKey(x25519Shared(ephemeral, remote));
  const answer = concat(own, state.seal(payload));
  const [inward, outward] = state.split();
  return { transport: new Transport(state.hash, outward, inward), answer, received };
}
