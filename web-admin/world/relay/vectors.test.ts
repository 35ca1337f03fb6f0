// What the box's own code wrote (`vectors.json`) is what is written here, and is read here.
import { chacha20 } from "@noble/ciphers/chacha.js";
import { expect, test, vi } from "vitest";
import { Reader, hex, unhex } from "../bytes";
import { solve, zeroBits } from "./challenge";
import { Code } from "./code";
import { SigningKey, verify, x25519Public } from "./crypto";
import { UNSOLVED, initPayload, parseAnswer, parseGrant, writeAnswer, writeGrant, writeInit } from "./frame";
import { Initiator, respond } from "./noise";
import { EVERYBODY, Kind, type Record, parseCell, writeRecord } from "./record";
import { type Rule, readRule, writeRule } from "./rule";
import {
  admit,
  checkTicket,
  invitationText,
  issueTicket,
  parcelSecret,
  parseInvitation,
  roomId,
  roomKeys,
  roomName,
} from "./room";
import { ascii, concat, u64 } from "./writer";
import vectors from "./vectors.json";

// Big numbers are slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

const of = (byte: number, length = 32) => new Uint8Array(length).fill(byte);
/** How the box's code draws an ephemeral key from a seed. */
const drawn = (seed: number) => chacha20(of(seed), new Uint8Array(12), new Uint8Array(32));

test("handshakes are the box's, byte for byte", () => {
  const prologue = concat(ascii("cosmos-relay/1"), of(9));
  const key = x25519Public(of(8));
  for (const vector of vectors.handshakes) {
    const { depth } = vector;
    const client = new Initiator(prologue, key, drawn(1), new Uint8Array(initPayload(depth)));
    expect(hex(writeInit(UNSOLVED, client.message))).toBe(vector.init);

    const challenge = parseAnswer(unhex(vector.challenge), depth);
    expect(challenge).toEqual({ type: "challenge", bits: 8, nonce: of(7, 16) });
    const ephemeral = client.message.subarray(0, 32);
    const solution = solve(8, of(7, 16), ephemeral);
    expect(zeroBits(solution, ephemeral)).toBeGreaterThanOrEqual(8);
    expect(hex(writeInit(solution, client.message))).toBe(vector.solved);

    const refused = parseAnswer(unhex(vector.refuse), depth);
    expect(refused).toEqual({ type: "refuse", lowest: 1, highest: 2, code: Code.BUSY });

    const accepted = parseAnswer(unhex(vector.accept), depth);
    if (accepted.type !== "accept") throw new Error("no ACCEPT");
    const grant = { roles: 7, tick: 40, members: 32, poses: 40, messages: 20, bytes: 65_536 };
    const box = respond(prologue, of(8), drawn(2), client.message, writeGrant(grant, depth));
    expect(hex(box.answer)).toBe(hex(accepted.noise));
    const { transport, payload } = client.finish(accepted.noise);
    expect(parseGrant(payload)).toEqual(grant);
    expect(hex(transport.hash)).toBe(vector.hash);

    expect(hex(writeAnswer(accepted, depth))).toBe(vector.accept);
    expect(hex(writeAnswer(refused, depth))).toBe(vector.refuse);
    expect(hex(writeAnswer(challenge, depth))).toBe(vector.challenge);
  }
});

test("a handshake with another box, or a changed answer, fails", () => {
  const vector = vectors.handshakes[0]!;
  const begin = (node: number) =>
    new Initiator(concat(ascii("cosmos-relay/1"), of(node)), x25519Public(of(8)), drawn(1), of(0, initPayload(0)));
  const answer = unhex(vector.accept).subarray(2);
  expect(() => begin(9).finish(answer)).not.toThrow();
  expect(() => begin(7).finish(answer)).toThrow("not sealed");
  const changed = answer.slice();
  changed[100]! ^= 1;
  expect(() => begin(9).finish(changed)).toThrow("not sealed");
});

const owner = new SigningKey(of(1));
const client = new SigningKey(of(6));
const invitation = parseInvitation(vectors.room.invitation);
const name = roomName(invitation);
const room = roomId(name);
const ruledInvitation = parseInvitation(vectors.room.ruledInvitation);
const ruled = roomName(ruledInvitation);

function expected(): Record[] {
  const signature = client.sign("join", of(5), room);
  const none = new Uint8Array(0);
  const join = { type: "join", ...name, client: client.public, signature, delegation: none } as const;
  const entitled = client.sign("join", of(5), roomId(ruled));
  const delegation = concat(of(0x22, 20), u64(2_000), of(0x33, 65));
  const [issued, until] = [1_000n, 2n ** 64n - 1n];
  const blocks = owner.sign("block", room, of(10), u64(issued), u64(until));
  return [
    { type: "ping", token: of(1, 8) },
    { type: "pong", token: of(2, 8) },
    { type: "close", code: Code.STOPPING },
    { type: "open", circuit: 0x0102_0304, node: of(3) },
    { type: "closed", circuit: 7, code: Code.UNREACHABLE },
    { type: "data", circuit: 8, frame: of(4, 50) },
    { ...join, ticket: none },
    { ...join, ticket: admit(invitation.ticket!, room, client.public) },
    { type: "joined", slot: 2, others: [0, 1].map((slot) => ({ slot, client: of(slot) })) },
    { type: "member", slot: 3, client: of(5) },
    { type: "left", slot: 4, code: Code.REPLACED },
    { type: "leave" },
    { type: "pose", sealed: of(6, 30) },
    { type: "poseFrom", slot: 5, sealed: of(7, 512) },
    { type: "send", to: EVERYBODY, sealed: of(8, 31) },
    { type: "sent", from: 6, to: EVERYBODY, sealed: of(9) },
    { type: "block", key: of(10), issued, until, signature: blocks },
    { type: "refused", record: Kind.join, code: Code.FULL },
    { type: "slower", record: Kind.send, pause: 500 },
    { ...join, ...ruled, signature: entitled, ticket: none, delegation },
    { type: "keep", sealed: of(11, 512) },
    { type: "kept", number: 12n },
    { type: "fetch", after: 13n },
    { type: "note", number: 14n, kept: 1_000n, sealed: of(15, 1_024) },
    { type: "note", number: 14n, kept: 1n, sealed: none },
  ];
}

test("records are the box's, byte for byte", () => {
  const records = expected();
  expect(records.map((record) => hex(writeRecord(record)))).toEqual(vectors.records);
  const cell = concat(...vectors.records.map(unhex), new Uint8Array(40));
  expect(parseCell(cell)).toEqual(records);
});

test("bytes that are no record are refused", () => {
  const cell = (type: "pose", length: number) => writeRecord({ type, sealed: of(1, length) });
  for (const bytes of [cell("pose", 29), cell("pose", 513), of(0x24, 2)]) {
    expect(() => parseCell(bytes)).toThrow();
  }
  for (const digits of ["0x24010009", "0x990000", "0x2400", "0x030200ff00"]) {
    expect(() => parseCell(unhex(digits))).toThrow();
  }
  expect(parseCell(new Uint8Array(0))).toEqual([]);
  expect(parseCell(unhex("0x000102"))).toEqual([]);
});

test("a room has one name, one invitation and a ticket", () => {
  expect(hex(name.salt)).toBe(vectors.room.salt);
  expect(hex(room)).toBe(vectors.room.id);
  expect(invitationText(invitation)).toBe(vectors.room.invitation);
  const parcel = parcelSecret(31_337, `0x${"11".repeat(20)}`, -2, 7);
  expect(hex(roomKeys(parcel).salt)).toBe(vectors.room.parcelSalt);

  expect(issueTicket(owner, room, of(5), 1_000n)).toEqual(invitation.ticket);
  const ticket = admit(invitation.ticket!, room, client.public);
  expect(checkTicket(ticket, name, client.public, 999n)).toBe(true);
  expect(checkTicket(ticket, name, client.public, 1_000n)).toBe(false);
  expect(checkTicket(ticket, name, of(7), 999n)).toBe(false);
  expect(checkTicket(ticket, { ...name, policy: 0 }, client.public, 999n)).toBe(false);
  expect(checkTicket(ticket, { ...name, owner: of(0) }, client.public, 999n)).toBe(false);
});

test("a rule has one spelling, and a room's name commits to it", () => {
  const chain = 31_337;
  const rules: Rule[] = [
    { kind: "pass", chain, x: -2, y: 7 },
    { kind: "model", chain, token: 9n },
    { kind: "cybr", chain, amount: 10n ** 20n },
    { kind: "land", chain, amount: 3n },
  ];
  expect(rules.map((rule) => hex(writeRule(rule)))).toEqual(vectors.rules.map(({ bytes }) => bytes));
  expect(vectors.rules.map(({ bytes }) => readRule(new Reader(unhex(bytes))))).toEqual(rules);

  expect(ruledInvitation.rule).toEqual(rules[2]);
  expect(hex(roomId(ruled))).toBe(vectors.room.ruledId);
  expect(invitationText(ruledInvitation)).toBe(vectors.room.ruledInvitation);
  expect(hex(roomId({ ...ruled, rule: rules[3]! }))).not.toBe(vectors.room.ruledId);
  expect(() => roomId({ ...ruled, rule: null })).toThrow("a room has a rule if");
  expect(() => roomId({ ...name, rule: rules[0]! })).toThrow("a room has a rule if");

  const [pass, model, cybr] = vectors.rules.map(({ bytes }) => unhex(bytes)) as [Uint8Array, Uint8Array, Uint8Array];
  const changed = (bytes: Uint8Array, at: number, byte: number) => bytes.map((old, i) => (i === at ? byte : old));
  const nothing = concat(cybr.subarray(0, 9), of(0, 16));
  for (const wrong of [changed(pass, 13, 1), changed(model, 24, 1), changed(cybr, 0, 5), changed(pass, 0, 0), nothing]) {
    expect(() => readRule(new Reader(wrong))).toThrow();
  }
  expect(() => writeRule({ kind: "land", chain, amount: 0n })).toThrow("1 to");
  expect(() => writeRule({ kind: "pass", chain, x: 40_000, y: 0 })).toThrow("parcel");
});

test("an invitation that was cut or changed is refused", () => {
  for (const text of [vectors.room.invitation, vectors.room.ruledInvitation]) {
    for (const wrong of [text.slice(0, -2), `${text}AA`, "cosmos-room:", text.slice(7), `${text.slice(0, -1)}=`]) {
      expect(() => parseInvitation(wrong)).toThrow();
    }
  }
});

test("a signature is for one purpose", () => {
  const signature = client.sign("join", of(5), room);
  expect(verify(client.public, signature, "join", of(5), room)).toBe(true);
  expect(verify(client.public, signature, "hello", of(5), room)).toBe(false);
});
