// Entries: kept for long, of different operators, never the room's box; and what boxes say of
// themselves.
import { ed25519 } from "@noble/curves/ed25519.js";
import { expect, test } from "vitest";
import { hex } from "../bytes";
import { labelled } from "./crypto";
import { type Descriptor, parseDescriptor } from "./descriptor";
import { Guards } from "./guards";
import { ascii, concat, u64, u8 } from "./writer";

const of = (byte: number) => new Uint8Array(32).fill(byte);
const box = (number: number, change: Partial<Descriptor> = {}): Descriptor => ({
  node: of(number),
  noise: of(100 + number),
  operator: of(number),
  roles: 7,
  issued: 0n,
  expires: 1n,
  urls: [`ws://10.${number}.0.1/relay`],
  ...change,
});

function kept() {
  let text: string | null = null;
  let draws = 0;
  const storage = { load: () => text, save: (saved: string) => void (text = saved) };
  const make = () => new Guards(storage, () => of(draws++).slice(0, 4));
  return { make, text: () => text };
}

const nodes = (guards: Guards) => guards.all.map(({ node }) => node[0]);

test("three are pinned by chance and stay for months", () => {
  const storage = kept();
  const guards = storage.make();
  guards.learn([1, 2, 3, 4, 5, 6].map((number) => box(number)), 1_000);
  const first = nodes(guards);
  expect(new Set(first).size).toBe(3);
  const later = storage.make();
  expect(nodes(later)).toEqual(first);
  later.learn([7, 8, 9].map((number) => box(number)), 1_000 + 100 * 86_400_000);
  expect(nodes(later)).toEqual(first);
  later.learn([7, 8, 9].map((number) => box(number)), 1_000 + 121 * 86_400_000);
  expect(nodes(later).filter((node) => first.includes(node!))).toEqual([]);
});

test("no two of one operator or one network, and only entries", () => {
  const guards = kept().make();
  guards.learn([
    box(1, { roles: 6 }),
    box(2, { operator: of(9) }),
    box(3, { operator: of(9) }),
    box(4, { urls: ["ws://10.2.7.7/relay"] }),
    box(5, { urls: [] }),
  ]);
  expect(guards.all).toHaveLength(1);
});

test("what a pinned box says of itself is brought up to date", () => {
  const guards = kept().make();
  guards.pin(box(1));
  guards.learn([box(1, { urls: ["ws://10.1.0.9/relay"] })]);
  expect(guards.all[0]!.urls).toEqual(["ws://10.1.0.9/relay"]);
  guards.unpin(of(1));
  expect(guards.all).toEqual([]);
});

test("an entry is not the room's box nor its operator's; who failed often comes last", () => {
  const guards = kept().make();
  for (const number of [1, 2, 3]) guards.pin(box(number));
  guards.learn([box(4, { operator: of(2) })]);
  const order = (node: number, now: number) => guards.leadingTo(of(node), now).map(({ node }) => node[0]);
  expect(order(1, 0)).toEqual([2, 3]);
  expect(order(4, 0)).toEqual([1, 3]);
  for (const at of [0, 20_000, 50_000]) guards.failed(guards.all[0]!, at);
  expect(order(9, 60_000)).toEqual([2, 3, 1]);
  expect(order(9, 700_000)).toEqual([1, 2, 3]);
});

test("privacy is reduced with few guards, or a room's box that may be the entry's operator's", () => {
  const guards = kept().make();
  for (const number of [1, 2, 3]) guards.pin(box(number));
  expect(guards.isReduced(guards.all[0]!, of(4))).toBe(true);
  guards.learn([box(4)]);
  expect(guards.isReduced(guards.all[0]!, of(4))).toBe(false);
  guards.learn([box(4, { operator: of(1) })]);
  expect(guards.isReduced(guards.all[0]!, of(4))).toBe(true);
  guards.unpin(of(3));
  guards.learn([box(4, { roles: 4 })]);
  expect(guards.isReduced(guards.all[0]!, of(4))).toBe(true);
});

test("a descriptor is signed by its box, valid, and leads to a relay", () => {
  const seed = of(1);
  const node = ed25519.getPublicKey(seed);
  const mesh = concat(u8(1), u8(4), Uint8Array.of(192, 0, 2, 1, 1, 2));
  const lists = concat(mesh, u8(1), u8(9), ascii("https://a"));
  const make = (url: string, issued: number, expires: number, signer = seed) => {
    const body = concat(u8(1), node, of(2), of(0), u8(7), u64(issued), u64(expires), u8(1), u8(url.length), ascii(url), lists);
    return concat(body, ed25519.sign(labelled("descriptor", body), signer));
  };
  const good = make("ws://192.0.2.1:8081/relay", 1_000, 2_000);
  expect(hex(parseDescriptor(good, 1_500n).node)).toBe(hex(node));
  expect(parseDescriptor(good, 1_500n).urls).toEqual(["ws://192.0.2.1:8081/relay"]);
  const hash = "A".repeat(43);
  for (const hashes of [hash, `${hash},${hash}`]) {
    const url = `https://192.0.2.1:8443/relay#${hashes}`;
    expect(parseDescriptor(make(url, 1_000, 2_000), 1_500n).urls).toEqual([url]);
  }
  const wrong: [Uint8Array, bigint][] = [
    [make(`https://192.0.2.1/relay#${hash.slice(1)}`, 1_000, 2_000), 1_500n],
    [make("https://192.0.2.1/relay", 1_000, 2_000), 1_500n],
    [good, 2_000n],
    [good.slice(0, -1), 1_500n],
    [make("ws://192.0.2.1:8081/relay", 1_000, 2_000, of(3)), 1_500n],
    [make("ws://192.0.2.1:8081/relay", 1_000, 1_000 + 15 * 86_400), 1_500n],
    [make("http://192.0.2.1/relay", 1_000, 2_000), 1_500n],
    [make("ws://192.0.2.1/other", 1_000, 2_000), 1_500n],
  ];
  for (const [bytes, now] of wrong) expect(() => parseDescriptor(bytes, now)).toThrow();
});
