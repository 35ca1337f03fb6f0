// A wallet lets a client key speak for it in one room: what it is asked to sign, and whether it did.
// Section 12 of docs/PROTOCOL.md.
import { type Reader, ensure, hex, unhex } from "../bytes";
import { type Field, type TypedData, signerOf, typedDataOf, typedHash } from "../typed-data";
import { concat, u64 } from "./writer";

/** A wallet of ours. */
export interface Wallet {
  /** Its address. */
  address: string;
  /** Asks it to sign, for example by `eth_signTypedData_v4`; gives `0x` and 130 digits. */
  sign(data: TypedData): Promise<string> | string;
  /** Unix seconds until which the client key speaks for it; a day from now if nothing is said. */
  until?: number;
}

/** What a wallet signed. */
export interface Delegation {
  /** Its address, in lower case. */
  wallet: string;
  /** Unix seconds. */
  expires: bigint;
  /** r, s, v. */
  signature: Uint8Array;
}

/** Who may speak for a wallet, and where. */
export interface Delegate {
  /** EIP-155 chain ID. */
  chain: number;
  client: Uint8Array;
  room: Uint8Array;
}

/** Bytes of a delegation. */
export const DELEGATION = 93;
/** Seconds. */
const A_DAY = 86_400;
const FIELDS: readonly Field[] = [
  ["clientKey", "bytes32"],
  ["room", "bytes32"],
  ["expires", "uint64"],
];

function delegationData({ chain, client, room }: Delegate, expires: bigint): TypedData {
  const message = {
    clientKey: hex(client),
    room: hex(concat(room, new Uint8Array(16))),
    expires: expires.toString(),
  };
  return typedDataOf(chain, "Delegation", FIELDS, message);
}

/** Asks a wallet; `now` in Unix seconds. Throws if it does not sign, or something else did. */
export async function delegate(wallet: Wallet, to: Delegate, now: number): Promise<Delegation> {
  const expires = BigInt(Math.floor(wallet.until ?? now + A_DAY));
  ensure(expires > BigInt(now), "the wallet's delegation would be over before it begins");
  const signature = unhex(await wallet.sign(delegationData(to, expires)));
  // Some wallets count from 0.
  if (signature.length === 65 && signature[64]! < 27) signature[64]! += 27;
  const delegation = { wallet: wallet.address.toLowerCase(), expires, signature };
  ensure(isDelegated(delegation, to), `the signature is not by the wallet ${wallet.address}`);
  return delegation;
}

/** Whether the wallet signed that. Whether it is over is another question. */
export function isDelegated({ wallet, expires, signature }: Delegation, to: Delegate): boolean {
  return signerOf(typedHash(delegationData(to, expires)), signature) === wallet;
}

/** The bytes of a delegation. */
export function writeDelegation({ wallet, expires, signature }: Delegation): Uint8Array {
  return concat(unhex(wallet), u64(expires), signature);
}

export function readDelegation(reader: Reader): Delegation {
  return { wallet: reader.hex(20), expires: reader.u64(), signature: reader.take(65) };
}
