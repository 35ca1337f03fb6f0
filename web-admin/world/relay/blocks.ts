// Whom the room's owner keeps out. A room forgets it with its last member, and each box has a room of its own: so
// the owner's client says all of it again wherever it comes. Section 4 of docs/PROTOCOL.md.
import { ensure, hex, unhex } from "../bytes";
import type { SigningKey } from "./crypto";
import type { Record } from "./record";
import { u64 } from "./writer";

/** Keys that a room remembers. */
const MOST = 256;
/** Unix seconds are below this. */
const LATEST = 2 ** 48;

export class Blocks {
  private readonly said = new Map<string, { record: Record & { type: "block" }; heldUntil: bigint }>();
  private issued = 0n;

  constructor(
    private readonly owner: SigningKey,
    private readonly room: Uint8Array,
  ) {}

  /** A client key or a ticket key may not enter before `until`; both times in Unix seconds. 0 lets it in again. */
  set(key: string, until: number, now: number): Record {
    const bytes = unhex(key);
    ensure(bytes.length === 32, "this is neither a client key nor a ticket key");
    const ends = BigInt(Math.min(Math.ceil(until), LATEST));
    // Of several the one issued last counts, and more than one may be issued in a second.
    this.issued = BigInt(Math.floor(now)) > this.issued ? BigInt(Math.floor(now)) : this.issued + 1n;
    const { issued } = this;
    const signature = this.owner.sign("block", this.room, bytes, u64(issued), u64(ends));
    const record = { type: "block", key: bytes, issued, until: ends, signature } as const;
    const id = hex(bytes);
    const before = this.said.get(id)?.heldUntil ?? 0n;
    // A box where the first was said must hear the second.
    this.said.delete(id);
    this.said.set(id, { record, heldUntil: before > ends ? before : ends });
    for (const oldest of this.said.keys()) if (this.said.size > MOST) this.said.delete(oldest);
    return record;
  }

  /** All that still matters, oldest first. */
  all(now: number): Record[] {
    for (const [id, { heldUntil }] of this.said) if (heldUntil <= BigInt(Math.floor(now))) this.said.delete(id);
    return [...this.said.values()].map(({ record }) => record);
  }
}
