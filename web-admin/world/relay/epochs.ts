// Our own keys: receive keys and the chains that the whole room is given, replaced with each epoch, so
// that who left hears nothing more and what was stolen soon is worth nothing. Section 6 of
// docs/PROTOCOL.md.
import { POSE_STEP, SendChain } from "./chain";
import { x25519Public } from "./crypto";

/** Milliseconds. */
const EPOCH = 600_000;
const EPOCHS_APART = 2_000;
const OLD_KEY = 60_000;

/** An X25519 key to which others wrap their chains. */
export interface ReceiveKey {
  number: number;
  secret: Uint8Array;
  public: Uint8Array;
  /** When it is forgotten; the newest never is. */
  until: number;
}

export class Epochs {
  /** Number of the epoch, from 1. */
  number = 0;
  pose!: SendChain;
  group!: SendChain;
  private receiveKeys: ReceiveKey[] = [];
  private began = 0;
  private ends = 0;

  /** `random` gives so many fresh random bytes. */
  constructor(
    private readonly random: (length: number) => Uint8Array,
    now: number,
  ) {
    this.renew(now);
  }

  /** Begins the next epoch. */
  renew(now: number): void {
    this.number++;
    this.began = now;
    this.ends = now + EPOCH;
    this.pose = new SendChain(this.random(32), POSE_STEP);
    this.group = new SendChain(this.random(32), 1);
    const secret = this.random(32);
    const newest = { number: this.number, secret, public: x25519Public(secret), until: Infinity };
    const old = this.receiveKeys.map((key) => ({ ...key, until: Math.min(key.until, now + OLD_KEY) }));
    this.receiveKeys = [newest, ...old];
  }

  /** Somebody left: this epoch ends, but those who leave together end one. */
  endSoon(now: number): void {
    this.ends = Math.min(this.ends, Math.max(now, this.began + EPOCHS_APART));
  }

  isOver(now: number): boolean {
    return this.ends <= now;
  }

  /** The receive key that is in HELLO now. */
  get newest(): ReceiveKey {
    return this.receiveKeys[0]!;
  }

  /** The receive key of this number, if it is still kept. */
  receiveKey(number: number): ReceiveKey | undefined {
    return this.receiveKeys.find((key) => key.number === number);
  }

  /** When there is something to do here next. */
  get wakeAt(): number {
    return Math.min(this.ends, ...this.receiveKeys.map(({ until }) => until));
  }

  /** Forgets keys that others had time to stop using. */
  forget(now: number): void {
    this.receiveKeys = this.receiveKeys.filter(({ until }) => until > now);
  }
}
