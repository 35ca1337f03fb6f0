// What wallets sign for boxes (EIP-712): one domain and messages whose fields are of one word each. The
// box's half is appliance/core/src/typed_data.rs.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { concat, ensure, hex, unhex } from "./bytes";
import { keccak } from "./trie";

/** A field of a message: its name and its type. */
export type Field = readonly [name: string, type: "bytes32" | "address" | "uint8" | "uint64"];

/** What `eth_signTypedData_v4` is given. */
export interface TypedData {
  domain: { name: "Cosmos relay"; version: "1"; chainId: number };
  primaryType: string;
  types: Record<string, { name: string; type: string }[]>;
  message: Record<string, string | number>;
}

const DOMAIN = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
];

/** A message of this type for wallets on this chain (EIP-155). */
export function typedDataOf<Message extends TypedData["message"]>(
  chainId: number,
  primaryType: string,
  fields: readonly Field[],
  message: Message,
) {
  return {
    domain: { name: "Cosmos relay", version: "1", chainId } as const,
    primaryType,
    types: { EIP712Domain: DOMAIN, [primaryType]: fields.map(([name, type]) => ({ name, type })) },
    message,
  };
}

const utf8 = (text: string) => new TextEncoder().encode(text);

/** A number, or the digits of one, in 32 bytes. */
function word(value: string | number): Uint8Array {
  const digits = BigInt(value).toString(16).padStart(64, "0");
  ensure(digits.length === 64, "a field is longer than a word");
  return unhex(`0x${digits}`);
}

/** The hash that is signed. */
export function typedHash({ domain, primaryType, types, message }: TypedData): Uint8Array {
  const typed = (name: string, words: Uint8Array[]) => {
    const fields = (types[name] ?? []).map((field) => `${field.type} ${field.name}`);
    return keccak(concat(keccak(utf8(`${name}(${fields})`)), ...words));
  };
  const { name, version, chainId } = domain;
  const place = typed("EIP712Domain", [keccak(utf8(name)), keccak(utf8(version)), word(chainId)]);
  const words = (types[primaryType] ?? []).map(({ name }) => word(message[name] ?? 0));
  return keccak(concat(Uint8Array.of(0x19, 0x01), place, typed(primaryType, words)));
}

/** The address of the wallet that signed this, in lower case; `null` if the signature (r, s, v) is none. */
export function signerOf(hash: Uint8Array, signature: Uint8Array): string | null {
  const recovery = (signature[64] ?? 0) - 27;
  if (signature.length !== 65 || recovery < 0 || recovery > 1) return null;
  try {
    const parsed = secp256k1.Signature.fromBytes(signature.subarray(0, 64), "compact");
    // The other spelling of the same signature counts nowhere.
    if (parsed.hasHighS()) return null;
    const key = parsed.addRecoveryBit(recovery).recoverPublicKey(hash);
    return hex(keccak(key.toBytes(false).subarray(1)).subarray(12));
  } catch {
    return null;
  }
}
