// Checks a parcel's proof alone, without believing the box that sent it.
import { hex, unhex } from "./bytes";
import { tokenId } from "./format";
import { bytesOf, decodeRlp, ensureProof, keccak, listOf, walk } from "./trie";

/** A proof as `/grid/{epoch}/{x}/{y}/proof` answers it. */
export interface ParcelProof {
  block: { number: number; hash: string; headerRlp: string };
  account: string;
  accountProof: string[];
  storageHash: string;
  slot: string;
  key: string;
  value: string;
  storageProof: string[];
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
  const header = unhex(proof.block.headerRlp);
  const blockHash = hex(keccak(header));
  ensureProof(blockHash === proof.block.hash.toLowerCase(), "the header is of another block");
  if (known.blockHash !== undefined) {
    ensureProof(blockHash === known.blockHash.toLowerCase(), "the block is not the trusted one");
  }
  // Yellow paper, section 4.4: the fourth field is the state root, the ninth the number.
  const fields = listOf(decodeRlp(header), 15, "the header");
  const stateRoot = bytesOf(fields[3], "the state root");
  const blockNumber = numberOf(bytesOf(fields[8], "the block number"));
  ensureProof(blockNumber === BigInt(proof.block.number), "the block has another number");

  const land = unhex(known.land.toLowerCase());
  ensureProof(hex(land) === proof.account.toLowerCase(), "the account is not the Land contract");
  const account = walk(stateRoot, land, proof.accountProof.map(unhex));
  ensureProof(account !== null, "there is no Land contract in that block");
  const storageRoot = bytesOf(listOf(decodeRlp(account), 4, "the account")[2], "the storage root");
  ensureProof(hex(storageRoot) === proof.storageHash, "the account has another storage root");

  const key = storageKey(tokenId(known.x, known.y), known.slot);
  ensureProof(hex(key) === proof.key, "the storage key is not this parcel's");
  const stored = walk(storageRoot, key, proof.storageProof.map(unhex));
  const value = stored === null ? 0n : numberOf(bytesOf(decodeRlp(stored), "the stored word"));
  ensureProof(value === BigInt(proof.value), "another value is stored");
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

function word(value: bigint): Uint8Array {
  return unhex(`0x${value.toString(16).padStart(64, "0")}`);
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(hex(bytes));
}
