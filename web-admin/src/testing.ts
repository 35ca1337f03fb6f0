// A healthy box for the tests to start from, and a stand-in for the network. Not in the bundle.
import { vi } from "vitest";
import type { Live, Status, Torrent, Update, Volume } from "./api";

export const HASH = "0123456789abcdef0123456789abcdef01234567";
export const WALLET = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

export function volume(changes: Partial<Volume> = {}): Volume {
  return {
    id: "first",
    path: "/data",
    state: "ready",
    problem: null,
    quota: 50e9,
    protected: 10e9,
    community: 20e9,
    disk_free: 100e9,
    reserve: 5e9,
    ...changes,
  };
}

export function torrent(changes: Partial<Torrent> = {}): Torrent {
  return {
    info_hash: HASH,
    name: "Lighthouse",
    model: 1,
    keep: "owned",
    state: "seeding",
    size: 2e9,
    have: 2e9,
    reserved: 2e9,
    peers: 1,
    other_seeds: 2,
    download_rate: 0,
    upload_rate: 0,
    uploaded: 0,
    requests: 0,
    added_at: 1_000,
    error: null,
    ...changes,
  };
}

export function update(changes: Partial<Update> = {}): Update {
  return {
    supported: true,
    version: "0.1.0",
    slot: "A",
    phase: "idle",
    bundle: null,
    received: null,
    size: null,
    percent: null,
    restart_at: null,
    found: [],
    last: null,
    ...changes,
  };
}

export function live(changes: Partial<Status> = {}, torrents: Torrent[] = []): Live {
  const status: Status = {
    health: "well",
    sentence: "Everything on your land is here and verified.",
    version: "0.1.0",
    uptime: 60,
    now: 10_000,
    alerts: [],
    wallets: 1,
    chain: {
      health: "well",
      sentence: "Up to date.",
      chain_id: 1,
      as_of: { number: 5, hash: "aa".repeat(32), timestamp: 9_980, observed_at: 9_990 },
      head: 5,
      parcels: 1,
      models: 1,
      placements: 1,
      reorgs: 0,
      endpoints: [],
      trust: { level: "rpc", health: "well", sentence: "", block: null, checkpoint: null, endpoints: [] },
      proved: null,
      corroborated: null,
    },
    seeder: {
      health: "well",
      sentence: "",
      volumes: [volume()],
      torrents: torrents.length,
      refusals: 0,
      protected_refusals: 0,
      evicted: 0,
      repaired_pieces: 0,
      listen_port: null,
    },
    relay: {
      on: true,
      health: "well",
      sentence: "The relay passes sealed bytes on.",
      clients: 2,
      streams: 1,
      circuits: 2,
      rooms: 1,
      members: 1,
      boxes: 3,
      month_bytes: 1_500_000_000,
      month_limit: 500_000_000_000,
    },
    update: update(),
    ...changes,
  };
  return { status, torrents };
}

export interface Asked {
  method: string;
  path: string;
  body: unknown;
}

/** Answers every request by `answer` (status and JSON) and returns what was asked. */
export function network(answer: (asked: Asked) => [number, unknown?] | null): Asked[] {
  const log: Asked[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const text = await request.text();
    const asked: Asked = {
      method: request.method,
      path: new URL(request.url).pathname,
      body: text === "" ? undefined : isJson(request) ? JSON.parse(text) : text,
    };
    log.push(asked);
    const answered = answer(asked);
    if (answered === null) throw new TypeError("network down");
    const [status, body] = answered;
    return new Response(body === undefined ? null : JSON.stringify(body), {
      status,
      headers: { "content-type": status < 400 ? "application/json" : "application/problem+json" },
    });
  });
  return log;
}

function isJson(request: Request): boolean {
  return request.headers.get("content-type") === "application/json";
}

export function problem(type: string, detail: string, more: object = {}) {
  return { type, title: type, status: 400, detail, ...more };
}
