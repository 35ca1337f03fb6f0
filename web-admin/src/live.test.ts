// The live stream's state, and that a silent box is never shown as a healthy one.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LiveFeed, SILENT, type Stream, type Surroundings, boxClock, parse, reduce } from "./live";
import { live } from "./testing";

describe("reduce", () => {
  it("takes the newest word", () => {
    const first = reduce(SILENT, { type: "said", live: live({ uptime: 1 }), at: 10 });
    const second = reduce(first, { type: "said", live: live({ uptime: 2 }), at: 20 });
    expect(second).toMatchObject({ connection: "live", receivedAt: 20 });
    expect(second.last?.status.uptime).toBe(2);
  });

  it("keeps the last word when the box is lost, and says so", () => {
    const heard = reduce(SILENT, { type: "said", live: live(), at: 10 });
    const lost = reduce(heard, { type: "lost" });
    expect(lost.connection).toBe("lost");
    expect(lost.last).toBe(heard.last);
    expect(reduce(lost, { type: "lost" })).toBe(lost);
  });
});

it("counts ages by the box's clock", () => {
  expect(boxClock(SILENT, 5_000)).toBe(0);
  const heard = reduce(SILENT, { type: "said", live: live({ now: 1_000 }), at: 5_000 });
  expect(boxClock(heard, 65_000)).toBe(1_060);
});

it("refuses what is no status", () => {
  expect(parse("{")).toBeNull();
  expect(parse("null")).toBeNull();
  expect(parse('{"status":{}}')).toBeNull();
  expect(parse(JSON.stringify(live()))?.status.version).toBe("0.1.0");
});

class FakeStream implements Stream {
  readyState = 0;
  onerror: ((event: Event) => unknown) | null = null;
  #listener: (event: MessageEvent<string>) => void = () => {};
  addEventListener(_: string, listener: (event: MessageEvent<string>) => void) {
    this.#listener = listener;
  }
  close() {
    this.readyState = 2;
  }
  say(data: unknown) {
    this.readyState = 1;
    this.#listener({ data: JSON.stringify(data) } as MessageEvent<string>);
  }
  fail(readyState: 0 | 2) {
    this.readyState = readyState;
    this.onerror?.(new Event("error"));
  }
}

describe("LiveFeed", () => {
  let streams: FakeStream[];
  let found: Awaited<ReturnType<Surroundings["probe"]>>;
  const signedOut = vi.fn();
  const newest = () => streams.at(-1) as FakeStream;

  function started(): LiveFeed {
    const feed = new LiveFeed(
      {
        open: () => {
          streams.push(new FakeStream());
          return newest();
        },
        probe: async () => found,
        now: () => Date.now(),
      },
      signedOut,
    );
    feed.start();
    return feed;
  }

  beforeEach(() => {
    vi.useFakeTimers();
    signedOut.mockClear();
    streams = [];
    found = "signed-in";
  });
  afterEach(() => void vi.useRealTimers());

  it("tells its listeners what the box says", () => {
    const feed = started();
    const heard = vi.fn();
    const unsubscribe = feed.subscribe(heard);
    newest().say(live());
    expect(feed.state.connection).toBe("live");
    expect(heard).toHaveBeenCalledTimes(1);
    unsubscribe();
    newest().say(live());
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("finds out about a dead box that reported no error, and comes back", async () => {
    const feed = started();
    newest().say(live());
    found = "unreachable";
    await vi.advanceTimersByTimeAsync(15_000);
    expect(feed.state.connection).toBe("lost");
    expect(newest().readyState).toBe(2);
    found = "signed-in";
    await vi.advanceTimersByTimeAsync(3_000);
    expect(streams).toHaveLength(2);
    newest().say(live());
    expect(feed.state.connection).toBe("live");
  });

  it("stays live through a quiet box and a short reconnection", async () => {
    const feed = started();
    newest().say(live());
    await vi.advanceTimersByTimeAsync(60_000);
    newest().fail(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(feed.state.connection).toBe("live");
    expect(streams).toHaveLength(1);
  });

  it("does not hammer a box that refuses the stream", async () => {
    const feed = started();
    for (let second = 0; second < 30; second += 1) {
      if (newest().readyState === 0) newest().fail(2);
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(feed.state.connection).toBe("lost");
    expect(streams.length).toBeGreaterThan(5);
    expect(streams.length).toBeLessThanOrEqual(11);
  });

  it("ends with the session", async () => {
    started();
    newest().say(live());
    found = "signed-out";
    newest().fail(2);
    await vi.advanceTimersByTimeAsync(0);
    expect(signedOut).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does nothing more once stopped", async () => {
    const feed = started();
    newest().fail(0);
    feed.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(streams).toHaveLength(1);
    expect(newest().readyState).toBe(2);
  });
});
