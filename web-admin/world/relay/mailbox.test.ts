// Notes for who comes later: left, fetched, each once, and nothing that was not left in this room.
import { expect, test, vi } from "vitest";
import { hex, unhex } from "../bytes";
import { SigningKey } from "./crypto";
import { MailboxError, type Note } from "./mailbox";
import { openNote, sealNote } from "./note";
import { parseInvitation, roomId, roomKeys, roomName } from "./room";
import { Person, bytes, place, settle, text, walletOf } from "./simulated-people";
import vectors from "./vectors.json";

// Big numbers are slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

type Settled<T> = { value: T } | { reason: string };

/** Lets the network run until a promise settles. */
async function outcome<T>(network: { run(milliseconds: number): void }, promise: Promise<T>): Promise<Settled<T>> {
  let result: Settled<T> | null = null;
  promise.then(
    (value) => (result = { value }),
    (error: unknown) => (result = { reason: error instanceof MailboxError ? error.reason : String(error) }),
  );
  for (let i = 0; i < 1_000 && result === null; i++) {
    network.run(20);
    await Promise.resolve();
    await Promise.resolve();
  }
  return result ?? { reason: "nothing" };
}

async function notesOf(network: { run(milliseconds: number): void }, person: Person): Promise<Note[]> {
  const notes = await outcome(network, person.room.notes());
  return "value" in notes ? notes.value : [];
}

const words = (notes: Note[]) => notes.map(({ payload }) => text(payload));

test("a note waits for who comes later, with its writer's name and wallet", async () => {
  const { network, e1, e2, invitation } = place();
  const wallet = walletOf(1, network.now / 1_000 + 100);
  const a = new Person(network, 10, [e1, e2], { invitation, chain: 31_337, wallet });
  await settle();
  network.until(() => a.isAt(0), 3_000);
  expect(await outcome(network, a.room.leaveNote(bytes("see you tomorrow")))).toEqual({ value: undefined });
  a.room.leave();
  network.run(200_000);
  const b = new Person(network, 11, [e2, e1], { invitation, chain: 31_337 });
  network.until(() => b.isAt(0), 3_000);
  expect(await notesOf(network, b)).toEqual([
    {
      member: a.room.id,
      name: "person 10",
      // Its word is over by now, and held when the note was left.
      wallet: wallet.address,
      written: 1_000,
      payload: bytes("see you tomorrow"),
    },
  ]);
});

test("all that there are come, newest last, however many", async () => {
  const { network, e1, e2, invitation } = place();
  const a = new Person(network, 10, [e1, e2], { invitation });
  network.until(() => a.isAt(0), 3_000);
  expect(await notesOf(network, a)).toEqual([]);
  const left: string[] = [];
  for (const count of [1, 3, 4, 5, 51, 10]) {
    const more = Array.from({ length: count }, (_, i) => `note ${left.length + i}`);
    left.push(...more);
    // One at a time, whatever the application does.
    const kept = await outcome(network, Promise.all(more.map((note) => a.room.leaveNote(bytes(note)))));
    expect("value" in kept).toBe(true);
    expect(words(await notesOf(network, a))).toEqual(left.slice(-64));
  }
});

test("what the mailbox cannot do is said", async () => {
  const { network, e1, e2, r1, r2, invitation } = place();
  const a = new Person(network, 10, [e1, e2], { invitation });
  const leave = () => outcome(network, a.room.leaveNote(bytes("a note")));
  expect(await leave()).toEqual({ reason: "UNREACHABLE" });
  network.until(() => a.isAt(0), 3_000);
  r1.host.noteRoom = 1;
  expect(await leave()).toEqual({ value: undefined });
  expect(await leave()).toEqual({ reason: "FULL" });
  r1.host.noteRoom = null;
  expect(await leave()).toEqual({ reason: "ROLE" });
  expect(await outcome(network, a.room.notes())).toEqual({ reason: "ROLE" });
  const long = await outcome(network, a.room.leaveNote(new Uint8Array(3_073)));
  expect(long).toEqual({ reason: expect.stringContaining("3,072") });

  // The box dies before it answers, after which there is another one.
  r1.die();
  expect(await leave()).toEqual({ reason: "UNREACHABLE" });
  network.until(() => a.isAt(1), 10_000);
  expect(await leave()).toEqual({ value: undefined });
  // A box that never answers is not asked again.
  r2.host.fetch = () => [];
  expect(await outcome(network, a.room.notes())).toEqual({ reason: "TIMEOUT" });
  expect(await leave()).toEqual({ reason: "UNREACHABLE" });
});

test("a box that doubles, changes or invents notes, or never ends, changes nothing", async () => {
  const { network, e1, e2, r1, invitation } = place();
  const a = new Person(network, 10, [e1, e2], { invitation });
  network.until(() => a.isAt(0), 3_000);
  await outcome(network, a.room.leaveNote(bytes("one")));
  await outcome(network, a.room.leaveNote(bytes("two")));
  const { host } = r1;
  const honest = host.fetch.bind(host);
  host.fetch = (name, after) => {
    const notes = honest(name, after);
    if (!Array.isArray(notes) || after > 0n) return notes;
    const [one, two, end] = notes;
    if (one?.type !== "note" || two?.type !== "note") return notes;
    const changed = one.sealed.map((byte, i) => (i === 300 ? byte ^ 1 : byte));
    return [one, { ...one, number: 2n }, { ...one, number: 3n, sealed: changed }, { ...two, number: 4n }, end!];
  };
  expect(words(await notesOf(network, a))).toEqual(["one", "two"]);
  host.fetch = (_, after) =>
    [1n, 2n, 3n, 4n].map((i) => ({ type: "note", number: after + i, kept: 1n, sealed: new Uint8Array(512) }));
  expect(await notesOf(network, a)).toEqual([]);
});

test("a sealed note is the box's, byte for byte, and nothing else opens", () => {
  const invitation = parseInvitation(vectors.room.invitation);
  const context = { room: roomId(roomName(invitation)), keys: roomKeys(invitation.secret) };
  const client = new SigningKey(new Uint8Array(32).fill(6));
  const { written } = vectors.note;
  const [profile, payload, random] = [vectors.note.profile, vectors.note.payload, vectors.note.random].map(unhex) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  expect(hex(sealNote(context, client, { written, profile, payload }, random))).toBe(vectors.note.sealed);
  const sealed = unhex(vectors.note.sealed);
  expect(openNote(context, sealed)).toMatchObject({ client: client.public, written, profile, payload });
  for (const at of [0, 1, 17, 200, 511]) {
    expect(() => openNote(context, sealed.map((byte, i) => (i === at ? byte ^ 1 : byte)))).toThrow();
  }
  expect(() => openNote({ ...context, room: new Uint8Array(16) }, sealed)).toThrow();
  const seal = (length: number, profile = 0) =>
    sealNote(context, client, { written, profile: new Uint8Array(profile), payload: new Uint8Array(length) }, random).length;
  expect([seal(0), seal(371), seal(372), seal(883), seal(1_900), seal(3_072, 512)]).toEqual([
    512, 512, 1_024, 1_024, 2_048, 4_096,
  ]);
  expect(() => seal(3_073)).toThrow("3,072");
});
