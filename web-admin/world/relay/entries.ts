// Sessions with our guards: the one through which we are in the room, and others while a new way is
// looked for. Section 8 of docs/PROTOCOL.md.
import { hex } from "../bytes";
import { type Carrier, OPENS } from "./carrier";
import type { Guard, Guards } from "./guards";
import type { RoomBox } from "./room";
import { Session } from "./session";
import { equal } from "./writer";

/** What the client needs of the world around it. */
export interface Surroundings {
  /** Milliseconds of a clock that does not go back. */
  now(): number;
  /** Calls `action` later; the result cancels it. */
  after(milliseconds: number, action: () => void): () => void;
  random(length: number): Uint8Array;
  /** A carrier to a box by the first of these URLs that leads to it. */
  open(urls: string[]): Carrier;
}

/** Milliseconds. */
const ANSWERS = 1_000;

/** An open session with a guard. */
export interface Entry {
  guard: Guard;
  session: Session;
}

export class Entries {
  private readonly open = new Map<string, Entry>();
  /** Guards that failed since we last were in the room. */
  private readonly failed = new Set<string>();
  private isOver = false;

  /** `middle` is the second of three hops, and no entry. */
  constructor(
    private readonly guards: Guards,
    private readonly around: Surroundings,
    private readonly middle: RoomBox | null,
  ) {}

  /** Gives an entry that may lead to `box`, the open one if it may; `null` if there is none. */
  obtain(box: RoomBox, done: (entry: Entry | null) => void): void {
    if (this.isOver) return;
    const { middle } = this;
    const leading = this.guards.leadingTo(box.node, this.around.now());
    const fit = leading.filter(({ node }) => middle === null || !equal(node, middle.node));
    const entry = fit.map(({ node }) => this.open.get(hex(node))).find((entry) => entry?.session.isOpen);
    if (entry !== undefined) return done(entry);
    const guard = fit.find(({ node }) => !this.failed.has(hex(node)));
    if (guard === undefined) {
      this.failed.clear();
      return done(null);
    }
    this.connect(guard, (entry) => {
      if (entry === null) this.obtain(box, done);
      else done(entry);
    });
  }

  private connect(guard: Guard, done: (entry: Entry | null) => void): void {
    let isDecided = false;
    const decide = (isOpen: boolean) => {
      if (isDecided) return;
      isDecided = true;
      cancel();
      if (isOpen) this.open.set(hex(guard.node), entry);
      else this.giveUp(entry);
      done(isOpen ? entry : null);
    };
    const listener = {
      opened: () => decide(true),
      record: () => {},
      ended: () => {
        this.open.delete(hex(guard.node));
        decide(false);
      },
    };
    const carrier = this.around.open(guard.urls);
    const { random, now } = this.around;
    const entry = { guard, session: new Session(carrier, guard, 0, listener, random, now) };
    const cancel = this.around.after(OPENS * Math.max(1, guard.urls.length), () => decide(false));
  }

  /** Whether an entry answers within a second. */
  isAlive({ session }: Entry, done: (isAlive: boolean) => void): void {
    if (!session.isOpen) return done(false);
    let isDecided = false;
    const decide = (isAlive: boolean) => {
      if (isDecided) return;
      isDecided = true;
      cancel();
      done(isAlive);
    };
    const cancel = this.around.after(ANSWERS, () => decide(false));
    session.ping(() => decide(true));
  }

  /** It failed us: another is taken next time. */
  giveUp({ guard, session }: Entry): void {
    this.open.delete(hex(guard.node));
    this.failed.add(hex(guard.node));
    this.guards.failed(guard, this.around.now());
    session.close();
  }

  /** We are in the room through this one: the others are not needed. */
  keepOnly(kept: Guard): void {
    this.failed.clear();
    for (const [id, { guard, session }] of this.open) {
      if (guard === kept) continue;
      this.open.delete(id);
      session.close();
    }
  }

  /** Sends something where nothing was sent for so many milliseconds. */
  keepAlive(silence: number): void {
    for (const { session } of this.open.values()) {
      if (this.around.now() - session.sentAt >= silence) session.ping(() => {});
    }
  }

  close(): void {
    this.isOver = true;
    for (const { session } of this.open.values()) session.close();
    this.open.clear();
  }
}
