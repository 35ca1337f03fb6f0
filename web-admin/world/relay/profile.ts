// What members show of themselves: a name, and a wallet that signed that they speak for it. Section 12 of
// docs/PROTOCOL.md.
import { FormatError, Reader, ensure } from "../bytes";
import { DELEGATION, type Delegate, type Delegation, isDelegated, readDelegation, writeDelegation } from "./wallet";
import { concat, u16, u8 } from "./writer";

/** What the application is told of a member, or of who left a note. */
export interface Member {
  /** As it calls itself, which anybody may; empty if it does not. */
  name: string;
  /** Address of the wallet for which it speaks, in lower case: signed by it, and not expired. */
  wallet: string | null;
}

const Type = { name: 1, wallet: 2 } as const;
/** Bytes of a name at the most. */
const LONGEST_NAME = 64;

const field = (type: number, value: Uint8Array) => concat(u8(type), u16(value.length), value);

/** Throws a `FormatError` if the name has more than 64 bytes. */
export function writeProfile(name: string, delegation: Delegation | null): Uint8Array {
  const text = new TextEncoder().encode(name);
  ensure(text.length <= LONGEST_NAME, "a name has at most 64 bytes");
  const wallet = delegation === null ? [] : [field(Type.wallet, writeDelegation(delegation))];
  return concat(...(text.length > 0 ? [field(Type.name, text)] : []), ...wallet);
}

/** A profile as it came, not believed yet. What is not known is passed over, and all after what is not well formed. */
function readProfile(profile: Uint8Array): { name: string; delegation: Delegation | null } {
  const reader = new Reader(profile);
  const found: ReturnType<typeof readProfile> = { name: "", delegation: null };
  try {
    while (reader.left > 0) {
      const type = reader.u8();
      if (type === Type.name) found.name = reader.text(LONGEST_NAME);
      else if (type !== Type.wallet) reader.take(reader.u16());
      else {
        ensure(reader.u16() === DELEGATION, "a delegation has 93 bytes");
        found.delegation = readDelegation(reader);
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return found;
}

/**
 * Who a client is by its profile, at a time in Unix seconds, and when that wallet's word ends. Without a chain
 * no wallet is known.
 */
export function memberOf(
  profile: Uint8Array,
  { chain, client, room }: Omit<Delegate, "chain"> & { chain: number | null },
  at: number,
): { member: Member; until: number } {
  const { name, delegation } = readProfile(profile);
  const isHis =
    delegation !== null &&
    chain !== null &&
    delegation.expires > at &&
    isDelegated(delegation, { chain, client, room });
  return isHis
    ? { member: { name, wallet: delegation.wallet }, until: Number(delegation.expires) }
    : { member: { name, wallet: null }, until: Infinity };
}
