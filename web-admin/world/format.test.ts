// The formats by the vectors that the box's own code wrote, and by damaged bytes.
import { expect, test } from "vitest";
import { FormatError, unhex } from "./bytes";
import {
  type Chunk,
  type World,
  applyToChunk,
  applyToWorld,
  coordinates,
  decodeChunk,
  decodeDelta,
  decodeWorld,
  epochName,
  tokenId,
} from "./format";
import vectors from "./vectors.json";

const place = (id: number) => {
  const { x, y } = coordinates(id);
  return `${x},${y}`;
};

/** As JSON has it: numbers of 64 bits are text, parcels are named by their place. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? v.toString() : v)));

const parcelsOf = (of: World | Chunk) => {
  const entries = [...of.parcels].map(([id, parcel]) => [place(id), parcel]);
  return plain(Object.fromEntries(entries));
};

const decoders = { world: decodeWorld, chunk: decodeChunk, delta: decodeDelta };

test("a world is read as the box wrote it", () => {
  for (const vector of [vectors.world, vectors.worldAfter]) {
    const world = decodeWorld(unhex(vector.bytes));
    expect(epochName(world.epoch)).toBe(vector.epoch);
    expect(parcelsOf(world)).toEqual(vector.parcels);
  }
});

test("a chunk is read as the box wrote it", () => {
  for (const vector of [vectors.chunk, vectors.chunkAfter]) {
    const chunk = decodeChunk(unhex(vector.bytes));
    expect([chunk.x, chunk.y]).toEqual([0, 0]);
    expect(parcelsOf(chunk)).toEqual(vector.parcels);
    expect(plain([...chunk.models.values()])).toEqual(vector.models);
  }
});

test("a delta leads where it says", () => {
  const delta = decodeDelta(unhex(vectors.delta.bytes));
  expect([epochName(delta.from), epochName(delta.to)]).toEqual([vectors.delta.from, vectors.delta.to]);
  const removed = [...delta.parcels].filter(([, parcel]) => parcel === null);
  expect(removed.map(([id]) => place(id))).toEqual(vectors.delta.removed);
  const world = decodeWorld(unhex(vectors.world.bytes));
  applyToWorld(world, delta);
  expect(epochName(world.epoch)).toBe(vectors.worldAfter.epoch);
  expect(parcelsOf(world)).toEqual(vectors.worldAfter.parcels);
  const chunk = decodeChunk(unhex(vectors.chunk.bytes));
  applyToChunk(chunk, delta);
  const expected = decodeChunk(unhex(vectors.chunkAfter.bytes));
  expect(parcelsOf(chunk)).toEqual(parcelsOf(expected));
  expect(chunk.models).toEqual(expected.models);
});

test("token IDs and coordinates are each other's inverse", () => {
  for (const [x, y] of [[0, 0], [-1, 1], [-32768, 32767], [32767, -32768]] as const) {
    expect(coordinates(tokenId(x, y))).toEqual({ x, y });
  }
  expect(tokenId(-2, 7)).toBe(0x7ffe8007);
});

test("bytes cut short or too long are refused, whatever is missing", () => {
  for (const [name, decode] of Object.entries(decoders)) {
    const bytes = unhex(vectors[name as keyof typeof decoders].bytes);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decode(bytes.subarray(0, length)), `${name} ${length}`).toThrow(FormatError);
    }
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    expect(() => decode(longer)).toThrow(FormatError);
  }
});

test("damaged bytes are refused or read, but nothing else happens", () => {
  for (const [name, decode] of Object.entries(decoders)) {
    const bytes = unhex(vectors[name as keyof typeof decoders].bytes);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = damaged[at]! ^ 0xff;
      try {
        decode(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }
  }
});

test("another format or version is named as such", () => {
  const bytes = unhex(vectors.world.bytes);
  expect(() => decodeChunk(bytes)).toThrow("no CGRC");
  bytes[4] = 2;
  expect(() => decodeWorld(bytes)).toThrow("version 2");
});
