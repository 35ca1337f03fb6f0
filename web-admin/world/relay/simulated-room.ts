// Many clients' conversations through a box that loses, doubles and delays, for tests: everything comes
// from a seed, and time goes as fast as it can.
import { sha256 } from "./crypto";
import { Conversation, type Heard } from "./conversation";
import { SigningKey } from "./crypto";
import { hex } from "../bytes";
import { EVERYBODY } from "./record";
import { roomKeys } from "./room";
import { concat, u32 } from "./writer";

/** Random numbers that repeat themselves. */
export class Seeded {
  private counter = 0;
  constructor(private readonly seed: number) {}

  bytes = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const block = sha256(concat(u32(this.seed), u32(this.counter++)));
      bytes.set(block.subarray(0, Math.min(32, length - at)), at);
    }
    return bytes;
  };

  below(limit: number): number {
    return new DataView(this.bytes(4).buffer).getUint32(0) % limit;
  }
}

/** What a simulated box does to messages, in percent. */
export interface Weather {
  lost: number;
  doubled: number;
  /** Milliseconds at the most. */
  delay: number;
}

export const FAIR: Weather = { lost: 0, doubled: 0, delay: 0 };

const CONTEXT = { room: new Uint8Array(16).fill(7), keys: roomKeys(new Uint8Array(32).fill(8)) };

/** A client, and all that its application heard. */
export class Simulated {
  readonly key: SigningKey;
  readonly id: string;
  readonly conversation: Conversation;
  members = new Set<string>();
  messages: string[] = [];
  directs: string[] = [];
  poses: string[] = [];
  missed: string[] = [];
  moves: number[] = [];
  refusedThenReady = 0;
  /** When the last thing arrives that is on its way to it. */
  lastAt = 0;
  /** The slot in the room; `null` outside. */
  slot: number | null = null;

  constructor(name: string, random: Seeded, now: number) {
    this.key = new SigningKey(random.bytes(32));
    this.id = hex(this.key.public);
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const heard: Heard = {
      member: (id) => void this.members.add(id),
      gone: (id) => void this.members.delete(id),
      pose: (id, pose) => void this.poses.push(`${id} ${text(pose)}`),
      message: (id, payload) => void this.messages.push(`${id} ${text(payload)}`),
      direct: (id, payload) => void this.directs.push(`${id} ${text(payload)}`),
      missed: (id, kind, first, last) => void this.missed.push(`${id} ${kind} ${first} ${last}`),
      move: (position) => void this.moves.push(position),
      room: () => void this.refusedThenReady++,
    };
    const profile = new TextEncoder().encode(name);
    this.conversation = new Conversation(CONTEXT, this.key, () => profile, random.bytes, heard, now);
  }

  /** What it heard of one member, without the name. */
  from(list: string[], other: Simulated): string[] {
    return list.filter((line) => line.startsWith(other.id)).map((line) => line.slice(other.id.length + 1));
  }
}

/** A room, its box and its clients. */
export class SimulatedRoom {
  now = 1_000_000;
  weather = FAIR;
  readonly clients: Simulated[] = [];
  /** Everything that the box ever passed on: what a listener would have recorded. */
  readonly recorded: { from: Simulated; to: number; sealed: Uint8Array; isPose: boolean }[] = [];
  private readonly random: Seeded;
  private flying: { at: number; order: number; deliver: () => void }[] = [];
  private order = 0;
  private slots = 0;

  constructor(seed: number) {
    this.random = new Seeded(seed);
  }

  add(name: string): Simulated {
    const client = new Simulated(name, new Seeded(this.random.below(2 ** 31)), this.now);
    this.clients.push(client);
    return client;
  }

  enter(client: Simulated): void {
    const others = this.present.filter((other) => other !== client);
    const old = client.slot;
    client.slot ??= this.slots++ % 255;
    client.conversation.joined(others.map((other) => ({ slot: other.slot!, client: other.key.public })), this.now);
    for (const other of others) {
      if (old === null) other.conversation.memberCame(client.slot, client.key.public, this.now);
    }
    this.flush();
  }

  leave(client: Simulated): void {
    this.run(0);
    const { slot } = client;
    client.slot = null;
    client.conversation.outside();
    for (const other of this.present) other.conversation.left(slot!, this.now);
  }

  /** The box dies: all are outside until they enter again, and what flies is lost. */
  die(): void {
    this.flying = [];
    for (const client of this.present) {
      client.slot = null;
      client.conversation.outside();
    }
  }

  private get present(): Simulated[] {
    return this.clients.filter((client) => client.slot !== null);
  }

  pose(client: Simulated, text: string): void {
    const sealed = client.conversation.sealPose(new TextEncoder().encode(text));
    if (sealed !== null) this.carry(client, EVERYBODY, sealed, true);
  }

  /** Takes what clients want to send and lets it fly. */
  flush(): void {
    for (const client of this.clients) {
      for (const { to, sealed } of client.conversation.takeOutgoing()) {
        if (client.slot !== null) this.carry(client, to, sealed, false);
      }
    }
  }

  private carry(from: Simulated, to: number, sealed: Uint8Array, isPose: boolean): void {
    this.recorded.push({ from, to, sealed, isPose });
    const { slot } = from;
    for (const receiver of this.present) {
      if (receiver === from || (to !== EVERYBODY && receiver.slot !== to)) continue;
      const deliver = () => {
        if (receiver.slot === null || from.slot !== slot) return;
        if (isPose) receiver.conversation.poseCame(slot!, sealed);
        else receiver.conversation.messageCame(slot!, sealed, this.now);
      };
      const { lost, doubled, delay } = this.weather;
      if (this.random.below(100) < lost) continue;
      // Boxes pass things on in order, unless they lie: what is doubled comes again at any time.
      const at = Math.max(receiver.lastAt, this.now + this.random.below(delay + 1));
      receiver.lastAt = at;
      this.flying.push({ at, order: this.order++, deliver });
      if (this.random.below(100) < doubled) {
        this.flying.push({ at: this.now + this.random.below(2 * delay + 1), order: this.order++, deliver });
      }
    }
  }

  /** Lets so many milliseconds pass. */
  run(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (;;) {
      this.flush();
      this.flying.sort((a, b) => a.at - b.at || a.order - b.order);
      const next = Math.min(
        this.flying[0]?.at ?? Infinity,
        ...this.clients.map(({ conversation }) => conversation.wakeAt),
      );
      if (next > end) break;
      this.now = Math.max(this.now, next);
      const due = this.flying.filter(({ at }) => at <= this.now);
      this.flying = this.flying.filter(({ at }) => at > this.now);
      for (const { deliver } of due) deliver();
      for (const { conversation } of this.clients) {
        if (conversation.wakeAt <= this.now) conversation.onTime(this.now);
      }
    }
    this.now = end;
  }
}
