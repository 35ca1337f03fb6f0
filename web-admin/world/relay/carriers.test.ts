// Ways to a box: frames out of a stream however it is cut, and the next URL where one leads nowhere.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { base64url } from "./base64url";
import { usableUrls } from "./browser-carrier";
import { type Carrier, MOST_BUFFERED, OPENS, firstCarrier } from "./carrier";
import { Code } from "./code";
import { LONGEST } from "./frame";
import { Frames, webTransportCarrier } from "./webtransport";
import { concat, u16 } from "./writer";

const of = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const framed = (frame: Uint8Array) => concat(u16(frame.length), frame);
const HASHES = [of(1, 32), of(2, 32)];
const URL = `https://192.0.2.1:8443/relay#${HASHES.map(base64url)}`;

/** A browser's WebTransport whose other end is the test. */
class FakeTransport {
  static all: FakeTransport[] = [];
  readonly written: Uint8Array[] = [];
  isClosed = false;
  isFinished = false;
  box!: ReadableStreamDefaultController<Uint8Array>;
  open!: () => void;
  fail!: (error: Error) => void;
  end!: () => void;
  private readonly blocked: (() => void)[] = [];
  isBlocked = false;
  readonly ready = new Promise<void>((resolve, reject) => ([this.open, this.fail] = [resolve, reject]));
  readonly closed = new Promise<void>((resolve) => (this.end = resolve));

  constructor(
    readonly address: string,
    readonly options: { serverCertificateHashes: { algorithm: string; value: Uint8Array }[] },
  ) {
    FakeTransport.all.push(this);
  }

  createBidirectionalStream() {
    const readable = new ReadableStream<Uint8Array>({ start: (box) => void (this.box = box) });
    const writable = new WritableStream<Uint8Array>({
      write: async (bytes) => {
        if (this.isBlocked) await new Promise<void>((resolve) => this.blocked.push(resolve));
        this.written.push(bytes);
      },
      close: () => void (this.isFinished = true),
    });
    return Promise.resolve({ readable, writable });
  }

  close(): void {
    this.isClosed = true;
    this.end();
  }
}

beforeEach(() => {
  FakeTransport.all = [];
  vi.stubGlobal("WebTransport", FakeTransport);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

function opened() {
  const carrier = webTransportCarrier(URL);
  const frames: Uint8Array[] = [];
  const codes: Code[] = [];
  carrier.onFrame = (frame) => void frames.push(frame);
  carrier.onClosed = (code) => void codes.push(code);
  return { carrier, frames, codes, transport: FakeTransport.all[0]! };
}

test("frames come whole, however the stream is cut", () => {
  const sent = [of(1, 240), of(2, LONGEST), new Uint8Array(0), of(3, 1), of(4, 480)];
  const stream = concat(...sent.map(framed));
  for (const size of [1, 2, 3, 241, 7_000, stream.length]) {
    const frames = new Frames();
    const came: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) came.push(...frames.take(stream.subarray(at, at + size)));
    expect(came, `chunks of ${size}`).toEqual(sent);
  }
  expect(() => new Frames().take(u16(LONGEST + 1))).toThrow("too long");
});

test("a certificate is known by its hash, and what is said early is said when the way is open", async () => {
  const { carrier, frames, codes, transport } = opened();
  expect(transport.address).toBe("https://192.0.2.1:8443/relay");
  expect(transport.options.serverCertificateHashes).toEqual(HASHES.map((value) => ({ algorithm: "sha-256", value })));
  carrier.send(of(1, 240));
  expect(carrier.buffered).toBe(242);
  transport.open();
  await settle();
  carrier.send(of(2, 480));
  await settle();
  expect(transport.written).toEqual([framed(of(1, 240)), framed(of(2, 480))]);
  expect(carrier.buffered).toBe(0);
  transport.box.enqueue(concat(framed(of(3, 240)), framed(of(4, 240)).subarray(0, 100)));
  transport.box.enqueue(framed(of(4, 240)).subarray(100));
  await settle();
  expect(frames).toEqual([of(3, 240), of(4, 240)]);
  // The last words leave before the connection ends.
  carrier.send(of(5, 240));
  carrier.close();
  carrier.send(of(6, 240));
  await settle();
  expect(transport.written.at(-1)).toEqual(framed(of(5, 240)));
  expect([transport.isFinished, transport.isClosed]).toEqual([true, false]);
  transport.end();
  await settle();
  expect([transport.isClosed, codes]).toEqual([true, []]);
});

test("a stream that ends, breaks, or announces too long a frame closes once", async () => {
  const ends: [(transport: FakeTransport) => void, Code][] = [
    [({ box }) => box.close(), Code.UNREACHABLE],
    [({ box }) => box.error(new Error("reset")), Code.UNREACHABLE],
    [({ end }) => end(), Code.UNREACHABLE],
    [({ box }) => box.enqueue(u16(LONGEST + 1)), Code.MALFORMED],
  ];
  for (const [end, code] of ends) {
    FakeTransport.all = [];
    const { codes, transport } = opened();
    transport.open();
    await settle();
    end(transport);
    await settle();
    expect([codes, transport.isClosed]).toEqual([[code], true]);
  }
  FakeTransport.all = [];
  const { codes, transport } = opened();
  transport.fail(new Error("no such certificate"));
  await settle();
  expect(codes).toEqual([Code.UNREACHABLE]);
});

test("what does not leave is counted, and too much of it ends the carrier", async () => {
  const { carrier, codes, transport } = opened();
  transport.isBlocked = true;
  transport.open();
  await settle();
  const most = Math.floor(MOST_BUFFERED / (LONGEST + 2));
  for (let i = 0; i < most; i++) carrier.send(of(i, LONGEST));
  expect(carrier.buffered).toBe(most * (LONGEST + 2));
  expect(codes).toEqual([]);
  carrier.send(of(0, LONGEST));
  expect([codes, transport.isClosed]).toEqual([[Code.UNREACHABLE], true]);
});

test("only what the page can open is opened, WebTransport first", () => {
  const urls = ["ws://a/relay", "wss://a/relay", URL];
  const of = (hasWebTransport: boolean, isFromHttps: boolean) => usableUrls(urls, { hasWebTransport, isFromHttps });
  expect(of(true, false)).toEqual([URL, "ws://a/relay", "wss://a/relay"]);
  expect(of(false, false)).toEqual(["ws://a/relay", "wss://a/relay"]);
  expect(of(true, true)).toEqual([URL, "wss://a/relay"]);
  expect(of(false, true)).toEqual(["wss://a/relay"]);
});

/** Carriers that the test answers, and a clock. */
function several(urls: string[], failed?: Set<string>) {
  const carriers = new Map<string, Carrier & { sent: number[]; isClosed: boolean }>();
  const timers: { at: number; action: () => void }[] = [];
  let now = 0;
  const open = (url: string) => {
    if (url === "none") throw new SyntaxError("no URL");
    const carrier = {
      sent: [] as number[],
      isClosed: false,
      buffered: 7,
      send: (frame: Uint8Array) => void carrier.sent.push(frame[0]!),
      close: () => void (carrier.isClosed = true),
      onFrame: (_: Uint8Array) => {},
      onClosed: (_: Code) => {},
    };
    carriers.set(url, carrier);
    return carrier;
  };
  const after = (milliseconds: number, action: () => void) => {
    const timer = { at: now + milliseconds, action };
    timers.push(timer);
    return () => void timers.splice(timers.indexOf(timer), timers.includes(timer) ? 1 : 0);
  };
  const pass = (milliseconds: number) => {
    now += milliseconds;
    for (const timer of timers.filter(({ at }) => at <= now)) {
      timers.splice(timers.indexOf(timer), 1);
      timer.action();
    }
  };
  const first = firstCarrier(urls, open, after, failed);
  const codes: Code[] = [];
  const frames: number[] = [];
  first.onClosed = (code) => void codes.push(code);
  first.onFrame = (frame) => void frames.push(frame[0]!);
  return { first, carriers, codes, frames, pass, timers };
}

test("a URL that leads nowhere is followed by the next, which is told the same", () => {
  const { first, carriers, codes, frames, pass } = several(["none", "silent", "closed", "good", "spare"]);
  first.send(of(1, 1));
  pass(0);
  expect([...carriers.keys()]).toEqual(["silent"]);
  pass(OPENS);
  expect(carriers.get("silent")!.isClosed).toBe(true);
  carriers.get("closed")!.onClosed(Code.UNREACHABLE);
  const good = carriers.get("good")!;
  expect(good.sent).toEqual([1]);
  good.onFrame(of(2, 1));
  first.send(of(3, 1));
  pass(10 * OPENS);
  expect([frames, good.sent, first.buffered, codes]).toEqual([[2], [1, 3], 7, []]);
  good.onClosed(Code.UNREACHABLE);
  expect([codes, carriers.has("spare")]).toEqual([[Code.UNREACHABLE], false]);
});

test("it is closed when no URL is left, and opens nothing after it was closed", () => {
  for (const urls of [[], ["none"], ["a", "b"]]) {
    const { codes, pass } = several(urls);
    for (let i = 0; i < 4; i++) pass(OPENS);
    expect(codes).toHaveLength(1);
  }
  const { first, carriers, codes, pass, timers } = several(["a", "b"]);
  pass(0);
  first.close();
  pass(OPENS);
  expect([[...carriers.keys()], carriers.get("a")!.isClosed, codes, timers]).toEqual([["a"], true, [], []]);
});

test("a URL that led nowhere is tried last the next time, as long as it leads nowhere", () => {
  const failed = new Set<string>();
  const answered = (urls: string[], by: string) => {
    const { first, carriers, pass } = several(urls, failed);
    pass(0);
    while (!carriers.has(by)) pass(OPENS);
    carriers.get(by)!.onFrame(of(1, 1));
    first.close();
    return [...carriers.keys()];
  };
  expect(answered(["udp", "tcp"], "tcp")).toEqual(["udp", "tcp"]);
  expect(answered(["udp", "tcp"], "tcp")).toEqual(["tcp"]);
  expect(answered(["udp", "tcp"], "udp")).toEqual(["tcp", "udp"]);
  expect(answered(["udp", "tcp"], "udp")).toEqual(["udp"]);
});
