// Checks a parcel's proof alone, without believing the box that sent it.
import { hex } from "./bytes";
import { tokenId } from "./format";
import { keccak, ensureProof } from "./trie";
import { type StorageProof, verifyHeader, verifyWord, word } from "./storage";

/** A proof as `/grid/{epoch}/{x}/{y}/proof` answers it. */
export interface ParcelProof extends StorageProof {
  block: { number: number; hash: string; headerRlp: string };
  owner: string | null;
  trust: string;
}

/** What is known from elsewhere; a proof about another contract or parcel proves nothing here. */
export interface Known {
  x: number;
  y: number;
  /** Address of the Land contract. */
  land: string;
  /** Storage slot of its token owners. */
  slot: bigint;
  /** A block hash that is trusted; without it the proof holds only as far as its block does. */
  blockHash?: string;
}

/** What was proved: who owned the parcel in that block; `null` if it was not minted. */
export interface Proved {
  owner: string | null;
  blockNumber: bigint;
  blockHash: string;
}

/** Checks `proof`; throws an error that says where it fails. */
export function verifyParcel(proof: ParcelProof, known: Known): Proved {
  const { stateRoot, blockHash, blockNumber } = verifyHeader(
    proof.block.headerRlp,
    proof.block.hash,
    known.blockHash,
  );
  ensureProof(blockNumber === BigInt(proof.block.number), "the block has another number");
  const key = storageKey(tokenId(known.x, known.y), known.slot);
  const value = verifyWord(stateRoot, proof, known.land, key);
  const holder = value & ((1n << 160n) - 1n);
  const owner = holder === 0n ? null : hex(word(holder).subarray(12));
  ensureProof(owner === (proof.owner?.toLowerCase() ?? null), "the stored word names somebody else");
  return { owner, blockNumber, blockHash };
}

/** Where a mapping keeps the entry of a token (Solidity's storage layout). */
function storageKey(token: number, slot: bigint): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(word(BigInt(token)));
  bytes.set(word(slot), 32);
  return keccak(bytes);
}
