// What is known of one other client in the room: its keys, the chains it gave and was given, and what
// is on its way in both directions. Outlives boxes and sessions.
import { ReceiveChain, POSE_STEP, SendChain } from "./chain";
import { Inbox, Outbox } from "./delivery";
import type { Keys } from "./sealed";

/** Milliseconds after which what was not acknowledged is repeated, and how far that doubles. */
export const RETRY = { first: 500, last: 4_000 };

/** Chains that a peer gave in one of its epochs. */
export interface Received {
  epoch: number;
  pose: ReceiveChain;
  group: ReceiveChain;
  direct: ReceiveChain;
}

/** What is kept of a peer that was dropped, so that nothing is heard twice if it comes back. */
export interface Memory {
  received: Received[];
  groupNext: number;
  directNext: number;
  directNumber: number;
}

/** Another client. */
export class Peer {
  /** Where the box has it; `null` while it is away. */
  slot: number | null = null;
  /** Since when it is away from a room in which we are. */
  awaySince: number | null = null;
  /** Its receive key, once a valid HELLO came. */
  hello: { number: number; key: Uint8Array } | null = null;
  profile: Uint8Array = new Uint8Array(0);
  /** When it last was answered, so that nobody can have that done without end. */
  answeredAt = -Infinity;
  /** The chains it gave: of its newest epoch and of the one before. */
  private received: Received[];
  /** It sealed something that cannot be a recording, since it came or was dropped. */
  isAlive = false;
  /** The application was told of it. */
  isMember = false;

  /** Our chain to it alone, and the epoch in which it was made. */
  direct: { epoch: number; chain: SendChain } | null = null;
  /** Our newest epoch whose KEY it has. */
  held = 0;
  /** The lowest numbers that it may still get; `null` until it is given a KEY. */
  floors: { group: number; direct: number } | null = null;
  /** The numbers that it expects from us. */
  groupAcked = 0;
  directAcked = 0;
  /** When it was last given a KEY. */
  keyedAt = -Infinity;
  readonly directOut: Outbox;
  readonly groupIn: Inbox;
  readonly directIn: Inbox;

  /** When what waits is repeated, and after how long the next time. */
  retryAt: number | null = null;
  private retryAfter = RETRY.first;
  /** When an ACK is due. */
  ackAt: number | null = null;
  /** Since when something waits of which nothing was acknowledged. */
  waitsSince: number | null = null;

  constructor(
    readonly client: Uint8Array,
    memory?: Memory,
  ) {
    this.received = memory?.received ?? [];
    this.directOut = new Outbox(memory?.directNumber);
    this.groupIn = new Inbox(memory?.groupNext);
    this.directIn = new Inbox(memory?.directNext);
  }

  get memory(): Memory {
    return {
      received: this.received,
      groupNext: this.groupIn.next,
      directNext: this.directIn.next,
      directNumber: this.directOut.next,
    };
  }

  /** The newest epoch whose KEY it gave. */
  get epoch(): number {
    return this.received[0]?.epoch ?? 0;
  }

  /** What we expect of it, as KEY and ACK say it. */
  get expected(): { held: number; groupNext: number; directNext: number } {
    const [groupNext, directNext] = [Math.max(1, this.groupIn.next), Math.max(1, this.directIn.next)];
    return { held: this.epoch, groupNext, directNext };
  }

  /** The chains of one of its epochs, if they are still kept. */
  chains(epoch: number): Received | undefined {
    return this.received.find((received) => received.epoch === epoch);
  }

  /** Takes the chains of a KEY; says whether it was new, known, or out of date. */
  receive(keys: Keys): "new" | "known" | "old" {
    if (keys.epoch < this.epoch) return "old";
    if (keys.epoch === this.epoch) {
      const { pose, group, direct } = this.received[0]!;
      pose.forward(keys.pose);
      group.forward(keys.group);
      direct.forward(keys.direct);
      return "known";
    }
    const received = {
      epoch: keys.epoch,
      pose: new ReceiveChain(keys.pose, POSE_STEP),
      group: new ReceiveChain(keys.group, 1),
      direct: new ReceiveChain(keys.direct, 1),
    };
    this.received = [received, ...this.received.slice(0, 1)];
    this.isAlive = true;
    return "new";
  }

  /** A pose of this epoch was opened: one of the epoch before would be an older one. */
  posed(epoch: number): void {
    const older = this.received[1];
    if (epoch === this.epoch) older?.pose.close();
  }

  /** Something new waits for it. */
  expectAnswer(now: number): void {
    this.retryAt ??= now + this.retryAfter;
    if (this.floors !== null) this.waitsSince ??= now;
  }

  /** It answered: what still waits is given time anew. */
  answered(now: number, stillWaits: boolean): void {
    this.retryAfter = RETRY.first;
    this.retryAt = stillWaits ? now + RETRY.first : null;
    this.waitsSince = stillWaits ? now : null;
  }

  /** What waits was repeated. */
  repeated(now: number): void {
    this.retryAfter = Math.min(this.retryAfter * 2, RETRY.last);
    this.retryAt = now + this.retryAfter;
  }

  /** It is here again, or we are: what waits is repeated at once. */
  arrived(slot: number, now: number): void {
    this.slot = slot;
    this.awaySince = null;
    this.retryAfter = RETRY.first;
    // Who has just come introduces itself.
    this.retryAt = this.hello === null ? now + RETRY.first : now;
    if (this.waitsSince !== null) this.waitsSince = now;
  }

  /** It is away. `now` is `null` if that is because we are. */
  departed(now: number | null): void {
    this.slot = null;
    this.awaySince = now;
    this.retryAt = null;
    this.ackAt = null;
  }
}
