// The conversation of the clients in a room, end to end: who is a member, whose keys are whose, what
// was said and has arrived. It knows boxes only as something that gives slots and carries sealed bytes,
// so it goes on when one dies. No socket, no clock: bytes and the time go in, sealed bytes come out.
// Sections 6 and 7 of docs/PROTOCOL.md.
import { FormatError, Reader, ensure, hex } from "../bytes";
import { readCount } from "./chain";
import { type SigningKey, verify } from "./crypto";
import { Outbox } from "./delivery";
import { type Memory, Peer } from "./peer";
import { EVERYBODY, type Occupant } from "./record";
import { LONGEST_POSE, type RoomContext, Sealed, epochOf, keyNumber, openChained, openHello, openKey } from "./sealed";
import { Inner, type Outgoing, type Signed, Speech } from "./speech";
import { equal, u32, u64, u8 } from "./writer";

/** Bytes of a message at the most. */
export const LONGEST_MESSAGE = 12_288;

/** Milliseconds. */
const AWAY = 10_000;
const SILENT = 30_000;
const ACK = 100;
const ANSWERS_APART = 500;

/** Messages repeated at once. */
const REPEATED = 8;
/** Dropped peers that are remembered. */
const REMEMBERED = 256;
/** Peers that are known at once, those who are away included. */
const MOST_PEERS = 512;

/** What the application hears. Members are named by their client key in hexadecimal. */
export interface Heard {
  /** A member is here whose introduction and keys are valid, or it introduces itself otherwise. */
  member(id: string, profile: Uint8Array): void;
  /** It said goodbye, was away for ten seconds, or answered nothing for thirty. */
  gone(id: string): void;
  /** Where it is now. Older ones may never come. */
  pose(id: string, pose: Uint8Array): void;
  /** It said this to everybody in the room: each once, in order. */
  message(id: string, payload: Uint8Array): void;
  /** It said this to us alone: each once, in order. */
  direct(id: string, payload: Uint8Array): void;
  /** Messages `first` to `last` of this member will not come, because it had given us up. */
  missed(id: string, kind: "message" | "direct", first: number, last: number): void;
  /** It moved to the box at this position of the invitation. */
  move(position: number): void;
  /** There is room again for messages that were refused. */
  room(): void;
}

export class Conversation {
  private readonly peers = new Map<string, Peer>();
  private readonly slots = new Map<number, Peer>();
  private readonly past = new Map<string, Memory>();
  private readonly said = new Outbox<Signed>();
  private readonly speech: Speech;
  private inRoom = false;
  private wasRefused = false;

  /** `profile` is asked for when we introduce ourselves; `random` gives so many fresh random bytes. */
  constructor(
    private readonly context: RoomContext,
    private readonly client: SigningKey,
    profile: () => Uint8Array,
    random: (length: number) => Uint8Array,
    private readonly heard: Heard,
    now: number,
  ) {
    this.speech = new Speech(context, client, profile, random, now);
  }

  // --- What the box says -------------------------------------------------------------------------

  /** We are in the room, with these others. */
  joined(others: Occupant[], now: number): void {
    this.inRoom = true;
    this.slots.clear();
    const here = new Set(others.map(({ client }) => hex(client)));
    for (const peer of [...this.peers.values()]) {
      if (here.has(hex(peer.client))) continue;
      peer.departed(now);
      if (!this.isKnown(peer)) this.forget(peer);
    }
    for (const { slot, client } of others) this.arrived(slot, client, now);
    if (others.length > 0) this.speech.hello(EVERYBODY, [...this.slots.values()].some((peer) => peer.hello === null));
  }

  /** Somebody has come, or has come back. */
  memberCame(slot: number, client: Uint8Array, now: number): void {
    this.left(slot, now);
    this.arrived(slot, client, now);
  }

  private arrived(slot: number, client: Uint8Array, now: number): void {
    if (equal(client, this.client.public)) return;
    const id = hex(client);
    let peer = this.peers.get(id);
    if (peer === undefined) {
      if (this.peers.size >= MOST_PEERS) return;
      peer = new Peer(client, this.past.get(id));
      this.past.delete(id);
      this.peers.set(id, peer);
    }
    if (peer.slot !== null) this.slots.delete(peer.slot);
    this.slots.set(slot, peer);
    peer.arrived(slot, now);
  }

  /** Somebody has gone, perhaps to come back; if he is blocked, he does not. */
  left(slot: number, now: number, isBlocked = false): void {
    const peer = this.slots.get(slot);
    if (peer === undefined) return;
    if (isBlocked) return this.drop(peer, now);
    this.slots.delete(slot);
    peer.departed(now);
    if (!this.isKnown(peer)) this.forget(peer);
  }

  /** We are in no room; nobody is thought gone because of that. */
  outside(): void {
    this.inRoom = false;
    this.slots.clear();
    this.speech.take();
    for (const peer of this.peers.values()) peer.departed(null);
  }

  /** A sealed pose of the member at `slot`. What cannot be opened is passed over. */
  poseCame(slot: number, sealed: Uint8Array): void {
    const peer = this.slots.get(slot);
    if (peer === undefined || sealed[0] !== Sealed.pose) return;
    const pose = this.tolerate(() => {
      const chains = peer.chains(epochOf(sealed));
      if (chains === undefined) return null;
      const pose = openChained(chains.pose, peer.client, sealed);
      peer.posed(chains.epoch);
      this.admit(peer, true);
      return pose;
    });
    if (pose && peer.isMember) this.heard.pose(hex(peer.client), pose);
  }

  /** A sealed message of the member at `slot`. What cannot be opened is passed over. */
  messageCame(slot: number, sealed: Uint8Array, now: number): void {
    const peer = this.slots.get(slot);
    if (peer === undefined) return;
    this.tolerate(() => {
      switch (sealed[0]) {
        case Sealed.hello:
          return this.helloCame(peer, sealed, now);
        case Sealed.key:
          return this.keyCame(peer, sealed, now);
        case Sealed.group:
        case Sealed.direct:
          return this.chainedCame(peer, sealed, now);
      }
    });
  }

  /** Strangers' bytes end nothing: whoever sent them may be a lying box. */
  private tolerate<T>(act: () => T): T | null {
    try {
      return act();
    } catch (error) {
      if (error instanceof FormatError) return null;
      throw error;
    }
  }

  private helloCame(peer: Peer, sealed: Uint8Array, now: number): void {
    const hello = openHello(this.context, sealed);
    if (!equal(hello.client, peer.client)) return;
    if (peer.hello !== null && hello.number < peer.hello.number) return;
    const isNew = peer.hello?.number !== hello.number;
    const isOther = !equal(peer.profile, hello.profile);
    peer.hello = { number: hello.number, key: hello.key };
    peer.profile = hello.profile;
    if (peer.isMember && isOther) this.heard.member(hex(peer.client), peer.profile);
    if (hello.answer && now - peer.answeredAt >= ANSWERS_APART) {
      peer.answeredAt = now;
      this.speech.hello(peer.slot!, false);
    }
    if (isNew && peer.held < this.speech.epochs.number) this.giveKey(peer, now);
    this.admit(peer, false);
    if (isNew) peer.answered(now, this.waits(peer));
  }

  private keyCame(peer: Peer, sealed: Uint8Array, now: number): void {
    const number = keyNumber(sealed);
    const own = this.speech.epochs.receiveKey(number);
    if (own === undefined) return;
    const wrap = { sender: peer.client, receiver: this.client.public, receiveKey: own.public };
    const keys = openKey(this.context, wrap, own.secret, sealed);
    const what = peer.receive(keys);
    if (what === "old") return;
    this.admit(peer, false);
    this.raise(peer, "message", keys.groupFloor);
    this.raise(peer, "direct", keys.directFloor);
    if (keys.held < peer.held) {
      // It no longer has what we gave it.
      peer.held = keys.held;
      if (peer.hello !== null) this.giveKey(peer, now);
    }
    this.acknowledged(peer, keys, now);
    this.acknowledge(peer, what === "new" ? now + ACK : now);
  }

  /** A member has said who it is and given its keys. `opened` is whether something of it was opened. */
  private admit(peer: Peer, opened: boolean): void {
    if (opened) peer.isAlive = true;
    if (peer.isMember || peer.hello === null || !peer.isAlive) return;
    peer.isMember = true;
    this.heard.member(hex(peer.client), peer.profile);
  }

  private raise(peer: Peer, kind: "message" | "direct", floor: number): void {
    const id = hex(peer.client);
    const inbox = kind === "message" ? peer.groupIn : peer.directIn;
    const { missed, ready } = inbox.raise(Math.max(floor, 1));
    if (missed !== null) this.heard.missed(id, kind, ...missed);
    for (const { payload } of ready) this.heard[kind](id, payload);
  }

  private chainedCame(peer: Peer, sealed: Uint8Array, now: number): void {
    const chains = peer.chains(epochOf(sealed));
    if (chains === undefined) return;
    const isGroup = sealed[0] === Sealed.group;
    const plain = openChained(isGroup ? chains.group : chains.direct, peer.client, sealed);
    this.admit(peer, true);
    const reader = new Reader(plain);
    const kind = reader.u8();
    if (isGroup || kind === Inner.again) {
      ensure(kind === (isGroup ? Inner.data : Inner.again), "this does not belong there");
      const number = readCount(reader);
      const signature = reader.take(64);
      const payload = reader.take(plain.length - 73);
      const fields = [this.context.room, u64(number), payload];
      ensure(verify(peer.client, signature, "group", ...fields), "a message is not signed");
      return this.take(peer, "message", number, payload, now);
    }
    switch (kind) {
      case Inner.data: {
        const number = readCount(reader);
        return this.take(peer, "direct", number, reader.take(plain.length - 9), now);
      }
      case Inner.ack: {
        const [groupNext, directNext] = [readCount(reader), readCount(reader)];
        return this.acknowledged(peer, { groupNext, directNext, held: reader.u32() }, now);
      }
      case Inner.bye:
        return this.drop(peer, now);
      case Inner.move:
        return this.heard.move(reader.u8());
    }
  }

  private take(peer: Peer, kind: "message" | "direct", number: number, payload: Uint8Array, now: number) {
    const inbox = kind === "message" ? peer.groupIn : peer.directIn;
    const ready = inbox.take(number, payload);
    this.acknowledge(peer, ready === null ? now : now + ACK);
    for (const { payload } of ready ?? []) this.heard[kind](hex(peer.client), payload);
  }

  private acknowledge(peer: Peer, at: number): void {
    peer.ackAt = Math.min(peer.ackAt ?? Infinity, at);
  }

  private acknowledged(
    peer: Peer,
    { groupNext, directNext, held }: { groupNext: number; directNext: number; held: number },
    now: number,
  ): void {
    if (groupNext > this.said.next || directNext > peer.directOut.next || held > this.speech.epochs.number) return;
    const { floors } = peer;
    if (floors !== null && held > 0 && (groupNext < floors.group || directNext < floors.direct)) {
      // It waits for what it will not get: a KEY says where it goes on.
      if (now - peer.keyedAt >= ANSWERS_APART) this.giveKey(peer, now);
    }
    const advanced = groupNext > peer.groupAcked || directNext > peer.directAcked || held > peer.held;
    if (!advanced) return;
    peer.groupAcked = Math.max(peer.groupAcked, groupNext);
    peer.directAcked = Math.max(peer.directAcked, directNext);
    peer.held = Math.max(peer.held, held);
    peer.directOut.release(peer.directAcked);
    this.release();
    peer.answered(now, this.waits(peer));
  }

  /** What everybody has is no longer kept. */
  private release(): void {
    let lowest = this.said.next;
    for (const peer of this.peers.values()) {
      if (peer.floors !== null) lowest = Math.min(lowest, peer.groupAcked);
    }
    this.said.release(lowest);
    if (this.wasRefused && this.said.hasRoom(0)) {
      this.wasRefused = false;
      this.heard.room();
    }
  }

  // --- What we say -------------------------------------------------------------------------------

  /** Says something to everybody; `false` if too much waits already, then `heard.room` follows. */
  say(payload: Uint8Array, now: number): boolean {
    ensure(payload.length <= LONGEST_MESSAGE, "a message is at most 12,288 bytes long");
    if (!this.said.hasRoom(payload.length)) return this.refuse();
    const message = this.said.add((number) => this.speech.sign(number, payload));
    const takers = [...this.peers.values()].filter((peer) => peer.floors !== null);
    if (takers.some((peer) => peer.slot !== null)) this.speech.group(message);
    for (const peer of takers) if (peer.slot !== null) peer.expectAnswer(now);
    this.release();
    return true;
  }

  /** Says something to one member; `false` if too much waits already, or there is no such member. */
  sayTo(id: string, payload: Uint8Array, now: number): boolean {
    ensure(payload.length <= LONGEST_MESSAGE, "a message is at most 12,288 bytes long");
    const peer = this.peers.get(id);
    if (peer === undefined || peer.floors === null) return false;
    if (!peer.directOut.hasRoom(payload.length)) return this.refuse();
    const message = peer.directOut.add((number) => ({ number, payload }));
    this.speech.direct(peer, Inner.data, u64(message.number), payload);
    if (peer.slot !== null) peer.expectAnswer(now);
    return true;
  }

  private refuse(): false {
    this.wasRefused = true;
    return false;
  }

  /** Seals a pose for the room; `null` if nobody is there to see it. */
  sealPose(pose: Uint8Array): Uint8Array | null {
    ensure(pose.length >= 1 && pose.length <= LONGEST_POSE, "a pose is 1 to 483 bytes long");
    const seen = [...this.slots.values()].some((peer) => peer.floors !== null);
    return seen ? this.speech.pose(pose) : null;
  }

  /** Tells those who are here where we go. */
  sayMove(position: number): void {
    for (const peer of this.slots.values()) this.speech.direct(peer, Inner.move, u8(position));
  }

  /** Says goodbye: they begin a new epoch at once. */
  sayBye(): void {
    for (const peer of this.slots.values()) this.speech.direct(peer, Inner.bye);
  }

  private giveKey(peer: Peer, now: number): void {
    if (peer.hello === null || peer.slot === null) return;
    this.speech.key(peer, this.said.next);
    peer.keyedAt = now;
    peer.expectAnswer(now);
  }

  // --- Time --------------------------------------------------------------------------------------

  /** When {@link onTime} wants to be called next. */
  get wakeAt(): number {
    let at = this.speech.epochs.wakeAt;
    for (const peer of this.peers.values()) at = Math.min(at, this.dueAt(peer));
    return at;
  }

  private dueAt(peer: Peer): number {
    if (!this.inRoom) return Infinity;
    if (peer.slot === null) return (peer.awaySince ?? Infinity) + AWAY;
    const silent = (peer.waitsSince ?? Infinity) + SILENT;
    return Math.min(peer.retryAt ?? Infinity, peer.ackAt ?? Infinity, silent);
  }

  /** Does what is due. */
  onTime(now: number): void {
    this.speech.epochs.forget(now);
    if (this.speech.epochs.isOver(now)) this.beginEpoch(now);
    for (const peer of [...this.peers.values()]) if (this.dueAt(peer) <= now) this.attend(peer, now);
  }

  private attend(peer: Peer, now: number): void {
    const { slot } = peer;
    if (slot === null || (peer.waitsSince ?? Infinity) + SILENT <= now) {
      this.drop(peer, now);
      // It may find its tongue again.
      if (slot !== null) this.arrived(slot, peer.client, now);
      return;
    }
    if ((peer.ackAt ?? Infinity) <= now) {
      peer.ackAt = null;
      const { groupNext, directNext, held } = peer.expected;
      this.speech.direct(peer, Inner.ack, u64(groupNext), u64(directNext), u32(held));
    }
    if ((peer.retryAt ?? Infinity) <= now) this.repeat(peer, now);
  }

  private waits(peer: Peer): boolean {
    if (peer.hello === null || peer.held < this.speech.epochs.number) return true;
    return this.said.waits(peer.groupAcked) || peer.directOut.waits(peer.directAcked);
  }

  private repeat(peer: Peer, now: number): void {
    if (!this.waits(peer)) {
      peer.answered(now, false);
      return;
    }
    if (peer.hello === null) this.speech.hello(peer.slot!, true);
    else if (peer.held < this.speech.epochs.number) this.giveKey(peer, now);
    if (peer.floors !== null) {
      for (const { number, signature, payload } of this.said.missing(peer.groupAcked, REPEATED)) {
        this.speech.direct(peer, Inner.again, u64(number), signature, payload);
      }
      for (const { number, payload } of peer.directOut.missing(peer.directAcked, REPEATED)) {
        this.speech.direct(peer, Inner.data, u64(number), payload);
      }
    }
    peer.repeated(now);
  }

  private isKnown(peer: Peer): boolean {
    return peer.isMember || peer.floors !== null;
  }

  private forget(peer: Peer): void {
    const id = hex(peer.client);
    this.peers.delete(id);
    if (!this.isKnown(peer)) return;
    this.past.set(id, peer.memory);
    for (const oldest of this.past.keys()) if (this.past.size > REMEMBERED) this.past.delete(oldest);
  }

  /** It is no member any more; what is said from now on it cannot open. */
  private drop(peer: Peer, now: number): void {
    if (peer.slot !== null) this.slots.delete(peer.slot);
    this.forget(peer);
    if (peer.isMember) this.heard.gone(hex(peer.client));
    this.release();
    this.speech.epochs.endSoon(now);
    if (this.speech.epochs.isOver(now)) this.beginEpoch(now);
  }

  private beginEpoch(now: number): void {
    this.speech.epochs.renew(now);
    if (this.slots.size === 0) return;
    this.speech.hello(EVERYBODY, false);
    for (const peer of this.slots.values()) this.giveKey(peer, now);
  }

  /** Sealed bytes that are to be sent, in order. */
  takeOutgoing(): Outgoing[] {
    return this.speech.take();
  }
}
