// From a block's hash to one word in a contract's storage: what every proof of a box has in common
// (EIP-1186).
import { hex, unhex } from "./bytes";
import { bytesOf, decodeRlp, ensureProof, keccak, listOf, walk } from "./trie";

/** A word of a contract's storage with the nodes that lead to it. */
export interface StorageProof {
  account: string;
  accountProof: string[];
  storageHash: string;
  slot: string;
  key: string;
  value: string;
  storageProof: string[];
}

/** What a header says, once it is known whose it is. */
export interface Header {
  stateRoot: Uint8Array;
  blockHash: string;
  blockNumber: bigint;
  /** Unix seconds. */
  timestamp: bigint;
}

/** Reads a header that has the hash `claimed`, which is `trusted` if that is given. */
export function verifyHeader(headerRlp: string, claimed: string, trusted?: string): Header {
  const header = unhex(headerRlp);
  const blockHash = hex(keccak(header));
  ensureProof(blockHash === claimed.toLowerCase(), "the header is of another block");
  if (trusted !== undefined) {
    ensureProof(blockHash === trusted.toLowerCase(), "the block is not the trusted one");
  }
  // Yellow paper, section 4.4: the fourth field is the state root, the ninth the number, the
  // twelfth the timestamp.
  const fields = listOf(decodeRlp(header), 15, "the header");
  return {
    stateRoot: bytesOf(fields[3], "the state root"),
    blockHash,
    blockNumber: numberOf(bytesOf(fields[8], "the block number")),
    timestamp: numberOf(bytesOf(fields[11], "the timestamp")),
  };
}

/** The word at `key` in the storage of `contract`, zero if the proof shows that there is none. */
export function verifyWord(
  stateRoot: Uint8Array,
  proof: StorageProof,
  contract: string,
  key: Uint8Array,
): bigint {
  const address = unhex(contract.toLowerCase());
  ensureProof(hex(address) === proof.account.toLowerCase(), "the account is not the known contract");
  const account = walk(stateRoot, address, proof.accountProof.map(unhex));
  ensureProof(account !== null, "there is no such contract in that block");
  const storageRoot = bytesOf(listOf(decodeRlp(account), 4, "the account")[2], "the storage root");
  ensureProof(hex(storageRoot) === proof.storageHash, "the account has another storage root");
  ensureProof(hex(key) === proof.key, "the storage key is not the one that was asked for");
  const stored = walk(storageRoot, key, proof.storageProof.map(unhex));
  const value = stored === null ? 0n : numberOf(bytesOf(decodeRlp(stored), "the stored word"));
  ensureProof(value === BigInt(proof.value), "another value is stored");
  return value;
}

/** A number in 32 bytes. */
export function word(value: bigint): Uint8Array {
  return unhex(`0x${value.toString(16).padStart(64, "0")}`);
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(hex(bytes));
}
