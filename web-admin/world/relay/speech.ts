// Seals what a client says, with its own keys: introductions, keys for a member, messages, poses. Decides
// nothing. Section 6 of docs/PROTOCOL.md.
import { SendChain } from "./chain";
import type { SigningKey } from "./crypto";
import type { Kept } from "./delivery";
import { Epochs } from "./epochs";
import type { Peer } from "./peer";
import { EVERYBODY } from "./record";
import { type RoomContext, Sealed, sealChained, sealHello, sealKey, signHello } from "./sealed";
import { concat, u64, u8 } from "./writer";

/** First byte of what stands in GROUP and DIRECT. */
export const Inner = { data: 1, again: 2, ack: 3, bye: 4, move: 5 } as const;

/** A message to the room, which its sender signed. */
export interface Signed extends Kept {
  signature: Uint8Array;
}

/** Sealed bytes for a slot or for everybody. */
export interface Outgoing {
  to: number;
  sealed: Uint8Array;
}

export class Speech {
  readonly epochs: Epochs;
  private readonly outgoing: Outgoing[] = [];
  private introduction: { number: number; answer: boolean; signed: Uint8Array } | null = null;

  /** `profile` is asked for when we introduce ourselves; `random` gives so many fresh random bytes. */
  constructor(
    private readonly context: RoomContext,
    private readonly client: SigningKey,
    private readonly profile: () => Uint8Array,
    private readonly random: (length: number) => Uint8Array,
    now: number,
  ) {
    this.epochs = new Epochs(random, now);
  }

  /** Sealed bytes that are to be sent, in order. */
  take(): Outgoing[] {
    return this.outgoing.splice(0);
  }

  /** Who we are; `answer` asks for the same. */
  hello(to: number, answer: boolean): void {
    const { number, public: key } = this.epochs.newest;
    // A box that invents members must not make us sign for each.
    if (this.introduction?.number !== number || this.introduction.answer !== answer) {
      const hello = { number, key, answer, profile: this.profile() };
      this.introduction = { number, answer, signed: signHello(this.context.room, this.client, hello) };
    }
    this.outgoing.push({ to, sealed: sealHello(this.context, this.introduction.signed, this.random(16)) });
  }

  /** Our chains for a member that said who it is and is here. `groupNext` is our next number to the room. */
  key(peer: Peer, groupNext: number): void {
    const { hello, slot } = peer;
    if (hello === null || slot === null) return;
    const { number: epoch, pose, group } = this.epochs;
    if (peer.direct?.epoch !== epoch) {
      peer.direct = { epoch, chain: new SendChain(this.random(32), 1) };
      pose.skipToStep();
    }
    if (peer.floors === null) {
      peer.floors = { group: groupNext, direct: peer.directOut.next };
      [peer.groupAcked, peer.directAcked] = [peer.floors.group, peer.floors.direct];
    }
    const keys = {
      epoch,
      pose: pose.state,
      group: group.state,
      direct: peer.direct.chain.state,
      groupFloor: peer.floors.group,
      directFloor: peer.floors.direct,
      ...peer.expected,
    };
    const to = { client: peer.client, ...hello };
    this.outgoing.push({ to: slot, sealed: sealKey(this.context, this.client, to, this.random(32), keys) });
  }

  /** Signs a message to the room. */
  sign(number: number, payload: Uint8Array): Signed {
    return { number, payload, signature: this.client.sign("group", this.context.room, u64(number), payload) };
  }

  /** A message to the room. */
  group({ number, signature, payload }: Signed): void {
    const plain = concat(u8(Inner.data), u64(number), signature, payload);
    const { number: epoch, group } = this.epochs;
    const sealed = sealChained(Sealed.group, epoch, group, this.client.public, plain);
    this.outgoing.push({ to: EVERYBODY, sealed });
  }

  /** Something to one member, if it is here and was given our chains. */
  direct(peer: Peer, kind: number, ...fields: Uint8Array[]): void {
    if (peer.slot === null || peer.direct === null) return;
    const { epoch, chain } = peer.direct;
    const plain = concat(u8(kind), ...fields);
    const sealed = sealChained(Sealed.direct, epoch, chain, this.client.public, plain);
    this.outgoing.push({ to: peer.slot, sealed });
  }

  /** A pose, as it is to be sent at once. */
  pose(pose: Uint8Array): Uint8Array {
    return sealChained(Sealed.pose, this.epochs.number, this.epochs.pose, this.client.public, pose);
  }
}
