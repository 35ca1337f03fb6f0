// Chains of keys that can only be followed forward. Each key seals once; a chain steps every so many
// keys, and what was used or passed cannot be made again. Section 6 of docs/PROTOCOL.md.
import { Reader, ensure } from "../bytes";
import { hmac } from "./crypto";
import { concat, u64, u8 } from "./writer";

/** Indices between two steps of a pose chain; the others step with each index. */
export const POSE_STEP = 64;
/** Steps that a receiver follows a chain at once. */
const FURTHEST = 1_024;

/** A chain as it stands: the next index, and the chain key of that index's step. */
export interface ChainState {
  index: number;
  key: Uint8Array;
}

/** A counter of the wire; none comes near the limit of exact numbers. */
export function readCount(reader: Reader): number {
  const count = reader.u64();
  ensure(count <= BigInt(Number.MAX_SAFE_INTEGER), "a counter is absurdly high");
  return Number(count);
}

const stepped = (key: Uint8Array): Uint8Array => hmac(key, u8(2));
const keyOf = (chain: Uint8Array, index: number): Uint8Array => hmac(chain, concat(u8(1), u64(index)));

/** The chain key that stands `from` indices away from `state`, at `index`. */
function follow(state: ChainState, index: number, size: number): ChainState {
  let { key } = state;
  const steps = Math.floor(index / size) - Math.floor(state.index / size);
  for (let step = 0; step < steps; step++) key = stepped(key);
  return { index, key };
}

/** A sender's chain. */
export class SendChain {
  private at: ChainState;

  /** `key` must be 32 fresh random bytes. */
  constructor(
    key: Uint8Array,
    private readonly size: number,
  ) {
    this.at = { index: 0, key };
  }

  /** What a new receiver is given: everything from the next index on. */
  get state(): ChainState {
    return this.at;
  }

  /** A key that is used once. */
  next(): { index: number; key: Uint8Array } {
    const { index, key } = this.at;
    this.at = follow(this.at, index + 1, this.size);
    return { index, key: keyOf(key, index) };
  }

  /** Moves on to where a step begins, so that a new receiver opens nothing that was said before. */
  skipToStep(): void {
    const { index } = this.at;
    this.at = follow(this.at, Math.ceil(index / this.size) * this.size, this.size);
  }
}

/** A receiver's copy of a sender's chain. */
export class ReceiveChain {
  constructor(
    private at: ChainState,
    private readonly size: number,
  ) {}

  /**
   * Opens what was sealed at `index`; the chain moves only if `open` does not throw. An index that was
   * passed, or that is too far ahead, throws a `FormatError`.
   */
  open(index: number, open: (key: Uint8Array) => Uint8Array): Uint8Array {
    const ahead = Math.floor(index / this.size) - Math.floor(this.at.index / this.size);
    ensure(index >= this.at.index && ahead <= FURTHEST, "this index was passed or is too far ahead");
    const there = follow(this.at, index, this.size);
    const plain = open(keyOf(there.key, index));
    this.at = follow(there, index + 1, this.size);
    return plain;
  }

  /** Nothing is opened any more. */
  close(): void {
    this.at = { index: Infinity, key: new Uint8Array(32) };
  }

  /** A further `KEY` of the same epoch: forward, never back. */
  forward(state: ChainState): void {
    if (state.index > this.at.index) this.at = state;
  }
}
