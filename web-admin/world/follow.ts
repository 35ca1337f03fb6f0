// Keeps a world up to date: loads it once and applies what the box pushes, over lost connections
// and forks. Whatever does not fit leads to a fresh start, never to a wrong map.
import { unbase64 } from "./bytes";
import { type Delta, type World, applyToWorld, decodeDelta, decodeWorld, epochName } from "./format";

/** The part of EventSource that is used. */
export interface EventStream {
  readonly readyState: number;
  onerror: ((event: Event) => unknown) | null;
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

/** What the follower needs of the world around it. */
export interface Surroundings {
  open(url: string): EventStream;
  /** The body at `url`; `null` if the box no longer has it. */
  load(url: string): Promise<Uint8Array | null>;
  after(milliseconds: number, action: () => void): void;
}

/** Who wants to know. */
export interface Listener {
  /** The whole world, at first and whenever it had to be loaded anew. */
  world(world: World): void;
  /** `world` has changed by `delta`. */
  changed(world: World, delta: Delta): void;
  /** The box does not answer; it is asked again. */
  lost?(reason: string): void;
}

const RETRY = 2000;
const CLOSED = 2;

export const browser: Surroundings = {
  open: (url) => new EventSource(url),
  async load(url) {
    const answer = await fetch(url);
    if (answer.status === 410) return null;
    if (!answer.ok) throw new Error(`the box answered ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  },
  after: (milliseconds, action) => void setTimeout(action, milliseconds),
};

/** Follows the box at `base`, such as `http://192.168.1.5:8081`; the result ends it. */
export function follow(base: string, listener: Listener, around = browser): () => void {
  let world: World | null = null;
  let waiting: Delta[] | null = null;
  let stream: EventStream | null = null;
  let ended = false;

  const begin = () => {
    if (ended) return;
    stream?.close();
    const from = world === null ? "" : `?from=${epochName(world.epoch)}`;
    const own = around.open(`${base}/grid/deltas${from}`);
    stream = own;
    const listen = (type: string, act: (event: MessageEvent<string>) => void) => {
      own.addEventListener(type, (event) => {
        // Events of a stream that was given up, or garbled ones, must not reach the map.
        if (stream !== own) return;
        try {
          act(event);
        } catch (error) {
          restart(String(error));
        }
      });
    };
    listen("resync", (event) => void load(own, event.lastEventId));
    listen("delta", (event) => take(decodeDelta(unbase64(event.data))));
    own.onerror = () => {
      // Otherwise the browser tries again by itself, from the last event on.
      if (stream !== own || own.readyState !== CLOSED) return;
      listener.lost?.("the stream of changes ended");
      later();
    };
  };
  const later = () => {
    stream?.close();
    stream = null;
    around.after(RETRY, begin);
  };
  const restart = (reason: string) => {
    world = null;
    waiting = null;
    listener.lost?.(reason);
    later();
  };
  const load = async (own: EventStream, epoch: string) => {
    waiting = [];
    try {
      const bytes = await around.load(`${base}/grid/${epoch}/world`);
      if (ended || stream !== own) return;
      if (bytes === null) return restart(`epoch ${epoch} is gone`);
      const loaded = decodeWorld(bytes);
      const missed: Delta[] = waiting ?? [];
      waiting = null;
      world = loaded;
      listener.world(loaded);
      for (const delta of missed) if (stream === own) take(delta);
    } catch (error) {
      if (!ended && stream === own) restart(String(error));
    }
  };
  const take = (delta: Delta) => {
    if (waiting !== null) {
      waiting.push(delta);
    } else if (world === null || epochName(world.epoch) !== epochName(delta.from)) {
      restart("a change that does not fit");
    } else {
      applyToWorld(world, delta);
      listener.changed(world, delta);
    }
  };

  begin();
  return () => {
    ended = true;
    stream?.close();
    stream = null;
  };
}
