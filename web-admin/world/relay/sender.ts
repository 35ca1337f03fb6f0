// What leaves for the room, at the pace that the box grants: one cell a tick, so that what somebody
// writes travels with how he moves, and no faster than what the box would let through.
import type { Surroundings } from "./entries";
import type { Grant } from "./frame";
import { Rate } from "./rate";
import { Kind, MESSAGE, type Record, writeRecord } from "./record";
import type { Session } from "./session";

/** Of what is granted a second, because clocks and ways differ. */
const SHARE = 0.9;
/** Seconds whose grant may leave at once. */
const BURST = 2;
/** With more than this still unsent, poses are left out: a late one is worth nothing. */
const CROWDED = 64 * 1_024;
/** Records that wait here; what is dropped is repeated by the conversation. */
const MOST_WAITING = 1_024;
const SHORTEST_TICK = 20;
const LONGEST_RECORD = MESSAGE.most + 4;

export class Sender {
  private waiting: Record[] = [];
  /** Sent while nothing else waits. */
  private later: Record[] = [];
  private pose: Uint8Array | null = null;
  private sentAt = -Infinity;
  private pausedUntil = 0;
  private readonly messages: Rate;
  private readonly bytes: Rate;
  private readonly tick: number;
  private cancel: (() => void) | null = null;
  private isOver = false;

  /** `sealPose` gives a pose as it is to be sent, `null` if nobody would see it. */
  constructor(
    private readonly session: Session,
    { tick, messages, bytes }: Grant,
    private readonly around: Surroundings,
    private readonly sealPose: (pose: Uint8Array) => Uint8Array | null,
  ) {
    const now = around.now();
    const rate = (granted: number, least: number) =>
      new Rate(Math.max(least, granted * SHARE), Math.max(least, granted * BURST), now);
    this.messages = rate(messages, 1);
    this.bytes = rate(bytes, LONGEST_RECORD);
    this.tick = Math.max(SHORTEST_TICK, tick);
  }

  /** To be sent in this order. What a box counts as a message. */
  post(...records: Record[]): void {
    this.waiting.push(...records);
    if (this.waiting.length > MOST_WAITING) this.waiting.length = MOST_WAITING;
    if (this.waiting.length > 0) this.flushSoon(0);
  }

  /** To be sent while nothing else waits, in place of what was to be sent so before. */
  postLater(records: Record[]): void {
    this.later = records;
    if (this.later.length > 0) this.flushSoon(0);
  }

  /** Sealed only when it leaves: of several the newest is sent. */
  publish(pose: Uint8Array): void {
    this.pose = pose;
    this.flushSoon(0);
  }

  /** The box dropped something: messages wait. */
  slower(kind: number, pause: number): void {
    if (kind !== Kind.pose) this.pausedUntil = this.around.now() + pause;
  }

  /** Sends what waits without minding the tick: the session is about to end. */
  flushNow(): void {
    const records = this.waiting.splice(0);
    if (records.length > 0) this.session.send(...records);
  }

  close(): void {
    this.isOver = true;
    this.cancel?.();
  }

  private flushSoon(wait: number): void {
    if (this.isOver || this.cancel !== null) return;
    const delay = Math.max(wait, this.sentAt + this.tick - this.around.now(), 0);
    this.cancel = this.around.after(delay, () => {
      this.cancel = null;
      this.flush();
    });
  }

  private flush(): void {
    const now = this.around.now();
    const records: Record[] = [];
    if (this.pose !== null && this.session.buffered < CROWDED) {
      const sealed = this.sealPose(this.pose);
      if (sealed !== null) records.push({ type: "pose", sealed });
      this.pose = null;
    }
    let wait = 0;
    for (;;) {
      const line = this.waiting.length > 0 ? this.waiting : this.later;
      const [record] = line;
      if (record === undefined) break;
      const { length } = writeRecord(record);
      const granted = [this.messages.wait(1, now), this.bytes.wait(length, now)];
      wait = Math.max(this.pausedUntil - now, ...granted);
      if (wait > 0) break;
      this.messages.take(1);
      this.bytes.take(length);
      line.shift();
      records.push(record);
    }
    if (records.length > 0) {
      this.sentAt = now;
      this.session.send(...records);
    }
    if (this.waiting.length + this.later.length > 0 || this.pose !== null) this.flushSoon(Math.max(wait, this.tick));
  }
}
