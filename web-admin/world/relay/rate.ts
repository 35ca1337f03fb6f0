// A token bucket: what a box grants a second, and how much of it may come at once. A client that keeps to
// it loses nothing to the box's limits.

export class Rate {
  private tokens: number;

  constructor(
    private readonly aSecond: number,
    private readonly burst: number,
    private at: number,
  ) {
    this.tokens = burst;
  }

  /** Milliseconds until `amount` is granted; 0 if it is now. */
  wait(amount: number, now: number): number {
    const passed = Math.max(0, now - this.at);
    this.at = Math.max(this.at, now);
    this.tokens = Math.min(this.burst, this.tokens + (passed * this.aSecond) / 1_000);
    return this.tokens >= amount ? 0 : Math.ceil(((amount - this.tokens) * 1_000) / this.aSecond);
  }

  /** Takes what {@link wait} said is granted. */
  take(amount: number): void {
    this.tokens -= amount;
  }
}
