// Who the members are: what they show of themselves, checked, and taken back when a wallet's word ends.
import { unhex } from "../bytes";
import type { Surroundings } from "./entries";
import { type Member, memberOf } from "./profile";

/** Timers of browsers hold 31 bits. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class Members {
  private readonly timers = new Map<string, () => void>();

  /** `tell` is called when a member comes, and again when it shows something else. Without a chain no wallet is known. */
  constructor(
    private readonly room: Uint8Array,
    private readonly chain: number | null,
    private readonly around: Surroundings,
    private readonly tell: (id: string, member: Member) => void,
  ) {}

  /** A member shows this profile now. */
  shows(id: string, profile: Uint8Array): void {
    this.gone(id);
    const { chain, room } = this;
    const { member, until } = memberOf(profile, { chain, client: unhex(id), room }, this.around.now() / 1_000);
    if (until < Infinity) this.endAt(id, until * 1_000, profile);
    this.tell(id, member);
  }

  private endAt(id: string, end: number, profile: Uint8Array): void {
    const wait = Math.min(end - this.around.now(), LONGEST_TIMER);
    const cancel = this.around.after(wait, () => {
      if (this.around.now() >= end) this.shows(id, profile);
      else this.endAt(id, end, profile);
    });
    this.timers.set(id, cancel);
  }

  gone(id: string): void {
    this.timers.get(id)?.();
    this.timers.delete(id);
  }

  close(): void {
    for (const id of [...this.timers.keys()]) this.gone(id);
  }
}
