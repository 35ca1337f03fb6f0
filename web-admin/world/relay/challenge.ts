// Work before a handshake, when a box is asked for too many. Section 3 of docs/PROTOCOL.md.
import { sha256 } from "./crypto";
import { HARDEST, type Solution } from "./frame";
import { concat, u64 } from "./writer";

/** Leading zero bits of SHA-256(nonce ‖ e ‖ counter). */
export function zeroBits(solution: Solution, ephemeral: Uint8Array): number {
  let bits = 0;
  for (const byte of sha256(concat(solution.nonce, ephemeral, u64(solution.counter)))) {
    bits += Math.clz32(byte) - 24;
    if (byte !== 0) break;
  }
  return bits;
}

/** Does the work: about 2^bits hashes. */
export function solve(bits: number, nonce: Uint8Array, ephemeral: Uint8Array): Solution {
  const solution = { nonce, counter: 0 };
  while (zeroBits(solution, ephemeral) < Math.min(bits, HARDEST)) solution.counter++;
  return solution;
}
