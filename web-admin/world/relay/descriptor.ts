// What a box says of itself, signed: its keys, its roles and where it listens. Section 11 of
// docs/PROTOCOL.md.
import { Reader, ensure, unbase64 } from "../bytes";
import { verify } from "./crypto";
import { WEBTRANSPORT_URL } from "./webtransport";

/** Bits of a box's roles. */
export const Role = { ENTRY: 1, MIDDLE: 2, ROOM: 4 } as const;

export interface Descriptor {
  /** Its name on the mesh, Ed25519. */
  node: Uint8Array;
  /** Its key for sessions, X25519. */
  noise: Uint8Array;
  /** A key that all boxes of one operator name, or zeros. */
  operator: Uint8Array;
  roles: number;
  /** Unix seconds. */
  issued: bigint;
  expires: bigint;
  urls: string[];
}

const WEBSOCKET_URL = /^wss?:\/\/[^/\s]+\/relay$/;
const LONGEST_LIFE = 14n * 86_400n;
/** Entries of each list. */
const MOST = 4;
/** Seconds that a descriptor may come from the future, because clocks differ. */
const SKEW = 600n;

/** Reads a descriptor; throws a `FormatError` unless it is signed by its node ID and valid at `now` (Unix seconds). */
export function parseDescriptor(bytes: Uint8Array, now: bigint): Descriptor {
  const reader = new Reader(bytes);
  ensure(reader.u8() === 1, "this version of descriptors is not known here");
  const [node, noise, operator] = [reader.take(32), reader.take(32), reader.take(32)];
  const roles = reader.u8();
  const [issued, expires] = [reader.u64(), reader.u64()];
  const text = () => new TextDecoder("utf-8").decode(reader.take(reader.u8()));
  const urls = list(reader, text);
  // Where boxes reach each other: no matter of ours.
  list(reader, () => reader.take((reader.u8() === 4 ? 4 : 16) + 2));
  list(reader, text);
  const signed = bytes.subarray(0, bytes.length - 64);
  const signature = reader.take(64);
  reader.finish();
  ensure(verify(node, signature, "descriptor", signed), "a descriptor is not signed by its box");
  const isDated = issued <= now + SKEW && expires >= issued && expires - issued <= LONGEST_LIFE;
  ensure(isDated && expires > now, "a descriptor is out of date");
  const isRelay = (url: string) => WEBSOCKET_URL.test(url) || WEBTRANSPORT_URL.test(url);
  ensure(urls.every(isRelay), "a descriptor names no relay");
  return { node, noise, operator, roles, issued, expires, urls };
}

function list<T>(reader: Reader, read: () => T): T[] {
  const count = reader.u8();
  ensure(count <= MOST, "a descriptor has a list of more than four");
  return Array.from({ length: count }, read);
}

/** Answers are at most this long. */
const LONGEST_ANSWER = 1 << 20;

async function fetchAll(url: string): Promise<Descriptor[]> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`the box answered ${answer.status}`);
  const text = await answer.text();
  ensure(text.length <= LONGEST_ANSWER, "the box's list is too long");
  const { descriptors } = JSON.parse(text) as { descriptors: string[] };
  const now = BigInt(Math.floor(Date.now() / 1_000));
  return descriptors.flatMap((descriptor) => {
    try {
      return [parseDescriptor(unbase64(descriptor), now)];
    } catch {
      return [];
    }
  });
}

/** The descriptors that the box at `base`, such as `http://192.0.2.1:8081`, knows; wrong ones are left out. */
export const fetchDescriptors = (base: string): Promise<Descriptor[]> => fetchAll(`${base}/v1/relays`);

/** The box's own; if it names no WebSocket, there is one where it was asked. Throws if it has no relay. */
export async function fetchOwnDescriptor(base: string): Promise<Descriptor> {
  const [own] = await fetchAll(`${base}/v1/relay`);
  ensure(own !== undefined, "the box says nothing valid of itself");
  if (own.urls.some((url) => WEBSOCKET_URL.test(url))) return own;
  return { ...own, urls: [...own.urls, `${base.replace(/^http/, "ws")}/relay`] };
}
