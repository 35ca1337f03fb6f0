// The room's owner keeps somebody out: at this box and at the next, until he lets him in again.
import { expect, test, vi } from "vitest";
import { hex } from "../bytes";
import { Blocks } from "./blocks";
import { SigningKey } from "./crypto";
import { Policy, issueTicket, roomId, roomName } from "./room";
import { Person, bytes, place } from "./simulated-people";

// Big numbers are slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

const owner = new SigningKey(new Uint8Array(32).fill(9));

function owned() {
  const { network, e1, e2, r1, r2, invitation } = place({ owner: owner.public });
  const a = new Person(network, 10, [e1, e2], { invitation, owner });
  const b = new Person(network, 11, [e2, e1], { invitation });
  const c = new Person(network, 12, [e2, e1], { invitation });
  network.until(() => [a, b, c].every(({ members }) => members.size === 2), 5_000);
  const inAnHour = network.now / 1_000 + 3_600;
  return { network, r1, r2, invitation, a, b, c, inAnHour };
}

test("who is blocked disappears, hears nothing more and is told why; the others stay", () => {
  const { network, a, b, c, inAnHour } = owned();
  a.room.block(b.room.id, inAnHour);
  network.run(1_000);
  expect([...a.members.keys()]).toEqual([c.room.id]);
  expect([...c.members.keys()]).toEqual([a.room.id]);
  expect(b.reasons).toContain("BLOCKED");
  a.room.send(bytes("without him"));
  network.run(3_000);
  expect(c.messages).toEqual(["without him"]);
  expect(b.messages).toEqual([]);
  // The second box knows nothing of it, but nobody is there.
  expect(b.isAt(0)).toBe(false);
  expect(a.blocksRefused).toEqual([]);
});

test("a block follows the owner to the next box, and ends when he says so", () => {
  const { network, r1, invitation, a, b, c, inAnHour } = owned();
  const alone = { ...invitation, boxes: invitation.boxes.slice(0, 1) };
  expect(hex(roomId(roomName(alone)))).toBe(hex(roomId(roomName(invitation))));
  a.room.block(b.room.id, inAnHour);
  r1.die();
  network.until(() => a.isAt(1) && c.isAt(1), 20_000);
  network.until(() => b.reasons.includes("BLOCKED") && b.presence?.state === "seeking", 20_000);
  network.run(5_000);
  expect([...a.members.keys()]).toEqual([c.room.id]);
  a.room.unblock(b.room.id);
  network.until(() => b.isAt(1), 20_000);
  network.until(() => a.members.has(b.room.id) && c.members.has(b.room.id), 5_000);
  // Where the block had been said first, its end is said too.
  r1.revive();
  network.until(() => [a, b, c].every((person) => person.isAt(0)), 30_000);
  network.run(3_000);
  expect(b.isAt(0)).toBe(true);
});

test("who is blocked while the owner is on his way is out as soon as he is there", () => {
  const { network, r1, a, b, c, inAnHour } = owned();
  r1.die();
  network.until(() => a.presence?.state === "seeking", 5_000);
  a.room.block(b.room.id, inAnHour);
  network.until(() => a.isAt(1) && c.isAt(1) && b.reasons.includes("BLOCKED"), 10_000);
  network.run(1_000);
  expect([...c.members.keys()]).toEqual([a.room.id]);
});

test("a ticket that is blocked lets nobody in who came by it", () => {
  const { network, e1, e2, invitation } = place({ owner: owner.public, policy: Policy.TICKET });
  const room = roomId(roomName(invitation));
  const tickets = [1, 2].map((seed) => issueTicket(owner, room, new Uint8Array(32).fill(seed), 10_000n));
  const enter = (seed: number, ticket: number, own = {}) =>
    new Person(network, seed, [e1, e2], { invitation: { ...invitation, ticket: tickets[ticket]! }, ...own });
  const [a, b] = [enter(10, 0, { owner }), enter(11, 1)];
  network.until(() => a.members.size === 1 && b.members.size === 1, 5_000);
  a.room.block(hex(tickets[1]!.key.public), network.now / 1_000 + 3_600);
  network.run(1_000);
  expect(a.members.size).toBe(0);
  const later = enter(12, 1);
  network.run(3_000);
  expect(later.reasons[0]).toBe("BLOCKED");
  expect(a.members.size).toBe(0);
});

test("only the owner blocks, and a box that refuses is reported", () => {
  const { network, r1, invitation, a, b, inAnHour } = owned();
  expect(() => b.room.block(a.room.id, inAnHour)).toThrow("only the room's owner");
  const other = new SigningKey(new Uint8Array(32).fill(8));
  expect(() => new Person(network, 30, [r1], { invitation, owner: other })).toThrow("not the key of the room's owner");
  expect(() => a.room.block("0x12", inAnHour)).toThrow("neither");
  r1.host.block = () => false;
  a.room.block(b.room.id, inAnHour);
  network.run(500);
  expect(a.blocksRefused).toEqual(["SIGNATURE"]);
});

test("the list keeps what still matters, and the last said counts", () => {
  const room = new Uint8Array(16).fill(1);
  const blocks = new Blocks(owner, room);
  const key = (number: number) => `0x${number.toString(16).padStart(64, "0")}`;
  const said = (now: number) =>
    blocks.all(now).map((record) => (record.type === "block" ? [Number(record.issued), Number(record.until)] : []));
  blocks.set(key(1), 200, 100);
  blocks.set(key(2), 300, 100);
  blocks.set(key(1), 0, 100);
  expect(said(100)).toEqual([[101, 300], [102, 0]]);
  expect(said(200)).toEqual([[101, 300]]);
  expect(said(300)).toEqual([]);
  for (let i = 0; i < 300; i++) blocks.set(key(i), Infinity, 400);
  expect(said(400)).toHaveLength(256);
});
