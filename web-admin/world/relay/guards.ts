// The client's own entry boxes, kept for months: who changes his entry often meets a bad one sooner. None
// is ever taken from a peer, an invitation or a page. Section 8 of docs/PROTOCOL.md.
import { hex, unhex } from "../bytes";
import { type Descriptor, Role } from "./descriptor";
import { equal } from "./writer";

/** Where the list is kept, for example in `localStorage`. */
export interface GuardStorage {
  load(): string | null;
  save(text: string): void;
}

/** An entry box of ours. */
export interface Guard {
  node: Uint8Array;
  noise: Uint8Array;
  /** Zeros if the box names none. */
  operator: Uint8Array;
  urls: string[];
  /** Unix milliseconds. */
  since: number;
}

/** Guards that are pinned by {@link Guards.learn}. */
const PINNED = 3;
/** Milliseconds. */
const KEPT = 120 * 86_400_000;
const FAILING = 60_000;
const BACK_OF_THE_LIST = 600_000;
const FAILURES = 3;
/** Descriptors that are remembered. */
const MOST_KNOWN = 1_000;

export class Guards {
  private pinned: Guard[];
  private known: Descriptor[] = [];
  private readonly failures = new Map<string, number[]>();
  private readonly badUntil = new Map<string, number>();

  constructor(
    private readonly storage: GuardStorage,
    private readonly random: (length: number) => Uint8Array = (length) =>
      crypto.getRandomValues(new Uint8Array(length)),
  ) {
    this.pinned = read(storage.load());
  }

  /** All, in order. */
  get all(): readonly Guard[] {
    return this.pinned;
  }

  /** Pins a box by the person's own choice, behind the others. */
  pin({ node, noise, operator, urls }: Descriptor, now = Date.now()): void {
    this.pinned = this.pinned.filter((guard) => !equal(guard.node, node));
    this.pinned.push({ node, noise, operator, urls, since: now });
    this.save();
  }

  unpin(node: Uint8Array): void {
    this.pinned = this.pinned.filter((guard) => !equal(guard.node, node));
    this.save();
  }

  /**
   * Takes note of boxes: brings what is known of pinned ones up to date, and fills the list up to three
   * by chance, no two of one operator. Do not pass your own box: as an entry it shows where you live.
   */
  learn(descriptors: Descriptor[], now = Date.now()): void {
    this.known = descriptors.slice(0, MOST_KNOWN);
    for (const { node, noise, operator, urls } of descriptors) {
      const guard = this.pinned.find((guard) => equal(guard.node, node));
      if (guard !== undefined) Object.assign(guard, { noise, operator, urls });
    }
    const candidates = descriptors.filter(({ roles, urls }) => roles & Role.ENTRY && urls.length > 0);
    const isFree = (candidate: Descriptor) =>
      this.pinned.every((guard) => !equal(guard.node, candidate.node) && !areOne(guard, candidate));
    for (;;) {
      const free = candidates.filter(isFree);
      if (free.length === 0) break;
      if (this.pinned.length >= PINNED) {
        const old = this.pinned.findIndex(({ since }) => now - since > KEPT);
        if (old < 0) break;
        this.pinned.splice(old, 1);
      }
      const { node, noise, operator, urls } = free[this.below(free.length)]!;
      this.pinned.push({ node, noise, operator, urls, since: now });
    }
    this.save();
  }

  /** Those that may lead to the room box `node`, best first. */
  leadingTo(node: Uint8Array, now: number): Guard[] {
    const room = this.known.find((box) => equal(box.node, node));
    const fit = this.pinned.filter(
      (guard) => !equal(guard.node, node) && (room === undefined || !hasOneOperator(guard, room)),
    );
    const isBad = (guard: Guard) => (this.badUntil.get(hex(guard.node)) ?? 0) > now;
    return [...fit.filter((guard) => !isBad(guard)), ...fit.filter(isBad)];
  }

  /** It did not answer. Three times in a minute put it at the end of the list for ten. */
  failed({ node }: Guard, now: number): void {
    const id = hex(node);
    const recent = (this.failures.get(id) ?? []).filter((at) => now - at < FAILING);
    recent.push(now);
    this.failures.set(id, recent);
    if (recent.length >= FAILURES) this.badUntil.set(id, now + BACK_OF_THE_LIST);
  }

  /** Whether it is not certain that entry and room box are apart, or that there is a choice of entries. */
  isReduced(entry: Guard, roomBox: Uint8Array): boolean {
    const independent: Guard[] = [];
    for (const guard of this.pinned) if (!independent.some((other) => areOne(other, guard))) independent.push(guard);
    const room = this.known.find(({ node }) => equal(node, roomBox));
    return independent.length < PINNED || room === undefined || areOne(entry, room);
  }

  private below(limit: number): number {
    return new DataView(this.random(4).buffer).getUint32(0) % limit;
  }

  private save(): void {
    const guards = this.pinned.map(({ node, noise, operator, urls, since }) => {
      return { node: hex(node), noise: hex(noise), operator: hex(operator), urls, since };
    });
    this.storage.save(JSON.stringify({ version: 1, guards }));
  }
}

function read(text: string | null): Guard[] {
  if (text === null) return [];
  const { version, guards } = JSON.parse(text) as {
    version: number;
    guards: { node: string; noise: string; operator: string; urls: string[]; since: number }[];
  };
  if (version !== 1) throw new Error("the list of guards is of another version");
  return guards.map(({ node, noise, operator, urls, since }) => {
    return { node: unhex(node), noise: unhex(noise), operator: unhex(operator), urls, since };
  });
}

type Box = Pick<Descriptor, "operator" | "urls">;

const hasOneOperator = (a: Box, b: Box): boolean =>
  a.operator.some((byte) => byte !== 0) && equal(a.operator, b.operator);

/** Whether two boxes may be one person's: by the operator they name, or by their network. */
function areOne(a: Box, b: Box): boolean {
  const networks = new Set(a.urls.map(networkOf));
  return hasOneOperator(a, b) || b.urls.some((url) => networks.has(networkOf(url)));
}

/** The first 16 bits of an IPv4 address, 32 of an IPv6 address, or a name. */
function networkOf(url: string): string {
  const host = new URL(url).hostname;
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return host.split(".").slice(0, 2).join(".");
  if (host.startsWith("[")) return host.slice(1).split(":").slice(0, 2).join(":");
  return host;
}
