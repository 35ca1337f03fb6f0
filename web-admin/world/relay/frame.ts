// Frames: the four of the handshake, and the lengths that all later ones may have. Sections 3 and 4 of
// docs/PROTOCOL.md.
import { Reader, ensure } from "../bytes";
import { Code, codeName } from "./code";
import { TAG } from "./crypto";
import { concat, u16, u32, u64, u8 } from "./writer";

/** The version that is spoken here. */
export const VERSION = 1;
/** Bytes that one more circuit around a frame adds: `DATA`'s header and the tag. */
export const NESTING = 23;
/** Circuits that a session may run through at most. */
export const DEEPEST = 2;
/** Frame lengths at depth 0. */
export const CLASSES = [240, 480, 960, 1_920, 3_840, 7_680, 15_360];
/** Bytes of the longest frame on a carrier. */
export const LONGEST = 15_360;
/** Bits of work that a client does at the most. */
export const HARDEST = 20;

const HANDSHAKE = 240;
const INIT_HEADER = 26;

/** Bytes of every handshake frame of a session at this depth. */
export const handshakeLength = (depth: number): number => HANDSHAKE - NESTING * depth;
/** Bytes of the payload of Noise message 1. */
export const initPayload = (depth: number): number => handshakeLength(depth) - INIT_HEADER - 32 - TAG;
/** Bytes of the payload of Noise message 2. */
export const acceptPayload = (depth: number): number => handshakeLength(depth) - 2 - 32 - TAG;
/** Bytes of records that the largest cell holds. */
export const largestCell = (depth: number): number => LONGEST - TAG - NESTING * depth;

/** Bytes of the smallest cell that holds `records` bytes, tag excluded. */
export function cellLength(records: number, depth: number): number {
  const around = TAG + NESTING * depth;
  const length = CLASSES.find((length) => length - around >= records);
  ensure(length !== undefined, "these records are too long for one cell");
  return length - around;
}

/** Whether a frame of a session at this depth may have this length. */
export const isClass = (length: number, depth: number): boolean =>
  CLASSES.includes(length + NESTING * depth);

function padded(length: number, ...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(concat(...parts));
  return bytes;
}

/** Work that a client did to be let in. */
export interface Solution {
  nonce: Uint8Array;
  counter: number;
}

/** No work was asked for. */
export const UNSOLVED: Solution = { nonce: new Uint8Array(16), counter: 0 };

/** The first frame of a carrier; `noise` is Noise message 1. */
export function writeInit(solution: Solution, noise: Uint8Array): Uint8Array {
  return concat(u8(1), u8(VERSION), solution.nonce, u64(solution.counter), noise);
}

/** What a box answers to an `INIT`. */
export type Answer =
  | { type: "accept"; noise: Uint8Array }
  | { type: "challenge"; bits: number; nonce: Uint8Array }
  | { type: "refuse"; lowest: number; highest: number; code: Code };

/** Reads an answer to the `INIT` of a session at this depth. */
export function parseAnswer(frame: Uint8Array, depth: number): Answer {
  ensure(frame.length === handshakeLength(depth), "the box's answer has a wrong length");
  const reader = new Reader(frame);
  switch (reader.u8()) {
    case 2:
      ensure(reader.u8() === VERSION, "the box answers in another version");
      return { type: "accept", noise: reader.take(frame.length - 2) };
    case 3: {
      const bits = reader.u8();
      ensure(bits <= HARDEST, "the box asks for too much work");
      return { type: "challenge", bits, nonce: reader.take(16) };
    }
    case 4:
      return { type: "refuse", lowest: reader.u8(), highest: reader.u8(), code: readCode(reader) };
    default:
      return ensure(false, "this is no answer to an INIT") as never;
  }
}

/** A code of section 9. */
export function readCode(reader: Reader): Code {
  const code = reader.u16();
  ensure(codeName(code) !== undefined, `there is no code ${code}`);
  return code as Code;
}

/** The frame, as long as the `INIT` of that depth. Boxes write it; here it serves tests. */
export function writeAnswer(answer: Answer, depth: number): Uint8Array {
  const length = handshakeLength(depth);
  switch (answer.type) {
    case "accept":
      return padded(length, u8(2), u8(VERSION), answer.noise);
    case "challenge":
      return padded(length, u8(3), u8(answer.bits), answer.nonce);
    case "refuse":
      return padded(length, u8(4), u8(answer.lowest), u8(answer.highest), u16(answer.code));
  }
}

/** What a box grants: the payload of `ACCEPT`. Rates are a second and session. */
export interface Grant {
  /** 1 entry, 2 middle, 4 room. */
  roles: number;
  /** Milliseconds between two deliveries of poses. */
  tick: number;
  /** Members a room. */
  members: number;
  poses: number;
  messages: number;
  bytes: number;
}

export function parseGrant(payload: Uint8Array): Grant {
  const reader = new Reader(payload);
  return {
    roles: reader.u8(),
    tick: reader.u16(),
    members: reader.u8(),
    poses: reader.u16(),
    messages: reader.u16(),
    bytes: reader.u32(),
  };
}

export function writeGrant(grant: Grant, depth: number): Uint8Array {
  return padded(
    acceptPayload(depth),
    u8(grant.roles),
    u16(grant.tick),
    u8(grant.members),
    u16(grant.poses),
    u16(grant.messages),
    u32(grant.bytes),
  );
}
