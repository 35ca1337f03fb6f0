// The live view of the box: what its event stream last said, and whether it still speaks. A box
// that went silent is shown as such; old news never passes for present health.
import type { Live } from "./api";

/** `connecting` until the first word; `lost` once the box proved unreachable. */
export type Connection = "connecting" | "live" | "lost";

export interface LiveState {
  connection: Connection;
  /** The last word, kept while the connection is lost. */
  last: Live | null;
  /** When it came, in this browser's milliseconds. */
  receivedAt: number;
}

export type LiveEvent = { type: "said"; live: Live; at: number } | { type: "lost" };

export const SILENT: LiveState = { connection: "connecting", last: null, receivedAt: 0 };

/** The next state. */
export function reduce(state: LiveState, event: LiveEvent): LiveState {
  switch (event.type) {
    case "said":
      return { connection: "live", last: event.live, receivedAt: event.at };
    case "lost":
      return state.connection === "lost" ? state : { ...state, connection: "lost" };
  }
}

/** The box's clock now, Unix seconds: ages must not depend on this browser's clock being right. */
export function boxClock(state: LiveState, browserNow: number): number {
  if (state.last === null) return 0;
  return state.last.status.now + Math.max(0, browserNow - state.receivedAt) / 1000;
}

/** Reads one event's data; `null` if it is not what the box should send. */
export function parse(data: string): Live | null {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== "object" || value === null) return null;
    return "status" in value && "torrents" in value ? (value as Live) : null;
  } catch {
    return null;
  }
}

/** The part of EventSource that the feed uses. */
export interface Stream {
  readonly readyState: number;
  onerror: ((event: Event) => unknown) | null;
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface Surroundings {
  open(): Stream;
  /** Asks the box whether it is there and still knows us. */
  probe(): Promise<"signed-in" | "signed-out" | "unreachable">;
  /** Milliseconds, only ever forward. */
  now(): number;
}

const CLOSED = 2;
/** Silence after which the box is asked whether it is still there; its heartbeat comments do not
 * reach a page. */
const SILENCE = 15_000;
const RETRY = 3_000;

/** Keeps one stream open and tells every listener the newest state. */
export class LiveFeed {
  #state = SILENT;
  #listeners = new Set<() => void>();
  #stream: Stream | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #startedAt = 0;
  #checking = false;
  readonly #surroundings: Surroundings;
  readonly #signedOut: () => void;

  constructor(surroundings: Surroundings, signedOut: () => void) {
    this.#surroundings = surroundings;
    this.#signedOut = signedOut;
  }

  get state(): LiveState {
    return this.#state;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(): void {
    this.stop();
    const stream = this.#surroundings.open();
    this.#stream = stream;
    this.#startedAt = this.#surroundings.now();
    stream.addEventListener("status", (event) => {
      const live = parse(event.data);
      if (live === null) return;
      this.#dispatch({ type: "said", live, at: this.#surroundings.now() });
      this.#wait(SILENCE);
    });
    stream.onerror = () => void this.#check();
    this.#wait(SILENCE);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stream?.close();
    this.#stream = null;
  }

  #dispatch(event: LiveEvent): void {
    const next = reduce(this.#state, event);
    if (next === this.#state) return;
    this.#state = next;
    for (const listener of this.#listeners) listener();
  }

  #wait(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(), milliseconds);
  }

  async #check(): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    const found = await this.#surroundings.probe();
    this.#checking = false;
    const stream = this.#stream;
    if (stream === null) return;
    if (found === "signed-out") {
      this.stop();
      this.#signedOut();
    } else if (found === "unreachable") {
      this.#dispatch({ type: "lost" });
      stream.close();
      this.#wait(RETRY);
    } else if (stream.readyState === CLOSED) {
      this.#reopen();
    } else {
      // Open, or the browser is reconnecting by itself.
      this.#wait(SILENCE);
    }
  }

  /** Opens a refused or closed stream again, never more often than every few seconds. */
  #reopen(): void {
    this.#dispatch({ type: "lost" });
    const waited = this.#surroundings.now() - this.#startedAt;
    if (waited >= RETRY) this.start();
    else this.#wait(RETRY - waited);
  }
}
