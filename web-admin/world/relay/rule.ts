// What the chain has to say of a wallet before somebody enters a room. The room's name commits to it.
// Section 4 of docs/PROTOCOL.md.
import { Reader, ensure } from "../bytes";
import { concat, equal, i16, u64, u8 } from "./writer";

/** A room's rule: what a wallet has to have on the chain with this EIP-155 ID. */
export type Rule = { chain: number } & (
  | {
      /** A pass of AccessPass to the ground of this parcel. */
      kind: "pass";
      x: number;
      y: number;
    }
  | {
      /** What the gate of this model asks for. */
      kind: "model";
      token: bigint;
    }
  | {
      /** CYBR in its smallest unit, or parcels: at least so much, and not 0. */
      kind: "cybr" | "land";
      amount: bigint;
    }
);

/** Bytes of a rule. */
const LENGTH = 25;
const KINDS = { pass: 1, model: 2, cybr: 3, land: 4 } as const;

/** The bytes that travel and that the room's name commits to; throws a `FormatError` if it asks for nothing. */
export function writeRule(rule: Rule): Uint8Array {
  const bytes = new Uint8Array(LENGTH);
  bytes.set(concat(u8(KINDS[rule.kind]), u64(rule.chain), operand(rule)));
  return bytes;
}

function operand(rule: Rule): Uint8Array {
  switch (rule.kind) {
    case "pass":
      ensure([rule.x, rule.y].every((at) => at === (at << 16) >> 16), "there is no such parcel");
      return concat(i16(rule.x), i16(rule.y));
    case "model":
      ensure(rule.token >= 0n && rule.token < 1n << 64n, "there is no such model");
      return u64(rule.token);
    case "cybr":
    case "land":
      ensure(rule.amount > 0n && rule.amount < 1n << 128n, "a rule asks for 1 to 2^128 - 1");
      return concat(u64(rule.amount & 0xffff_ffff_ffff_ffffn), u64(rule.amount >> 64n));
  }
}

/** Reads a rule; throws a `FormatError` if it is none, or one spelt otherwise than it is written. */
export function readRule(reader: Reader): Rule {
  const bytes = reader.take(LENGTH);
  const rule = parse(new Reader(bytes));
  ensure(equal(writeRule(rule), bytes), "a rule has one spelling");
  return rule;
}

function parse(reader: Reader): Rule {
  const kind = reader.u8();
  const chain = Number(reader.u64());
  ensure(Number.isSafeInteger(chain), "there is no such chain");
  switch (kind) {
    case KINDS.pass:
      return { kind: "pass", chain, x: reader.i16(), y: reader.i16() };
    case KINDS.model:
      return { kind: "model", chain, token: reader.u64() };
    case KINDS.cybr:
    case KINDS.land: {
      const [low, high] = [reader.u64(), reader.u64()];
      return { kind: kind === KINDS.cybr ? "cybr" : "land", chain, amount: (high << 64n) | low };
    }
    default:
      return ensure(false, "there is no such rule") as never;
  }
}
