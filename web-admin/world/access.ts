// Checks alone that a wallet has a pass to a model or a parcel, without believing the box that says
// so.
import { unhex } from "./bytes";
import { tokenId } from "./format";
import { type StorageProof, verifyHeader, verifyWord, word } from "./storage";
import { ensureProof, keccak } from "./trie";

/** What a box answers about access; only with `how` = "proved" there is something to check. */
export interface AccessAnswer {
  allowed: boolean;
  how: "free" | "proved" | "told";
  trust: string;
  block: { number: number; hash: string; timestamp: number };
  expiry: number | null;
  proof: (StorageProof & { headerRlp: string }) | null;
}

/** What is known from elsewhere; a proof about another contract or wallet proves nothing here. */
export interface KnownPass {
  /** As the contract numbers it: `modelSubject` or `parcelSubject`. */
  subject: bigint;
  wallet: string;
  /** Address of the AccessPass contract. */
  pass: string;
  /** A block hash that is trusted; without it the proof holds only as far as its block does. */
  blockHash?: string;
}

/** What was proved of a pass, as of one block. */
export interface ProvedPass {
  /** Whether it was valid in that block. */
  allowed: boolean;
  /** When it ends or ended, Unix seconds; `null` if there never was one. */
  expiry: bigint | null;
  blockNumber: bigint;
  blockHash: string;
  timestamp: bigint;
}

/** Slot of the passes' mapping in AccessPass, for ever. */
const PASSES = 0n;
const PARCELS = 1n << 255n;

/** A model's token ID as a subject. */
export function modelSubject(model: bigint): bigint {
  ensureProof(model >= 0n && model < PARCELS, "there is no such model");
  return model;
}

/** A parcel as a subject. */
export function parcelSubject(x: number, y: number): bigint {
  return PARCELS | BigInt(tokenId(x, y));
}

/** Checks the proof in `answer`; throws an error that says where it fails. */
export function verifyPass(answer: AccessAnswer, known: KnownPass): ProvedPass {
  const { proof, block } = answer;
  ensureProof(answer.how === "proved" && proof !== null, "this was told, not proved");
  const header = verifyHeader(proof.headerRlp, block.hash, known.blockHash);
  const { stateRoot, blockNumber, blockHash, timestamp } = header;
  ensureProof(blockNumber === BigInt(block.number), "the block has another number");
  ensureProof(timestamp === BigInt(block.timestamp), "the block has another time");
  const wallet = unhex(known.wallet.toLowerCase());
  ensureProof(wallet.length === 20, "this is no wallet's address");
  const ofSubject = entry(word(known.subject), word(PASSES));
  const key = entry(word(BigInt(known.wallet)), ofSubject);
  const stored = verifyWord(stateRoot, proof, known.pass, key);
  const expiry = stored === 0n ? null : stored;
  const allowed = stored > timestamp;
  ensureProof(allowed === answer.allowed, "the pass says otherwise than the box");
  return { allowed, expiry, blockNumber, blockHash, timestamp };
}

/** Where a mapping at `slot` keeps a key's entry (Solidity's storage layout). */
function entry(key: Uint8Array, slot: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(key);
  bytes.set(slot, 32);
  return keccak(bytes);
}
