// A room's name, secret, tickets and invitation. The name commits to owner, policy and rule, so a box can
// enforce them without having been told anything by anybody. Sections 4 and 5 of docs/PROTOCOL.md.
import { Reader, ensure, unhex } from "../bytes";
import { base64url, unbase64url } from "./base64url";
import { SigningKey, hkdfExpand, hkdfExtract, labelled, sha256, verify } from "./crypto";
import { type Rule, readRule, writeRule } from "./rule";
import { ascii, concat, i16, u64, u8 } from "./writer";

/** Bits of a room's policy. */
export const Policy = {
  /** Nobody enters without a ticket. */
  TICKET: 1,
  /** One hop is allowed. */
  DIRECT: 2,
  /** Nobody enters without an entitlement on chain. */
  ENTITLEMENT: 4,
} as const;

/** What a box learns of a room. */
export interface RoomName {
  policy: number;
  /** Ed25519 public key, or zeros. */
  owner: Uint8Array;
  /** Derived from the secret. */
  salt: Uint8Array;
  /** If the policy has `Policy.ENTITLEMENT`, and only then. */
  rule: Rule | null;
}

/** The 16 bytes that name a room. */
export function roomId({ policy, owner, salt, rule }: RoomName): Uint8Array {
  return sha256(labelled("room", u8(policy), owner, salt, ruleBytes(policy, rule))).slice(0, 16);
}

/** A rule as it stands in what names a room: nothing, if the policy wants none. */
export function ruleBytes(policy: number, rule: Rule | null): Uint8Array {
  const isWanted = (policy & Policy.ENTITLEMENT) !== 0;
  ensure(isWanted === (rule !== null), "a room has a rule if its policy says so, and only then");
  return rule === null ? new Uint8Array(0) : writeRule(rule);
}

/** The rule that a policy wants to follow. */
export function followingRule(policy: number, reader: Reader): Rule | null {
  return policy & Policy.ENTITLEMENT ? readRule(reader) : null;
}

/** What is derived from a room's secret. */
export interface RoomKeys {
  salt: Uint8Array;
  hello: Uint8Array;
  psk: Uint8Array;
  note: Uint8Array;
}

export function roomKeys(secret: Uint8Array): RoomKeys {
  const prk = hkdfExtract(ascii("cosmos-relay/1"), secret);
  return {
    salt: hkdfExpand(prk, ascii("room")),
    hello: hkdfExpand(prk, ascii("hello")),
    psk: hkdfExpand(prk, ascii("psk")),
    note: hkdfExpand(prk, ascii("note")),
  };
}

/** The secret of a parcel's public room: anybody can compute it. */
export function parcelSecret(chain: number | bigint, contract: string, x: number, y: number): Uint8Array {
  const address = unhex(contract);
  ensure(address.length === 20, "this is no contract's address");
  return sha256(labelled("parcel", u64(chain), address, i16(x), i16(y)));
}

/** A ticket's private half, as it stands in an invitation. */
export interface TicketSecret {
  key: SigningKey;
  /** Unix seconds. */
  expires: bigint;
  /** By the owner over room id, ticket key and expiry. */
  issued: Uint8Array;
}

/** The owner issues a ticket for a room; `seed` must be 32 fresh random bytes. */
export function issueTicket(
  owner: SigningKey,
  room: Uint8Array,
  seed: Uint8Array,
  expires: bigint,
): TicketSecret {
  const key = new SigningKey(seed);
  return { key, expires, issued: owner.sign("ticket", room, key.public, u64(expires)) };
}

/** The 168 bytes of a ticket for a client key, as they stand in `JOIN`. */
export function admit(ticket: TicketSecret, room: Uint8Array, client: Uint8Array): Uint8Array {
  const admits = ticket.key.sign("admit", room, client);
  return concat(ticket.key.public, u64(ticket.expires), ticket.issued, admits);
}

/** Whether these 168 bytes let this client in. `now` in Unix seconds. */
export function checkTicket(bytes: Uint8Array, name: RoomName, client: Uint8Array, now: bigint): boolean {
  const reader = new Reader(bytes);
  const key = reader.take(32);
  const expires = reader.u64();
  const [issued, admits] = [reader.take(64), reader.take(64)];
  reader.finish();
  const room = roomId(name);
  return (
    now < expires &&
    verify(name.owner, issued, "ticket", room, key, u64(expires)) &&
    verify(key, admits, "admit", room, client)
  );
}

/** A box that may host the room. */
export interface RoomBox {
  /** Its name on the mesh, Ed25519. */
  node: Uint8Array;
  /** Its key for sessions, X25519. */
  noise: Uint8Array;
}

/** All that somebody needs to enter a room. */
export interface Invitation {
  policy: number;
  /** Ed25519 public key, or zeros. */
  owner: Uint8Array;
  /** What the members share and no box is told. */
  secret: Uint8Array;
  /** In order, 1 to 8. */
  boxes: RoomBox[];
  ticket: TicketSecret | null;
  /** If the policy has `Policy.ENTITLEMENT`, and only then. */
  rule: Rule | null;
}

const SCHEME = "cosmos-room:";
const MOST_BOXES = 8;

/** What a box learns of the room. */
export function roomName(invitation: Invitation): RoomName {
  const { policy, owner, secret, rule } = invitation;
  return { policy, owner, salt: roomKeys(secret).salt, rule };
}

/** Reads the text form; throws a `FormatError` if it is none. */
export function parseInvitation(text: string): Invitation {
  ensure(text.startsWith(SCHEME), "this is no invitation");
  const reader = new Reader(unbase64url(text.slice(SCHEME.length)));
  ensure(reader.u8() === 1, "this version of invitations is not known here");
  const policy = reader.u8();
  const owner = reader.take(32);
  const secret = reader.take(32);
  const count = reader.u8();
  ensure(count >= 1 && count <= MOST_BOXES && policy <= 7, "this invitation is not valid");
  const boxes = Array.from({ length: count }, () => ({ node: reader.take(32), noise: reader.take(32) }));
  const follows = reader.u8();
  ensure(follows <= 1, "this invitation is not valid");
  let ticket: TicketSecret | null = null;
  if (follows === 1) {
    const key = new SigningKey(reader.take(32));
    ticket = { key, expires: reader.u64(), issued: reader.take(64) };
  }
  const rule = followingRule(policy, reader);
  reader.finish();
  return { policy, owner, secret, boxes, ticket, rule };
}

/** The text form. It is a secret. */
export function invitationText({ policy, owner, secret, boxes, ticket, rule }: Invitation): string {
  ensure(boxes.length >= 1 && boxes.length <= MOST_BOXES, "an invitation names 1 to 8 boxes");
  const places = boxes.map(({ node, noise }) => concat(node, noise));
  const tail = ticket === null ? [u8(0)] : [u8(1), ticket.key.seed, u64(ticket.expires), ticket.issued];
  const all = [u8(1), u8(policy), owner, secret, u8(boxes.length), ...places, ...tail, ruleBytes(policy, rule)];
  return SCHEME + base64url(concat(...all));
}
