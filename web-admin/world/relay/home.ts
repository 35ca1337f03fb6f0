// Where a client is in the room: through which entry, at which of the room's boxes, and what happens
// when one of them dies. Section 8 of docs/PROTOCOL.md.
import type { Carrier } from "./carrier";
import { Code } from "./code";
import { Role } from "./descriptor";
import { Entries, type Entry, type Surroundings } from "./entries";
import type { Grant } from "./frame";
import type { Guard, Guards } from "./guards";
import { Kind, type Occupant, type Record } from "./record";
import type { RoomBox } from "./room";
import { Session } from "./session";
import { equal } from "./writer";

/** Milliseconds. */
const SILENCE = 2_500;
const ATTEMPT = 1_500;
const RULED_ATTEMPT = 6_000;
const PAUSE = { first: 250, last: 4_000, refused: 15_000 };
/** What does not change so soon. */
const REFUSALS: Code[] = [Code.TICKET, Code.BLOCKED, Code.SIGNATURE, Code.ENTITLEMENT];
const LOWER = { first: 4_000, last: 80_000 };
const KEEP_ALIVE = 8_000;
const LOOK = 500;

/** What ways the client may take. */
export interface Ways {
  /** Of the room, in order. */
  boxes: RoomBox[];
  guards: Guards;
  hops: 1 | 2 | 3;
  /** The second of three hops; one of the guards if it is `null`. */
  middle: RoomBox | null;
  /** Boxes ask the chain before they let anybody in. */
  isRuled: boolean;
}

/** Being in the room at one box. */
export interface Home {
  /** Of the box in the invitation. */
  position: number;
  session: Session;
  grant: Grant;
  /** The box that sees our address. */
  guard: Guard;
  entry: Entry | null;
  slot: number;
}

export interface HomeListener {
  /** What proves to the box that we may enter, for the session with this hash. */
  join(session: Uint8Array): Record;
  /** We are in the room. `before` is where we were and still can speak, if we move by ourselves. */
  arrived(home: Home, others: Occupant[], before: Home | null): void;
  /** A record of home. */
  record(record: Record): void;
  /** Home is lost, for a reason that was given or for silence; another is being looked for. */
  lost(code: Code): void;
  /** A try to enter at this position failed. */
  failed(position: number, code: Code): void;
}

/** One try to enter the room at one box. */
interface Attempt {
  position: number;
  sessions: Session[];
  cancelTimer: () => void;
}

/** A carrier to a box of the room. */
interface Way {
  carrier: Carrier;
  depth: number;
  guard: Guard;
  entry: Entry | null;
}

export class HomeSeeker {
  private readonly entries: Entries;
  private home: Home | null = null;
  private attempt: Attempt | null = null;
  private cancelPause = () => {};
  private cancelLook = () => {};
  private cancelLower = () => {};
  private lowerAfter = LOWER.first;
  private failures = 0;
  private pause = PAUSE.first;
  /** A box of this round said no to who we are. */
  private isRefused = false;
  private isOver = false;

  constructor(
    private readonly ways: Ways,
    private readonly around: Surroundings,
    private readonly listener: HomeListener,
  ) {
    this.entries = new Entries(ways.guards, around, ways.middle);
    this.look();
    this.seek(0);
  }

  get current(): Home | null {
    return this.home;
  }

  /** Leaves the room and ends all sessions. */
  close(): void {
    this.isOver = true;
    for (const cancel of [this.cancelLook, this.cancelPause, this.cancelLower]) cancel();
    this.abandon();
    if (this.home !== null) this.leave(this.home);
    this.home = null;
    this.entries.close();
  }

  private leave({ session }: Home): void {
    session.send({ type: "leave" });
    session.close();
  }

  /** A member moved to a lower position: we follow at once. */
  follow(position: number): void {
    if (this.home === null || position >= this.home.position || this.attempt !== null) return;
    this.tryAt(position, () => {});
  }

  // --- Looking for a home ------------------------------------------------------------------------

  private seek(position: number): void {
    this.tryAt(position, (code) => {
      this.listener.failed(position, code);
      const { length } = this.ways.boxes;
      this.isRefused ||= REFUSALS.includes(code);
      const next = (position + 1) % length;
      if (++this.failures % length !== 0) return this.seek(next);
      const pause = this.isRefused ? PAUSE.refused : this.pause;
      this.isRefused = false;
      this.cancelPause = this.around.after(pause, () => this.seek(next));
      this.pause = Math.min(this.pause * 2, PAUSE.last);
    });
  }

  /** Tries to enter at one box; `failed` is called if it is not to be had through any entry. */
  private tryAt(position: number, failed: (code: Code) => void): void {
    if (this.isOver) return;
    const box = this.ways.boxes[position]!;
    const attempt: Attempt = { position, sessions: [], cancelTimer: () => {} };
    this.attempt = attempt;
    const isCurrent = () => this.attempt === attempt;
    const fail = (code: Code) => {
      if (!isCurrent()) return;
      this.abandon();
      failed(code);
    };
    const limit = (entry: Entry | null) => {
      attempt.cancelTimer = this.around.after(this.ways.isRuled ? RULED_ATTEMPT : ATTEMPT, () => {
        if (entry === null) return fail(Code.TIMEOUT);
        // Either the box is dead or the entry is.
        this.entries.isAlive(entry, (isAlive) => {
          if (!isCurrent()) return;
          if (isAlive) return fail(Code.TIMEOUT);
          this.entries.giveUp(entry);
          // What was ended by that has failed already.
          if (!isCurrent()) return;
          this.abandon();
          this.tryAt(position, failed);
        });
      });
    };
    this.reach(attempt, box, limit, fail, (way) => this.enter(attempt, box, way, fail));
  }

  private abandon(): void {
    const attempt = this.attempt;
    this.attempt = null;
    attempt?.cancelTimer();
    for (const session of attempt?.sessions.reverse() ?? []) session.close();
  }

  /** Finds a carrier to the room's box: one socket, or circuits through one or two others. */
  private reach(
    attempt: Attempt,
    box: RoomBox,
    limit: (entry: Entry | null) => void,
    fail: (code: Code) => void,
    done: (way: Way) => void,
  ): void {
    const { guards, hops } = this.ways;
    if (hops === 1) {
      const guard = guards.all.find(({ node }) => equal(node, box.node));
      if (guard === undefined) return fail(Code.HOPS);
      limit(null);
      return done({ carrier: this.around.open(guard.urls), depth: 0, guard, entry: null });
    }
    this.entries.obtain(box, (entry) => {
      if (this.attempt !== attempt) return;
      if (entry === null) return fail(Code.UNREACHABLE);
      limit(entry);
      const { guard, session } = entry;
      const circuit = (through: Session) =>
        done({ carrier: through.openCircuit(box.node), depth: through.depth + 1, guard, entry });
      if (hops === 2) return circuit(session);
      const fit = guards.leadingTo(box.node, this.around.now());
      const middle = this.ways.middle ?? fit.find(({ node }) => !equal(node, guard.node));
      if (middle === undefined) return fail(Code.HOPS);
      const listener = { opened: () => circuit(second), record: () => {}, ended: fail };
      const second: Session = this.begin(session.openCircuit(middle.node), middle, 1, listener);
      attempt.sessions.push(second);
    });
  }

  private begin(
    carrier: Carrier,
    box: RoomBox,
    depth: number,
    listener: ConstructorParameters<typeof Session>[3],
  ): Session {
    const { random, now } = this.around;
    return new Session(carrier, box, depth, listener, random, now);
  }

  private enter(attempt: Attempt, box: RoomBox, way: Way, fail: (code: Code) => void): void {
    let grant: Grant | null = null;
    let home: Home | null = null;
    const session: Session = this.begin(way.carrier, box, way.depth, {
      opened: (granted) => {
        grant = granted;
        if (grant.roles & Role.ROOM) session.send(this.listener.join(session.hash));
        else fail(Code.ROLE);
      },
      record: (record) => {
        if (home !== null) return this.heed(home, record);
        if (record.type === "refused" && record.record === Kind.join) fail(record.code);
        if (record.type !== "joined" || grant === null || this.attempt !== attempt) return;
        const { guard, entry } = way;
        home = { position: attempt.position, session, grant, guard, entry, slot: record.slot };
        this.arrive(home, record.others);
      },
      ended: (code) => {
        if (home === null) fail(code);
        else if (this.home === home) this.lose(home, code);
      },
    });
    attempt.sessions.push(session);
  }

  private arrive(home: Home, others: Occupant[]): void {
    const before = this.home;
    this.attempt?.cancelTimer();
    this.attempt = null;
    [this.failures, this.pause, this.lowerAfter] = [0, PAUSE.first, LOWER.first];
    this.home = home;
    this.listener.arrived(home, others, before);
    if (before !== null) this.leave(before);
    this.entries.keepOnly(home.guard);
    this.awaitLower();
  }

  // --- Being there -------------------------------------------------------------------------------

  private heed(home: Home, record: Record): void {
    if (this.home !== home) return;
    if (record.type === "left" && record.slot === home.slot) this.lose(home, record.code);
    else this.listener.record(record);
  }

  private lose(home: Home, code: Code): void {
    this.home = null;
    this.cancelLower();
    this.abandon();
    home.session.close();
    this.listener.lost(code);
    const next = (home.position + 1) % this.ways.boxes.length;
    const { entry } = home;
    if (entry === null) return this.seek(next);
    this.entries.isAlive(entry, (isAlive) => {
      if (this.isOver) return;
      if (isAlive) return this.seek(next);
      this.entries.giveUp(entry);
      this.seek(home.position);
    });
  }

  /** Looks regularly whether home still speaks and whether we do. */
  private look(): void {
    this.cancelLook = this.around.after(LOOK, () => this.look());
    const { home } = this;
    this.entries.keepAlive(KEEP_ALIVE);
    if (home === null) return;
    const now = this.around.now();
    if (now - home.session.heardAt > SILENCE) this.lose(home, Code.TIMEOUT);
    else if (now - home.session.sentAt >= KEEP_ALIVE) home.session.ping(() => {});
  }

  /** Members who were parted come together again at the lowest position that any of them can reach. */
  private awaitLower(): void {
    this.cancelLower();
    if (this.home === null || this.home.position === 0) return;
    this.cancelLower = this.around.after(this.lowerAfter, () => {
      this.lowerAfter = Math.min(this.lowerAfter * 2, LOWER.last);
      if (this.attempt === null) this.tryLower(0);
      else this.awaitLower();
    });
  }

  private tryLower(position: number): void {
    if (this.home === null) return;
    if (position >= this.home.position) return this.awaitLower();
    this.tryAt(position, () => this.tryLower(position + 1));
  }
}
