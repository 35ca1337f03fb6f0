// Ethereum's recursive length prefix and a walk down its Merkle-Patricia tries: enough to check a
// proof without asking anybody. Sources: Ethereum yellow paper, appendices B and D; EIP-1186.
import { keccak_256 } from "@noble/hashes/sha3.js";
import { hex } from "./bytes";

/** A proof that does not prove. */
export class ProofError extends Error {
  override readonly name = "ProofError";
}

export function ensureProof(condition: boolean, complaint: string): asserts condition {
  if (!condition) throw new ProofError(complaint);
}

export type Item = Uint8Array | Item[];

export const keccak = (bytes: Uint8Array): Uint8Array => keccak_256(bytes);

const EMPTY_TRIE = hex(keccak(Uint8Array.of(0x80)));

/** Nested deeper is nothing that a header or a trie has. */
const DEPTH = 8;

/** Reads one item that fills `bytes`. */
export function decodeRlp(bytes: Uint8Array): Item {
  const { item, end } = readItem(bytes, 0, DEPTH);
  ensureProof(end === bytes.length, "RLP with something behind it");
  return item;
}

function readItem(bytes: Uint8Array, at: number, depth: number): { item: Item; end: number } {
  ensureProof(depth > 0, "RLP nested too deep");
  const first = bytes[at];
  ensureProof(first !== undefined, "RLP that ends too early");
  if (first < 0x80) return { item: bytes.subarray(at, at + 1), end: at + 1 };
  const isList = first >= 0xc0;
  const short = first - (isList ? 0xc0 : 0x80);
  const lengthBytes = Math.max(0, short - 55);
  const start = at + 1 + lengthBytes;
  let length = short;
  if (lengthBytes > 0) {
    ensureProof(lengthBytes <= 4 && start <= bytes.length, "RLP of an impossible length");
    length = bytes.subarray(at + 1, start).reduce((sum, byte) => sum * 256 + byte, 0);
    ensureProof(length > 55 && bytes[at + 1] !== 0, "RLP that is longer than it has to be");
  }
  const end = start + length;
  ensureProof(end <= bytes.length, "RLP that ends too early");
  if (!isList) {
    const single = length === 1 && bytes[start]! < 0x80;
    ensureProof(!single, "RLP that is longer than it has to be");
    return { item: bytes.subarray(start, end), end };
  }
  const items: Item[] = [];
  let next = start;
  while (next < end) {
    const read = readItem(bytes.subarray(0, end), next, depth - 1);
    items.push(read.item);
    next = read.end;
  }
  return { item: items, end };
}

/** A list of exactly or at least so many items. */
export function listOf(item: Item | undefined, least: number, what: string): Item[] {
  ensureProof(Array.isArray(item) && item.length >= least, `${what} is no such list`);
  return item;
}

export function bytesOf(item: Item | undefined, what: string): Uint8Array {
  ensureProof(item instanceof Uint8Array, `${what} is no string of bytes`);
  return item;
}

function nibbles(bytes: Uint8Array): number[] {
  return Array.from(bytes).flatMap((byte) => [byte >> 4, byte & 15]);
}

/**
 * Walks from `root` along the Keccak-256 of `key` through `nodes`; gives the value there, or `null`
 * if the nodes prove that there is none.
 */
export function walk(root: Uint8Array, key: Uint8Array, nodes: Uint8Array[]): Uint8Array | null {
  const path = nibbles(keccak(key));
  let used = 0;
  const done = (value: Uint8Array | null) => {
    ensureProof(used === nodes.length, "the proof has nodes too many");
    return value;
  };
  /** The node that a parent names: by its hash, or whole if it is small. */
  const resolve = (reference: Item): Item[] => {
    if (Array.isArray(reference)) return reference;
    ensureProof(reference.length === 32, "a trie node names no child");
    const node = nodes[used++];
    ensureProof(node !== undefined, "the proof ends too early");
    ensureProof(hex(keccak(node)) === hex(reference), "a node is not the one that its parent names");
    return listOf(decodeRlp(node), 2, "a trie node");
  };

  if (nodes.length === 0 || (nodes.length === 1 && hex(nodes[0]!) === "0x80")) {
    ensureProof(hex(root) === EMPTY_TRIE, "the proof is empty, the trie is not");
    return null;
  }
  let node = resolve(root);
  let at = 0;
  for (;;) {
    if (node.length === 17) {
      const next = at < path.length ? node[path[at]!]! : node[16]!;
      if (at === path.length) return done(valueOf(next));
      at++;
      if (next instanceof Uint8Array && next.length === 0) return done(null);
      node = resolve(next);
      continue;
    }
    ensureProof(node.length === 2, "a trie node is neither branch nor leaf");
    const encoded = nibbles(bytesOf(node[0], "a trie node's path"));
    const flag = encoded[0]!;
    ensureProof(encoded.length > 0 && flag <= 3, "a trie node's path is malformed");
    const part = encoded.slice(flag & 1 ? 1 : 2);
    const fits = part.every((nibble, i) => path[at + i] === nibble);
    if (flag & 2) {
      return done(fits && at + part.length === path.length ? valueOf(node[1]!) : null);
    }
    if (!fits) return done(null);
    at += part.length;
    node = resolve(node[1]!);
  }
}

function valueOf(item: Item): Uint8Array | null {
  const value = bytesOf(item, "a trie's value");
  return value.length === 0 ? null : value;
}
