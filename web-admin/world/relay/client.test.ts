// Clients on paths of boxes that die: they are back in the room, and nothing that was said is lost or
// heard twice.
import { expect, test, vi } from "vitest";
import { type Presence, Room, type RoomListener } from "./client";
import { Guards } from "./guards";
import { type Invitation, Policy } from "./room";
import { type Box, Network } from "./simulated-boxes";

// Big numbers are slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

class Person {
  members = new Map<string, string>();
  messages: string[] = [];
  directs: string[] = [];
  poses: string[] = [];
  missed: string[] = [];
  presence: Presence | null = null;
  readonly guards = new Guards({ load: () => null, save: () => {} });
  readonly room: Room;

  constructor(network: Network, seed: number, invitation: Invitation, guards: Box[], hops: 1 | 2 | 3 = 2) {
    for (const { descriptor } of guards) this.guards.pin(descriptor);
    const listener: RoomListener = {
      presence: (presence) => void (this.presence = presence),
      member: (id, { name }) => void this.members.set(id, name),
      gone: (id) => void this.members.delete(id),
      pose: (_, pose) => void this.poses.push(text(pose)),
      message: (_, payload) => void this.messages.push(text(payload)),
      direct: (_, payload) => void this.directs.push(text(payload)),
      missed: (_, kind, first, last) => void this.missed.push(`${kind} ${first} ${last}`),
      ready: () => {},
    };
    const options = { invitation, guards: this.guards, hops, name: `person ${seed}` };
    this.room = new Room(options, listener, network.around(seed));
  }

  isAt(position: number): boolean {
    return this.presence?.state === "here" && this.presence.position === position;
  }
}

/** Two entries and two boxes of the room, a person behind each entry. */
function world(hops: 1 | 2 | 3 = 2) {
  const network = new Network(1);
  const [e1, e2, r1, r2] = [0, 1, 2, 3].map(() => network.addBox()) as [Box, Box, Box, Box];
  const invitation: Invitation = {
    policy: Policy.DIRECT,
    owner: new Uint8Array(32),
    secret: network.random.bytes(32),
    boxes: [r1, r2],
    ticket: null,
    rule: null,
  };
  const ways: [Box[], Box[]] = hops === 1 ? [[r1, r2], [r2, r1]] : [[e1, e2], [e2, e1]];
  const [a, b] = ways.map((guards, i) => new Person(network, 10 + i, invitation, guards, hops)) as [Person, Person];
  network.until(() => a.members.size === 1 && b.members.size === 1, 3_000);
  return { network, e1, e2, r1, r2, a, b, invitation };
}

test("two people meet over one, two and three hops, talk and move", () => {
  for (const hops of [1, 2, 3] as const) {
    const { network, a, b } = world(hops);
    expect([...a.members.values()]).toEqual(["person 11"]);
    expect(a.isAt(0) && b.isAt(0)).toBe(true);
    a.room.send(bytes("hello"));
    b.room.sendTo(a.room.id, bytes("to you"));
    for (let i = 0; i < 25; i++) {
      a.room.publish(bytes(`pose ${i}`));
      network.run(40);
    }
    expect(b.messages).toEqual(["hello"]);
    expect(a.directs).toEqual(["to you"]);
    expect(b.poses.length).toBeGreaterThan(20);
    a.room.leave();
    network.run(500);
    expect(b.members.size).toBe(0);
  }
});

test("the room's box dies: both are back within five seconds and nothing is lost or doubled", () => {
  const { network, r1, a, b } = world();
  const said: string[] = [];
  for (let i = 0; i < 60; i++) {
    if (i === 20) r1.die();
    const message = `message ${i}`;
    said.push(message);
    expect(a.room.send(bytes(message))).toBe(true);
    expect(b.room.sendTo(a.room.id, bytes(message))).toBe(true);
    network.run(100);
  }
  const back = network.until(() => a.isAt(1) && b.isAt(1), 5_000);
  expect(back).toBeLessThan(5_000);
  network.run(5_000);
  expect(b.messages).toEqual(said);
  expect(a.directs).toEqual(said);
  expect([a.missed, b.missed, a.members.size, b.members.size]).toEqual([[], [], 1, 1]);
});

test("an entry dies: its client takes the next guard to the same box", () => {
  const { network, e1, a, b } = world();
  e1.die();
  a.room.send(bytes("into the dark"));
  network.until(() => a.presence?.state === "seeking", 3_000);
  expect(network.until(() => a.isAt(0), 5_000)).toBeLessThan(2_500);
  network.run(2_000);
  expect(b.messages).toEqual(["into the dark"]);
  expect(b.members.size).toBe(1);
});

test("when the first box is back, all come together there again", () => {
  const { network, r1, a, b } = world();
  r1.die();
  network.until(() => a.isAt(1) && b.isAt(1), 6_000);
  r1.revive();
  network.until(() => a.isAt(0) && b.isAt(0), 60_000);
  a.room.send(bytes("home again"));
  network.run(1_000);
  expect(b.messages).toEqual(["home again"]);
  expect([a.members.size, b.members.size]).toEqual([1, 1]);
});

test("no box is there for a minute: the room goes on where it was", () => {
  const { network, r1, r2, a, b } = world();
  r1.die();
  r2.die();
  a.room.send(bytes("still"));
  network.run(60_000);
  expect(a.presence?.state).toBe("seeking");
  r2.revive();
  network.until(() => a.isAt(1) && b.isAt(1), 15_000);
  network.run(3_000);
  expect(b.messages).toEqual(["still"]);
  expect(a.members.size).toBe(1);
});

test("an entry is never the room's box, and a single hop only by the room's policy", () => {
  const { network, r1, a, invitation } = world();
  const alone = new Person(network, 30, { ...invitation, boxes: [r1] }, [r1]);
  network.run(10_000);
  expect(alone.presence).toEqual({ state: "seeking", reason: "UNREACHABLE" });
  expect(() => new Person(network, 31, { ...invitation, policy: 0 }, [r1], 1)).toThrow("single hop");
  expect(a.presence).toMatchObject({ isPrivacyReduced: true });
});
