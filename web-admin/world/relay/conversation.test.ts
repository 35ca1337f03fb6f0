// Conversations over boxes that lose, double, delay, lie and die: what is said arrives once, in order,
// and nowhere else.
import { expect, test, vi } from "vitest";
import { Seeded, SimulatedRoom, type Simulated } from "./simulated-room";
import { EVERYBODY } from "./record";

// Big numbers are slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

const bytes = (text: string) => new TextEncoder().encode(text);
const numbered = (what: string, count: number) => Array.from({ length: count }, (_, i) => `${what} ${i}`);

function roomOf(count: number, seed = 1): { room: SimulatedRoom; clients: Simulated[] } {
  const room = new SimulatedRoom(seed);
  const clients = Array.from({ length: count }, (_, i) => room.add(`client ${i}`));
  for (const client of clients) room.enter(client);
  room.run(2_000);
  return { room, clients };
}

function say(room: SimulatedRoom, client: Simulated, text: string): void {
  expect(client.conversation.say(bytes(text), room.now)).toBe(true);
}

test("members find each other and speak to all and to one", () => {
  const { room, clients } = roomOf(3);
  const [a, b, c] = clients as [Simulated, Simulated, Simulated];
  for (const client of clients) {
    expect([...client.members].sort()).toEqual(clients.filter((o) => o !== client).map((o) => o.id).sort());
  }
  say(room, a, "hello all");
  expect(a.conversation.sayTo(b.id, bytes("hello you"), room.now)).toBe(true);
  room.run(1_000);
  for (const other of [b, c]) expect(other.messages).toEqual([`${a.id} hello all`]);
  expect(b.directs).toEqual([`${a.id} hello you`]);
  expect(c.directs).toEqual([]);
  expect(a.conversation.sayTo("0x00", bytes("nobody"), room.now)).toBe(false);
});

test("poses are seen; an older one never after a newer one", () => {
  const { room, clients } = roomOf(2);
  const [a, b] = clients as [Simulated, Simulated];
  const count = 200;
  room.weather = { lost: 20, doubled: 30, delay: 300 };
  for (let i = 0; i < count; i++) {
    room.pose(a, String(i));
    room.run(40);
  }
  const seen = b.from(b.poses, a).map(Number);
  expect(seen.length).toBeGreaterThan(20);
  expect(seen).toEqual([...new Set(seen)].sort((x, y) => x - y));
});

test("in bad weather everything arrives once and in order", () => {
  for (let seed = 0; seed < 4; seed++) {
    const random = new Seeded(1_000 + seed);
    const { room, clients } = roomOf(3, seed);
    room.weather = { lost: random.below(40), doubled: random.below(50), delay: random.below(400) };
    for (let i = 0; i < 40; i++) {
      for (const client of clients) say(room, client, `message ${i}`);
      const [from, to] = [clients[i % 3]!, clients[(i + 1) % 3]!];
      expect(from.conversation.sayTo(to.id, bytes(`direct ${i}`), room.now)).toBe(true);
      room.run(random.below(1_500));
    }
    room.weather = { lost: 0, doubled: 0, delay: 0 };
    room.run(10_000);
    for (const client of clients) {
      for (const other of clients) {
        if (other === client) continue;
        expect(client.from(client.messages, other), `seed ${seed}`).toEqual(numbered("message", 40));
      }
    }
    const directs = clients.flatMap((client) => client.directs.length).reduce((a, b) => a + b);
    expect(directs).toBe(40);
    expect(clients.flatMap((client) => client.missed)).toEqual([]);
  }
});

test("a box that dies takes nothing with it", () => {
  const { room, clients } = roomOf(3);
  const said: string[] = [];
  for (let round = 0; round < 6; round++) {
    for (let i = 0; i < 5; i++) {
      const text = `round ${round} ${i}`;
      said.push(text);
      say(room, clients[0]!, text);
      room.flush();
      if (i === 2) room.die();
    }
    room.run(3_000);
    for (const client of clients) room.enter(client);
    room.run(1_500);
  }
  for (const other of clients.slice(1)) {
    expect(other.from(other.messages, clients[0]!)).toEqual(said);
    expect(other.members.size).toBe(2);
  }
});

test("a member that is away for less than ten seconds stays one, then not", () => {
  const { room, clients } = roomOf(2);
  const [a, b] = clients as [Simulated, Simulated];
  room.leave(b);
  room.run(5_000);
  say(room, a, "while you were away");
  room.run(4_000);
  expect(a.members.size).toBe(1);
  room.enter(b);
  room.run(2_000);
  expect(b.from(b.messages, a)).toEqual(["while you were away"]);
  room.leave(b);
  room.run(10_001);
  expect(a.members.size).toBe(0);
});

test("who comes back after being given up is told what it missed", () => {
  const { room, clients } = roomOf(2);
  const [a, b] = clients as [Simulated, Simulated];
  say(room, a, "first");
  room.run(1_000);
  room.leave(b);
  room.run(12_000);
  say(room, a, "second");
  say(room, a, "third");
  room.run(1_000);
  room.enter(b);
  room.run(5_000);
  say(room, a, "fourth");
  room.run(2_000);
  expect(b.from(b.messages, a)).toEqual(["first", "fourth"]);
  expect(b.missed).toEqual([`${a.id} message 2 3`]);
  expect(a.members.size).toBe(1);
});

test("who comes later opens nothing that was said before", () => {
  const { room, clients } = roomOf(2);
  const [a, b] = clients as [Simulated, Simulated];
  say(room, a, "before");
  for (let i = 0; i < 10; i++) room.pose(a, `before ${i}`);
  room.run(1_000);
  const before = [...room.recorded];
  const late = room.add("late");
  room.enter(late);
  room.run(2_000);
  expect(late.members.size).toBe(2);
  for (const { from, sealed, isPose } of before) {
    if (isPose) late.conversation.poseCame(from.slot!, sealed);
    else late.conversation.messageCame(from.slot!, sealed, room.now);
  }
  expect([late.messages, late.poses]).toEqual([[], []]);
  say(room, a, "after");
  room.pose(a, "after");
  room.run(1_000);
  expect(late.messages).toEqual([`${a.id} after`]);
  expect(late.from(late.poses, a)).toEqual(["after"]);
  expect(b.from(b.messages, a)).toEqual(["before", "after"]);
});

test("who left opens nothing that is said after", () => {
  for (const saysBye of [true, false]) {
    const { room, clients } = roomOf(3);
    const [a, b, gone] = clients as [Simulated, Simulated, Simulated];
    const { slot } = gone;
    if (saysBye) gone.conversation.sayBye();
    room.leave(gone);
    room.run(saysBye ? 2_500 : 13_000);
    const from = room.recorded.length;
    say(room, a, "without you");
    room.pose(a, "without you");
    room.run(1_000);
    expect(b.from(b.messages, a)).toEqual(["without you"]);
    expect(b.from(b.poses, a)).toEqual(["without you"]);
    gone.conversation.joined([{ slot: a.slot!, client: a.key.public }], room.now);
    for (const { sealed, isPose } of room.recorded.slice(from)) {
      if (isPose) gone.conversation.poseCame(a.slot!, sealed);
      else gone.conversation.messageCame(a.slot!, sealed, room.now);
    }
    expect([gone.messages, gone.poses], `slot ${slot}`).toEqual([[], []]);
  }
});

test("an epoch lasts ten minutes, and nobody notices its end", () => {
  const { room, clients } = roomOf(2);
  const [a, b] = clients as [Simulated, Simulated];
  for (let i = 0; i < 15; i++) {
    say(room, a, `message ${i}`);
    room.run(60_000);
  }
  expect(b.from(b.messages, a)).toEqual(numbered("message", 15));
  const hellos = room.recorded.filter(({ from, to, sealed }) => from === a && to === EVERYBODY && sealed[0] === 1);
  expect(hellos).toHaveLength(1);
});

test("nothing recorded is heard twice, and nothing under another's name", () => {
  const { room, clients } = roomOf(3);
  const [a, b, c] = clients as [Simulated, Simulated, Simulated];
  say(room, a, "once");
  a.conversation.sayTo(b.id, bytes("once to you"), room.now);
  room.pose(a, "here");
  room.run(1_000);
  const before = [b, c].map(({ messages, directs, poses }) => structuredClone({ messages, directs, poses }));
  for (const { sealed, isPose } of [...room.recorded]) {
    for (const victim of [b, c]) {
      for (const slot of [a.slot!, b.slot!, c.slot!]) {
        if (isPose) victim.conversation.poseCame(slot, sealed);
        else victim.conversation.messageCame(slot, sealed, room.now);
      }
    }
  }
  room.run(5_000);
  expect([b, c].map(({ messages, directs, poses }) => ({ messages, directs, poses }))).toEqual(before);
  say(room, a, "again");
  room.run(1_000);
  expect(b.from(b.messages, a)).toEqual(["once", "again"]);
});

test("garbage, and a room's box that names strangers, change nothing", () => {
  const { room, clients } = roomOf(2);
  const [a, b] = clients as [Simulated, Simulated];
  const random = new Seeded(9);
  for (let i = 0; i < 2_000; i++) {
    const garbage = random.bytes(30 + random.below(300));
    garbage[0] = i % 7;
    b.conversation.messageCame(a.slot!, garbage, room.now);
    b.conversation.poseCame(a.slot!, garbage);
  }
  for (let slot = 100; slot < 250; slot++) b.conversation.memberCame(slot, random.bytes(32), room.now);
  room.run(60_000);
  expect([...b.members]).toEqual([a.id]);
  say(room, a, "still here");
  room.run(1_000);
  expect(b.messages).toEqual([`${a.id} still here`]);
});

test("too much at once is refused until some has arrived", () => {
  const { room, clients } = roomOf(2);
  const [a, b] = clients as [Simulated, Simulated];
  room.weather = { lost: 100, doubled: 0, delay: 0 };
  let said = 0;
  while (a.conversation.say(bytes(`message ${said}`), room.now)) said++;
  expect(said).toBe(64);
  room.weather = { lost: 0, doubled: 0, delay: 0 };
  room.run(20_000);
  expect(b.from(b.messages, a)).toEqual(numbered("message", 64));
  expect(a.refusedThenReady).toBe(1);
  say(room, a, "more");
});

test("a member that answers nothing for thirty seconds is given up, and may come back", () => {
  const { room, clients } = roomOf(2);
  const [a, b] = clients as [Simulated, Simulated];
  room.weather = { lost: 100, doubled: 0, delay: 0 };
  say(room, a, "lost");
  room.run(31_000);
  expect(a.members.size).toBe(0);
  room.weather = { lost: 0, doubled: 0, delay: 0 };
  room.run(10_000);
  expect([...a.members]).toEqual([b.id]);
  say(room, a, "found");
  room.run(2_000);
  expect(b.from(b.messages, a)).toEqual(["found"]);
  expect(b.missed).toEqual([`${a.id} message 1 1`]);
});
