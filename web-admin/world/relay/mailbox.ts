// The mailbox of a room, at whichever box the room is now: one thing is asked of it at a time, as boxes want it.
// Sections 4 and 6 of docs/PROTOCOL.md.
import { FormatError, hex } from "../bytes";
import { Code, type CodeName, codeName } from "./code";
import type { Surroundings } from "./entries";
import { openNote } from "./note";
import { type Member, memberOf } from "./profile";
import { Kind, type Record } from "./record";
import type { RoomContext } from "./sealed";

/** A note that somebody left in the room. */
export interface Note extends Member {
  /** Client key of the writer in hexadecimal. It is another one each time he comes. */
  member: string;
  /** Unix seconds, as the writer says. */
  written: number;
  payload: Uint8Array;
}

/** Why the mailbox did not do what was asked. */
export class MailboxError extends Error {
  override readonly name = "MailboxError";

  /**
   * `ROLE`: the box has no mailbox. `FULL`: it has no room. `BUSY`: not now. `UNREACHABLE`: the way to the box was lost,
   * or there is none. `TIMEOUT`: it did not answer.
   */
  constructor(readonly reason: CodeName) {
    super(`the mailbox says ${reason}`);
  }
}

/** Milliseconds. */
const ANSWERS = 10_000;
/** Twice as many as a room has. */
const MOST_NOTES = 128;
/** What is asked and waits, at the most. */
const MOST_WAITING = 64;

interface Request {
  ask: Record;
  /** Takes a record of the answer. */
  heed(record: Record): void;
  fail(error: MailboxError): void;
}

export class Mailbox {
  /** The first has been asked. */
  private readonly requests: Request[] = [];
  private cancelTimer = () => {};
  private isHere = false;

  /** `post` sends a record to the room's box. Without a chain no wallet is known. */
  constructor(
    private readonly context: RoomContext,
    private readonly chain: number | null,
    private readonly around: Surroundings,
    private readonly post: (record: Record) => void,
  ) {}

  /** We are in the room, at one of its boxes. What was asked of another is not answered any more. */
  arrived(): void {
    this.lost();
    this.isHere = true;
  }

  /** We are in no room. */
  lost(): void {
    this.end("UNREACHABLE");
  }

  private end(reason: CodeName): void {
    this.isHere = false;
    this.cancelTimer();
    for (const { fail } of this.requests.splice(0)) fail(new MailboxError(reason));
  }

  /** Leaves a sealed note; done when the box has it on its disk. */
  keep(sealed: Uint8Array): Promise<void> {
    return this.request({ type: "keep", sealed }, (record, done) => {
      if (record.type === "kept") done();
    });
  }

  /** All notes that there are, newest last. */
  fetch(): Promise<Note[]> {
    const notes = new Map<string, Note>();
    let [last, count] = [0n, 0];
    return this.request({ type: "fetch", after: 0n }, (record, done) => {
      if (record.type !== "note") return;
      if (record.sealed.length === 0) {
        // The end of an answer. A box that goes on for ever is not listened to.
        if (record.kept === 1n && count < MOST_NOTES) this.ask({ type: "fetch", after: last });
        else done([...notes.values()]);
        return;
      }
      count++;
      if (record.number <= last) return;
      last = record.number;
      this.take(notes, record.sealed, record.kept);
    });
  }

  /** Strangers' bytes end nothing. A note that comes twice is taken once. */
  private take(notes: Map<string, Note>, sealed: Uint8Array, kept: bigint): void {
    try {
      const { client, written, profile, payload, signature } = openNote(this.context, sealed);
      // A wallet's word counts if it held when the note was left, whichever of the two says later.
      const at = Math.max(written, Number(kept));
      const { member } = memberOf(profile, { chain: this.chain, client, room: this.context.room }, at);
      const id = hex(signature);
      if (!notes.has(id)) notes.set(id, { member: hex(client), ...member, written, payload });
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
    }
  }

  private request<T>(
    ask: Record,
    heed: (record: Record, done: (result: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.isHere) return reject(new MailboxError("UNREACHABLE"));
      if (this.requests.length >= MOST_WAITING) return reject(new MailboxError("BUSY"));
      const done = (result: T) => {
        this.next();
        resolve(result);
      };
      this.requests.push({ ask, heed: (record) => heed(record, done), fail: reject });
      if (this.requests.length === 1) this.ask(ask);
    });
  }

  private ask(record: Record): void {
    this.cancelTimer();
    // An answer that comes later would be taken for one to something else: nothing is asked here any more.
    this.cancelTimer = this.around.after(ANSWERS, () => this.end("TIMEOUT"));
    this.post(record);
  }

  private next(): void {
    this.cancelTimer();
    this.requests.shift();
    if (this.requests[0] !== undefined) this.ask(this.requests[0].ask);
  }

  private refused(code: Code): void {
    const [request] = this.requests;
    if (request === undefined) return;
    this.next();
    request.fail(new MailboxError(codeName(code)!));
  }

  /** A record of the box that may be an answer. */
  heed(record: Record): void {
    const [request] = this.requests;
    const kind = request?.ask.type === "keep" ? Kind.keep : Kind.fetch;
    if (record.type === "refused" && record.record === kind) this.refused(record.code);
    else if (record.type === "slower" && record.record === kind) this.refused(Code.BUSY);
    else request?.heed(record);
  }
}
