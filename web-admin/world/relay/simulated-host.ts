// What a simulated box knows of its rooms apart from who is there: who may enter, who is blocked, which notes
// lie there. It decides as the real one does.
import { Reader, hex } from "../bytes";
import { Code } from "./code";
import { verify } from "./crypto";
import type { Record } from "./record";
import { Policy, type RoomName, checkTicket, roomId } from "./room";
import { isDelegated, readDelegation } from "./wallet";
import { u64 } from "./writer";

type Join = Record & { type: "join" };
type Block = Record & { type: "block" };
type Note = { number: bigint; kept: bigint; sealed: Uint8Array };

const AT_ONCE = 4;
const KEPT = 64;
const A_WEEK = 7n * 86_400n;

/** The key of a ticket as it stands in `JOIN`; `null` if there is none. */
export const ticketKey = ({ ticket }: Join): string | null =>
  ticket.length > 0 ? hex(ticket.subarray(0, 32)) : null;

export class Host {
  private readonly blocks = new Map<string, Map<string, Block>>();
  private readonly notes = new Map<string, { last: bigint; kept: Note[] }>();
  /** Notes that it has room for; `null` if it has no mailbox. */
  noteRoom: number | null = 1_000;
  /** What the chain says of a wallet. */
  chain = { id: 31_337, takes: 100, allows: (_wallet: string): Code | null => null };

  /** Unix seconds are asked for. */
  constructor(private readonly now: () => bigint) {}

  /** Why somebody may not enter, before the chain is asked; `null` if he may. */
  refusal(join: Join, session: Uint8Array, depth: number): Code | null {
    const room = roomId(join);
    if (depth === 0 && !(join.policy & Policy.DIRECT)) return Code.HOPS;
    if (!verify(join.client, join.signature, "join", session, room)) return Code.SIGNATURE;
    const isTicketed = join.ticket.length > 0;
    if (!isTicketed && join.policy & Policy.TICKET) return Code.TICKET;
    if (isTicketed && !checkTicket(join.ticket, join, join.client, this.now())) return Code.TICKET;
    return null;
  }

  /** Whether the owner keeps him out. */
  isBlocked(join: Join): boolean {
    const blocks = this.blocks.get(hex(roomId(join)));
    return [hex(join.client), ticketKey(join)].some((key) => {
      const block = key === null ? undefined : blocks?.get(key);
      return block !== undefined && block.until > this.now();
    });
  }

  /** What the chain says of who wants to enter a room with a rule; `null` if it lets him in. */
  ask({ client, rule, delegation, ...join }: Join): Code | null {
    const given = readDelegation(new Reader(delegation));
    const room = roomId({ ...join, rule });
    if (rule!.chain !== this.chain.id) return Code.ROLE;
    if (!isDelegated(given, { chain: rule!.chain, client, room })) return Code.SIGNATURE;
    return given.expires <= this.now() ? Code.ENTITLEMENT : this.chain.allows(given.wallet);
  }

  /** Takes a block; `false` if the owner did not sign it. */
  block(name: RoomName, block: Block): boolean {
    const [room, { key, issued, until, signature }] = [roomId(name), block];
    if (!verify(name.owner, signature, "block", room, key, u64(issued), u64(until))) return false;
    const blocks = this.blocks.get(hex(room)) ?? new Map<string, Block>();
    this.blocks.set(hex(room), blocks);
    const known = blocks.get(hex(key));
    if (known === undefined || known.issued < issued) blocks.set(hex(key), block);
    return true;
  }

  /** A room ends with its last member. Notes outlive it. */
  roomEnded(name: RoomName): void {
    this.blocks.delete(hex(roomId(name)));
  }

  /** What is in memory alone is lost. */
  restarted(): void {
    this.blocks.clear();
  }

  keep(name: RoomName, sealed: Uint8Array): bigint | Code {
    if (this.noteRoom === null) return Code.ROLE;
    const all = [...this.notes.values()].reduce((sum, { kept }) => sum + kept.length, 0);
    if (all >= this.noteRoom) return Code.FULL;
    const notes = this.notes.get(hex(roomId(name))) ?? { last: 0n, kept: [] };
    this.notes.set(hex(roomId(name)), notes);
    notes.kept.push({ number: ++notes.last, kept: this.now(), sealed });
    notes.kept.splice(0, notes.kept.length - KEPT);
    return notes.last;
  }

  /** The records that answer a `FETCH`. */
  fetch(name: RoomName, after: bigint): Record[] | Code {
    if (this.noteRoom === null) return Code.ROLE;
    const { kept } = this.notes.get(hex(roomId(name))) ?? { kept: [] };
    const wanted = kept.filter((note) => note.number > after && note.kept + A_WEEK > this.now());
    const notes = wanted.slice(0, AT_ONCE).map((note): Record => ({ type: "note", ...note }));
    const last = wanted.slice(0, AT_ONCE).at(-1)?.number ?? after;
    const more = wanted.length > AT_ONCE ? 1n : 0n;
    return [...notes, { type: "note", number: last, kept: more, sealed: new Uint8Array(0) }];
  }
}
