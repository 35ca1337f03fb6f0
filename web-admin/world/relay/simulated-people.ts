// People with clients on a simulated network, and wallets that sign, for tests.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { hex } from "../bytes";
import { keccak } from "../trie";
import { typedHash } from "../typed-data";
import { type Presence, Room, type RoomListener, type RoomOptions } from "./client";
import { Guards } from "./guards";
import type { Member } from "./profile";
import { type Invitation, Policy } from "./room";
import { type Box, Network } from "./simulated-boxes";
import type { Wallet } from "./wallet";

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Somebody in a room, and all that he heard. */
export class Person {
  members = new Map<string, Member>();
  messages: string[] = [];
  directs: string[] = [];
  poses: string[] = [];
  missed: string[] = [];
  blocksRefused: string[] = [];
  presence: Presence | null = null;
  /** Why he was not where he wanted to be, in order. */
  reasons: string[] = [];
  readonly guards = new Guards({ load: () => null, save: () => {} });
  readonly room: Room;

  constructor(
    network: Network,
    seed: number,
    guards: Box[],
    options: Partial<RoomOptions> & { invitation: Invitation },
  ) {
    for (const { descriptor } of guards) this.guards.pin(descriptor);
    const listener: RoomListener = {
      presence: (presence) => {
        this.presence = presence;
        if (presence.state === "seeking") this.reasons.push(presence.reason);
      },
      member: (id, member) => void this.members.set(id, member),
      gone: (id) => void this.members.delete(id),
      pose: (_, pose) => void this.poses.push(text(pose)),
      message: (_, payload) => void this.messages.push(text(payload)),
      direct: (_, payload) => void this.directs.push(text(payload)),
      missed: (_, kind, first, last) => void this.missed.push(`${kind} ${first} ${last}`),
      ready: () => {},
      blockRefused: (reason) => void this.blocksRefused.push(reason),
    };
    const named = { guards: this.guards, name: `person ${seed}`, ...options };
    this.room = new Room(named, listener, network.around(seed));
  }

  isAt(position: number): boolean {
    return this.presence?.state === "here" && this.presence.position === position;
  }
}

/** Entries and boxes of a room. */
export function place(change: Partial<Invitation> = {}) {
  const network = new Network(1);
  const [e1, e2, e3, r1, r2] = Array.from({ length: 5 }, () => network.addBox()) as [Box, Box, Box, Box, Box];
  const invitation: Invitation = {
    policy: Policy.DIRECT,
    owner: new Uint8Array(32),
    secret: network.random.bytes(32),
    boxes: [r1, r2],
    ticket: null,
    rule: null,
    ...change,
  };
  return { network, e1, e2, e3, r1, r2, invitation };
}

/** A wallet, and what it was asked. */
export function walletOf(number: number, until?: number): Wallet & { asked: unknown[] } {
  const secret = new Uint8Array(32).fill(number);
  const asked: unknown[] = [];
  return {
    asked,
    address: hex(keccak(secp256k1.getPublicKey(secret, false).subarray(1)).subarray(12)),
    sign(data) {
      asked.push(data);
      const made = secp256k1.sign(typedHash(data), secret, { prehash: false, format: "recovered" });
      return Promise.resolve(hex(Uint8Array.from([...made.subarray(1), made[0]! + 27])));
    },
    ...(until === undefined ? {} : { until }),
  };
}

/** Lets promises that wait for nothing else settle. */
export const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
