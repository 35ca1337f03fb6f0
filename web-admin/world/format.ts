// The world, its chunks and the deltas between two states, as docs/GRID.md describes them.
import { Reader, ensure } from "./bytes";

/** A state of the grid: the block that changed it last. */
export interface Epoch {
  number: bigint;
  /** `0x` and 64 digits. */
  hash: string;
}

/** What the world tells of a parcel. */
export interface Cell {
  owner: string;
  /** Placements; 255 stands for 255 or more. */
  placements: number;
}

/** Every parcel that somebody holds, by token ID. */
export interface World {
  epoch: Epoch;
  parcels: Map<number, Cell>;
}

export interface Placement {
  id: bigint;
  model: bigint;
  /** Millimetres from the parcel's corner: eastwards, up, northwards. */
  position: [number, number, number];
  /** Unit quaternion (x, y, z, w) times 32767. */
  rotation: [number, number, number, number];
  /** Times 1000. */
  scale: number;
}

export interface Parcel {
  owner: string;
  placements: Placement[];
}

/** What it takes to load a model. Strangers wrote name and sources. */
export interface Model {
  id: bigint;
  infoHash: string;
  contentHash: string;
  size: bigint;
  flags: number;
  gate: string | null;
  name: string;
  sources: string;
}

/** 16 × 16 parcels with all that stands there. */
export interface Chunk {
  x: number;
  y: number;
  parcels: Map<number, Parcel>;
  models: Map<bigint, Model>;
}

/** How one state becomes another. */
export interface Delta {
  from: Epoch;
  to: Epoch;
  /** Changed parcels by token ID; `null` for one that nobody holds any more. */
  parcels: Map<number, Parcel | null>;
  models: Map<bigint, Model>;
}

const NOBODY = 0xffffffff;
const MAX_PARCELS = 1 << 22;
const MAX_CHUNK_MODELS = 4096;
const MAX_NAME = 256;
const MAX_SOURCES = 1024;

/** The token ID of a parcel: in the order of x, then y. */
export function tokenId(x: number, y: number): number {
  return (((x + 0x8000) << 16) | (y + 0x8000)) >>> 0;
}

/** The coordinates of a token ID. */
export function coordinates(id: number): { x: number; y: number } {
  return { x: (id >>> 16) - 0x8000, y: (id & 0xffff) - 0x8000 };
}

/** How addresses and events name an epoch. */
export function epochName(epoch: Epoch): string {
  return `${epoch.number}-${epoch.hash.slice(2, 18)}`;
}

export function decodeWorld(bytes: Uint8Array): World {
  const reader = Reader.open(bytes, "CGRW");
  const epoch = readEpoch(reader);
  const [owners, chunks, count] = [reader.u32(), reader.u32(), reader.u32()];
  ensure(count <= MAX_PARCELS, "too many parcels");
  const addresses = readOwners(reader, owners);
  const places = new Reader(reader.take(4 * chunks));
  const maps = reader.take(32 * chunks);
  const [low, middle, high] = [reader.take(count), reader.take(count), reader.take(count)];
  const counts = reader.take(count);
  reader.finish();

  const parcels = new Map<number, Cell>();
  let at = 0;
  for (let chunk = 0; chunk < chunks; chunk++) {
    const [x, y] = [places.i16(), places.i16()];
    for (const cell of cellsOf(maps.subarray(32 * chunk, 32 * chunk + 32))) {
      ensure(at < count, "more cells than parcels");
      const index = low[at]! | (middle[at]! << 8) | (high[at]! << 16);
      const owner = ownerAt(addresses, index);
      parcels.set(cellTokenId(x, y, cell), { owner, placements: counts[at]! });
      at++;
    }
  }
  ensure(at === count && parcels.size === count, "more parcels than cells");
  return { epoch, parcels };
}

export function decodeChunk(bytes: Uint8Array): Chunk {
  const reader = Reader.open(bytes, "CGRC");
  const [x, y] = [reader.i16(), reader.i16()];
  const [owners, placements, models] = [reader.u32(), reader.u32(), reader.u32()];
  ensure(models <= MAX_CHUNK_MODELS, "too many models");
  const addresses = readOwners(reader, owners);
  const cells = cellsOf(reader.take(32));
  const indexes = reader.take(cells.length);
  const counts = reader.take(cells.length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  ensure(total === placements, "the numbers of placements differ");
  const parcels = new Map<number, Parcel>();
  cells.forEach((cell, i) => {
    const owner = ownerAt(addresses, indexes[i]!);
    const standing = readPlacements(reader, counts[i]!);
    parcels.set(cellTokenId(x, y, cell), { owner, placements: standing });
  });
  const known = readModels(reader, models);
  reader.finish();
  return { x, y, parcels, models: known };
}

export function decodeDelta(bytes: Uint8Array): Delta {
  const reader = Reader.open(bytes, "CGRD");
  const [from, to] = [readEpoch(reader), readEpoch(reader)];
  const [owners, count, placements, models] = [
    reader.u32(),
    reader.u32(),
    reader.u32(),
    reader.u32(),
  ];
  ensure(count <= MAX_PARCELS, "too many parcels");
  const addresses = readOwners(reader, owners);
  const records = new Reader(reader.take(9 * count));
  const parcels = new Map<number, Parcel | null>();
  let total = 0;
  for (let i = 0; i < count; i++) {
    const id = tokenId(records.i16(), records.i16());
    const [index, standing] = [records.u32(), records.u8()];
    total += standing;
    if (index === NOBODY) {
      ensure(standing === 0, "something stands on nobody's land");
      parcels.set(id, null);
    } else {
      const owner = ownerAt(addresses, index);
      parcels.set(id, { owner, placements: readPlacements(reader, standing) });
    }
  }
  ensure(total === placements, "the numbers of placements differ");
  const known = readModels(reader, models);
  reader.finish();
  return { from, to, parcels, models: known };
}

/** Brings a world of epoch `delta.from` to `delta.to`, in place. */
export function applyToWorld(world: World, delta: Delta): void {
  world.epoch = delta.to;
  for (const [id, parcel] of delta.parcels) {
    if (parcel === null) world.parcels.delete(id);
    else world.parcels.set(id, { owner: parcel.owner, placements: parcel.placements.length });
  }
}

/** Brings a chunk of epoch `delta.from` to `delta.to`, in place. */
export function applyToChunk(chunk: Chunk, delta: Delta): void {
  for (const [id, parcel] of delta.parcels) {
    const { x, y } = coordinates(id);
    if (x >> 4 !== chunk.x || y >> 4 !== chunk.y) continue;
    if (parcel === null) chunk.parcels.delete(id);
    else chunk.parcels.set(id, parcel);
  }
  const named = new Set<bigint>();
  for (const parcel of chunk.parcels.values()) {
    for (const placement of parcel.placements) named.add(placement.model);
  }
  for (const [id, model] of delta.models) chunk.models.set(id, model);
  for (const id of chunk.models.keys()) if (!named.has(id)) chunk.models.delete(id);
}

function readEpoch(reader: Reader): Epoch {
  return { number: reader.u64(), hash: reader.hex(32) };
}

function readOwners(reader: Reader, count: number): string[] {
  const bytes = reader.take(20 * count);
  const owners = new Reader(bytes);
  return Array.from({ length: count }, () => owners.hex(20));
}

function ownerAt(owners: string[], index: number): string {
  const owner = owners[index];
  ensure(owner !== undefined, "an owner that is not in the table");
  return owner;
}

/** The cells that a map of 32 bytes names. */
function cellsOf(map: Uint8Array): number[] {
  const cells = [];
  for (let cell = 0; cell < 256; cell++) {
    if ((map[cell >> 3]! >> (cell & 7)) & 1) cells.push(cell);
  }
  return cells;
}

function cellTokenId(x: number, y: number, cell: number): number {
  return tokenId(x * 16 + (cell >> 4), y * 16 + (cell & 15));
}

function readPlacements(reader: Reader, count: number): Placement[] {
  return Array.from({ length: count }, () => ({
    id: reader.u64(),
    model: reader.u64(),
    position: [reader.i32(), reader.i32(), reader.i32()],
    rotation: [reader.i16(), reader.i16(), reader.i16(), reader.i16()],
    scale: reader.u32(),
  }));
}

function readModels(reader: Reader, count: number): Map<bigint, Model> {
  const models = new Map<bigint, Model>();
  for (let i = 0; i < count; i++) {
    const model: Model = {
      id: reader.u64(),
      infoHash: reader.hex(20).slice(2),
      contentHash: reader.hex(32).slice(2),
      size: reader.u64(),
      flags: reader.u8(),
      gate: readGate(reader),
      name: reader.text(MAX_NAME),
      sources: reader.text(MAX_SOURCES),
    };
    models.set(model.id, model);
  }
  return models;
}

function readGate(reader: Reader): string | null {
  const there = reader.u8();
  ensure(there <= 1, "a gate is neither there nor not");
  return there === 1 ? reader.hex(20) : null;
}
