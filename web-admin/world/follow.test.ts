// Following a box over everything that can happen to a stream: the box is made up, the bytes are its.
import { expect, test, vi } from "vitest";
import { unhex } from "./bytes";
import { type EventStream, type Listener, follow } from "./follow";
import { epochName } from "./format";
import vectors from "./vectors.json";

const base64 = (hexadecimal: string) => btoa(String.fromCharCode(...unhex(hexadecimal)));
const DELTA = { data: base64(vectors.delta.bytes), lastEventId: vectors.delta.to };
const RESYNC = { data: "{}", lastEventId: vectors.delta.from };

class FakeStream implements EventStream {
  readyState = 1;
  onerror: ((event: Event) => unknown) | null = null;
  private listeners: Record<string, (event: MessageEvent<string>) => void> = {};
  constructor(readonly url: string) {}
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.listeners[type] = listener;
  }
  close(): void {
    this.readyState = 2;
  }
  say(type: string, event: { data: string; lastEventId: string }): void {
    this.listeners[type]?.(event as MessageEvent<string>);
  }
  fail(closed: boolean): void {
    if (closed) this.readyState = 2;
    this.onerror?.(new Event("error"));
  }
}

class FakeBox {
  streams: FakeStream[] = [];
  later: (() => void)[] = [];
  loads: string[] = [];
  body: () => Promise<Uint8Array | null> = async () => unhex(vectors.world.bytes);
  listener: Listener = { world: vi.fn(), changed: vi.fn(), lost: vi.fn() };
  end = follow("http://box", this.listener, {
    open: (url) => {
      this.streams.push(new FakeStream(url));
      return this.stream;
    },
    load: (url) => {
      this.loads.push(url);
      return this.body();
    },
    after: (_, action) => void this.later.push(action),
  });

  get stream(): FakeStream {
    return this.streams[this.streams.length - 1]!;
  }
  retry(): void {
    for (const action of this.later.splice(0)) action();
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

test("loads the world that the box names and applies what comes", async () => {
  const box = new FakeBox();
  expect(box.stream.url).toBe("http://box/grid/deltas");
  box.stream.say("resync", RESYNC);
  await settled();
  expect(box.loads).toEqual([`http://box/grid/${vectors.delta.from}/world`]);
  expect(box.listener.world).toHaveBeenCalledOnce();
  box.stream.say("delta", DELTA);
  const [world, delta] = vi.mocked(box.listener.changed).mock.calls[0]!;
  expect(epochName(world.epoch)).toBe(vectors.delta.to);
  expect(epochName(delta.from)).toBe(vectors.delta.from);
});

test("what comes while the world is loading waits for it", async () => {
  const box = new FakeBox();
  box.stream.say("resync", RESYNC);
  box.stream.say("delta", DELTA);
  expect(box.listener.changed).not.toHaveBeenCalled();
  await settled();
  expect(box.listener.world).toHaveBeenCalledOnce();
  expect(box.listener.changed).toHaveBeenCalledOnce();
});

test("a stream that the browser gave up is opened again from where it stood", async () => {
  const box = new FakeBox();
  box.stream.say("resync", RESYNC);
  await settled();
  box.stream.fail(false);
  expect(box.later).toHaveLength(0);
  box.stream.fail(true);
  box.retry();
  expect(box.streams).toHaveLength(2);
  expect(box.stream.url).toBe(`http://box/grid/deltas?from=${vectors.delta.from}`);
  box.stream.say("delta", DELTA);
  expect(box.listener.changed).toHaveBeenCalledOnce();
});

test("whatever does not fit leads to a fresh start", async () => {
  const wrong = [
    { ...DELTA, data: "AAAA" },
    { ...DELTA, data: "not base64!" },
    { ...DELTA, data: base64(vectors.world.bytes) },
  ];
  for (const event of wrong) {
    const box = new FakeBox();
    box.stream.say("resync", RESYNC);
    await settled();
    box.stream.say("delta", event);
    expect(box.listener.lost).toHaveBeenCalledOnce();
    box.retry();
    expect(box.stream.url).toBe("http://box/grid/deltas");
  }
  const box = new FakeBox();
  box.stream.say("resync", RESYNC);
  await settled();
  box.stream.say("delta", DELTA);
  // The same change once more: it is of an epoch that is not this world's.
  const first = box.stream;
  first.say("delta", DELTA);
  expect(box.listener.lost).toHaveBeenCalledOnce();
  first.say("delta", DELTA);
  expect(box.later).toHaveLength(1);
});

test("an epoch that is gone, or a box that fails, is asked again", async () => {
  for (const body of [async () => null, () => Promise.reject(new Error("cut off"))]) {
    const box = new FakeBox();
    box.body = body;
    box.stream.say("resync", RESYNC);
    box.stream.say("delta", DELTA);
    await settled();
    expect(box.listener.world).not.toHaveBeenCalled();
    expect(box.later).toHaveLength(1);
    box.body = async () => unhex(vectors.world.bytes);
    box.retry();
    box.stream.say("resync", RESYNC);
    await settled();
    expect(box.listener.world).toHaveBeenCalledOnce();
  }
});

test("nothing is heard after the end", async () => {
  const box = new FakeBox();
  box.stream.say("resync", RESYNC);
  box.end();
  await settled();
  expect(box.listener.world).not.toHaveBeenCalled();
  expect(box.stream.readyState).toBe(2);
  box.retry();
  expect(box.streams).toHaveLength(1);
});
