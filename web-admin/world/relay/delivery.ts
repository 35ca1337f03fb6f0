// Messages that arrive once and in order, however often boxes lose or repeat them: numbers, what waits
// for acknowledgement, what came too early. Section 7 of docs/PROTOCOL.md.

/** Messages that wait at most, at either end. */
export const WINDOW = 64;
/** Bytes that wait at most at the sender. */
const WAITING_BYTES = 256 * 1_024;

/** A message that waits for acknowledgement. */
export interface Kept {
  number: number;
  payload: Uint8Array;
}

/** What one sender says to one audience, from number 1. */
export class Outbox<T extends Kept = Kept> {
  private kept: T[] = [];
  private bytes = 0;

  /** `next` is the number of the next message. */
  constructor(public next = 1) {}

  /** Whether a message of this length may be added now. */
  hasRoom(length: number): boolean {
    return this.kept.length < WINDOW && this.bytes + length <= WAITING_BYTES;
  }

  /** Adds a message; `make` gets its number. */
  add(make: (number: number) => T): T {
    const message = make(this.next++);
    this.kept.push(message);
    this.bytes += message.payload.length;
    return message;
  }

  /** Everything below `expected` has arrived. */
  release(expected: number): void {
    while (this.kept[0] !== undefined && this.kept[0].number < expected) {
      this.bytes -= this.kept.shift()!.payload.length;
    }
  }

  /** The lowest `most` messages from number `from` on. */
  missing(from: number, most: number): T[] {
    return this.kept.filter(({ number }) => number >= from).slice(0, most);
  }

  /** Whether something from number `from` on waits. */
  waits(from: number): boolean {
    const last = this.kept[this.kept.length - 1];
    return last !== undefined && last.number >= from;
  }
}

/** What one sender said, put in order. */
export class Inbox {
  private readonly early = new Map<number, Uint8Array>();

  /** `next` is the number that is expected, 0 if none is known yet. */
  constructor(public next = 0) {}

  /**
   * The lowest number that may still come. Gives what cannot come any more, as first and last number,
   * and what had come too early and is now in order.
   */
  raise(floor: number): { missed: [number, number] | null; ready: Kept[] } {
    const before = this.next;
    if (floor <= before) return { missed: null, ready: [] };
    this.next = floor;
    for (const number of this.early.keys()) if (number < floor) this.early.delete(number);
    return { missed: before === 0 ? null : [before, floor - 1], ready: this.inOrder() };
  }

  /** Takes a message; `null` if it is an old one, else what is now in order. */
  take(number: number, payload: Uint8Array): Kept[] | null {
    if (this.next === 0 || number >= this.next + WINDOW) return [];
    if (number < this.next) return null;
    if (this.early.has(number)) return null;
    this.early.set(number, payload);
    return this.inOrder();
  }

  private inOrder(): Kept[] {
    const ready: Kept[] = [];
    for (;;) {
      const payload = this.early.get(this.next);
      if (payload === undefined) return ready;
      this.early.delete(this.next);
      ready.push({ number: this.next++, payload });
    }
  }
}
