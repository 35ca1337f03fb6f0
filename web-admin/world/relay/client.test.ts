// Clients on paths of boxes that die: they are back in the room, and nothing that was said is lost or
// heard twice.
import { expect, test, vi } from "vitest";
import type { Box } from "./simulated-boxes";
import { Person, bytes, place } from "./simulated-people";

// Big numbers are slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

/** Two entries and two boxes of the room, a person behind each entry. */
function world(hops: 1 | 2 | 3 = 2) {
  const { network, e1, e2, r1, r2, invitation } = place();
  const ways: [Box[], Box[]] = hops === 1 ? [[r1, r2], [r2, r1]] : [[e1, e2], [e2, e1]];
  const enter = (guards: Box[], i: number) => new Person(network, 10 + i, guards, { invitation, hops });
  const [a, b] = ways.map(enter) as [Person, Person];
  network.until(() => a.members.size === 1 && b.members.size === 1, 3_000);
  return { network, e1, e2, r1, r2, a, b, invitation };
}

test("two people meet over one, two and three hops, talk and move", () => {
  for (const hops of [1, 2, 3] as const) {
    const { network, a, b } = world(hops);
    expect([...a.members.values()]).toEqual([{ name: "person 11", wallet: null }]);
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
  const alone = new Person(network, 30, [r1], { invitation: { ...invitation, boxes: [r1] } });
  network.run(10_000);
  expect(alone.presence).toEqual({ state: "seeking", reason: "UNREACHABLE" });
  const direct = { invitation: { ...invitation, policy: 0 }, hops: 1 } as const;
  expect(() => new Person(network, 31, [r1], direct)).toThrow("single hop");
  expect(a.presence).toMatchObject({ isPrivacyReduced: true });
});

test("the box in the middle is the one that was named, and no entry", () => {
  const { network, e1, e2, e3, r1, invitation } = place();
  const opened: string[] = [];
  const { connect } = network;
  network.connect = (box) => {
    opened.push(String(network.boxes.indexOf(box!)));
    return connect.call(network, box);
  };
  const a = new Person(network, 40, [e2, e1, e3], { invitation, hops: 3, middle: e2 });
  network.until(() => a.isAt(0), 3_000);
  // The first guard, the middle, the room's box.
  expect(opened).toEqual(["0", "1", "3"]);
  e2.die();
  network.until(() => a.presence?.state === "seeking", 5_000);
  network.run(20_000);
  expect(a.presence?.state).toBe("seeking");
  e2.revive();
  network.until(() => a.isAt(0) || a.isAt(1), 10_000);

  const named = (options: object) => () => new Person(network, 41, [e1], { invitation, middle: e2, ...options });
  expect(named({})).toThrow("three hops");
  expect(named({ hops: 3, middle: r1 })).toThrow("one of the room's");
});

test("who was parted from the others tries to come back after four seconds, then ever more seldom", () => {
  const { network, r1, r2, a, b } = world();
  r1.die();
  network.until(() => a.isAt(1) && b.isAt(1), 6_000);
  const asked: number[] = [];
  const { connect } = network;
  network.connect = (box) => {
    if (box === r1) asked.push(network.now);
    return connect.call(network, box);
  };
  const start = network.now;
  network.run(40_000);
  expect(r2.isAlive).toBe(true);
  const [first, second] = asked.filter((_, i) => i % 2 === 0).map((at) => at - start) as [number, number];
  expect(first).toBeGreaterThan(3_000);
  expect(first).toBeLessThan(4_200);
  expect(second - first).toBeGreaterThan(8_000);
  expect(asked.length).toBeLessThanOrEqual(6);
});
