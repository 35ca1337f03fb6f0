// Records: what a cell holds, between a client and a box. Section 4 of docs/PROTOCOL.md.
import { FormatError, Reader, ensure } from "../bytes";
import type { Code } from "./code";
import { readCode } from "./frame";
import { type RoomName, followingRule, ruleBytes } from "./room";
import { concat, u16, u32, u64, u8 } from "./writer";

/** The slot that means everybody else. */
export const EVERYBODY = 255;
/** Lengths of a sealed pose and of a sealed message. */
export const POSE = { least: 30, most: 512 };
export const MESSAGE = { least: 30, most: 12_544 };
/** Lengths that a sealed note may have. */
export const NOTES = [512, 1_024, 2_048, 4_096];

/** The types that travel. */
export const Kind = {
  ping: 0x01,
  pong: 0x02,
  close: 0x03,
  open: 0x10,
  closed: 0x11,
  data: 0x12,
  join: 0x20,
  joined: 0x21,
  member: 0x22,
  left: 0x23,
  leave: 0x24,
  pose: 0x25,
  poseFrom: 0x26,
  send: 0x27,
  sent: 0x28,
  block: 0x29,
  refused: 0x2a,
  slower: 0x2b,
  keep: 0x2c,
  kept: 0x2d,
  fetch: 0x2e,
  note: 0x2f,
} as const;

export interface Occupant {
  slot: number;
  client: Uint8Array;
}

/**
 * One record. `join.ticket` is empty or of 168 bytes, `join.delegation` empty or of 93; `record` is the type of a
 * refused or dropped one; a `note` without sealed bytes is the last of those that there are.
 */
export type Record =
  | { type: "ping" | "pong"; token: Uint8Array }
  | { type: "close"; code: Code }
  | { type: "open"; circuit: number; node: Uint8Array }
  | { type: "closed"; circuit: number; code: Code }
  | { type: "data"; circuit: number; frame: Uint8Array }
  | ({
      type: "join";
      client: Uint8Array;
      signature: Uint8Array;
      ticket: Uint8Array;
      delegation: Uint8Array;
    } & RoomName)
  | { type: "joined"; slot: number; others: Occupant[] }
  | { type: "member"; slot: number; client: Uint8Array }
  | { type: "left"; slot: number; code: Code }
  | { type: "leave" }
  | { type: "pose"; sealed: Uint8Array }
  | { type: "poseFrom"; slot: number; sealed: Uint8Array }
  | { type: "send"; to: number; sealed: Uint8Array }
  | { type: "sent"; from: number; to: number; sealed: Uint8Array }
  | { type: "block"; key: Uint8Array; issued: bigint; until: bigint; signature: Uint8Array }
  | { type: "refused"; record: number; code: Code }
  | { type: "slower"; record: number; pause: number }
  | { type: "keep"; sealed: Uint8Array }
  | { type: "kept"; number: bigint }
  | { type: "fetch"; after: bigint }
  | { type: "note"; number: bigint; kept: bigint; sealed: Uint8Array };

/** Header and body. */
export function writeRecord(record: Record): Uint8Array {
  const body = writeBody(record);
  return concat(u8(Kind[record.type]), u16(body.length), body);
}

function writeBody(record: Record): Uint8Array {
  switch (record.type) {
    case "ping":
    case "pong":
      return record.token;
    case "close":
      return u16(record.code);
    case "open":
      return concat(u32(record.circuit), record.node);
    case "closed":
      return concat(u32(record.circuit), u16(record.code));
    case "data":
      return concat(u32(record.circuit), record.frame);
    case "join": {
      const { policy, owner, salt, rule, client, signature, ticket, delegation } = record;
      return concat(u8(policy), owner, salt, ruleBytes(policy, rule), client, signature, ticket, delegation);
    }
    case "joined": {
      const others = record.others.map(({ slot, client }) => concat(u8(slot), client));
      return concat(u8(record.slot), u8(others.length), ...others);
    }
    case "member":
      return concat(u8(record.slot), record.client);
    case "left":
      return concat(u8(record.slot), u16(record.code));
    case "leave":
      return new Uint8Array(0);
    case "pose":
    case "keep":
      return record.sealed;
    case "poseFrom":
      return concat(u8(record.slot), record.sealed);
    case "send":
      return concat(u8(record.to), record.sealed);
    case "sent":
      return concat(u8(record.from), u8(record.to), record.sealed);
    case "block":
      return concat(record.key, u64(record.issued), u64(record.until), record.signature);
    case "refused":
      return concat(u8(record.record), u16(record.code));
    case "slower":
      return concat(u8(record.record), u16(record.pause));
    case "kept":
      return u64(record.number);
    case "fetch":
      return u64(record.after);
    case "note":
      return concat(u64(record.number), u64(record.kept), record.sealed);
  }
}

/** The records of a cell. Throws at the first that the protocol does not know. */
export function parseCell(cell: Uint8Array): Record[] {
  const records: Record[] = [];
  let at = 0;
  while (at < cell.length && cell[at] !== 0) {
    const header = new Reader(cell.subarray(at));
    const kind = header.u8();
    const length = header.u16();
    records.push(parseRecord(kind, header.take(length)));
    at += 3 + length;
  }
  return records;
}

function parseRecord(kind: number, body: Uint8Array): Record {
  const reader = new Reader(body);
  const record = parseBody(kind, reader, body.length);
  reader.finish();
  return record;
}

function parseBody(kind: number, reader: Reader, length: number): Record {
  const sealed = (before: number, limits: typeof POSE) => {
    const size = length - before;
    ensure(size >= limits.least && size <= limits.most, "a sealed body has an impossible length");
    return reader.take(size);
  };
  switch (kind) {
    case Kind.ping:
      return { type: "ping", token: reader.take(8) };
    case Kind.pong:
      return { type: "pong", token: reader.take(8) };
    case Kind.close:
      return { type: "close", code: readCode(reader) };
    case Kind.open:
      return { type: "open", circuit: reader.u32(), node: reader.take(32) };
    case Kind.closed:
      return { type: "closed", circuit: reader.u32(), code: readCode(reader) };
    case Kind.data:
      return { type: "data", circuit: reader.u32(), frame: reader.take(length - 4) };
    case Kind.join:
      return parseJoin(reader, length);
    case Kind.joined: {
      const slot = reader.u8();
      const others = Array.from({ length: reader.u8() }, () => ({
        slot: reader.u8(),
        client: reader.take(32),
      }));
      return { type: "joined", slot, others };
    }
    case Kind.member:
      return { type: "member", slot: reader.u8(), client: reader.take(32) };
    case Kind.left:
      return { type: "left", slot: reader.u8(), code: readCode(reader) };
    case Kind.leave:
      return { type: "leave" };
    case Kind.pose:
      return { type: "pose", sealed: sealed(0, POSE) };
    case Kind.poseFrom:
      return { type: "poseFrom", slot: reader.u8(), sealed: sealed(1, POSE) };
    case Kind.send:
      return { type: "send", to: reader.u8(), sealed: sealed(1, MESSAGE) };
    case Kind.sent:
      return { type: "sent", from: reader.u8(), to: reader.u8(), sealed: sealed(2, MESSAGE) };
    case Kind.block:
      return {
        type: "block",
        key: reader.take(32),
        issued: reader.u64(),
        until: reader.u64(),
        signature: reader.take(64),
      };
    case Kind.refused:
      return { type: "refused", record: reader.u8(), code: readCode(reader) };
    case Kind.slower:
      return { type: "slower", record: reader.u8(), pause: reader.u16() };
    case Kind.keep:
      return { type: "keep", sealed: note(reader, length) };
    case Kind.kept:
      return { type: "kept", number: reader.u64() };
    case Kind.fetch:
      return { type: "fetch", after: reader.u64() };
    case Kind.note: {
      const [number, kept] = [reader.u64(), reader.u64()];
      const sealed = length === NOTE ? new Uint8Array(0) : note(reader, length - NOTE);
      return { type: "note", number, kept, sealed };
    }
    default:
      throw new FormatError(`there is no record of type ${kind}`);
  }
}

/** Bytes of a NOTE before what is sealed. */
const NOTE = 16;

function note(reader: Reader, length: number): Uint8Array {
  ensure(NOTES.includes(length), "a note has an impossible length");
  return reader.take(length);
}

const JOIN = 161;
const RULED = { rule: 25, delegation: 93 };
const TICKET = 168;

function parseJoin(reader: Reader, length: number): Record {
  const [policy, owner, salt] = [reader.u8(), reader.take(32), reader.take(32)];
  const rule = followingRule(policy, reader);
  const further = rule === null ? { rule: 0, delegation: 0 } : RULED;
  const ticket = length - JOIN - further.rule - further.delegation;
  ensure(ticket === 0 || ticket === TICKET, "a JOIN has an impossible length");
  return {
    type: "join",
    policy,
    owner,
    salt,
    rule,
    client: reader.take(32),
    signature: reader.take(64),
    ticket: reader.take(ticket),
    delegation: reader.take(further.delegation),
  };
}
