// What brings a session's frames: a WebSocket, a stream of WebTransport, or a circuit through another box.
// Section 2 of docs/PROTOCOL.md.
import { Code } from "./code";
import { LONGEST } from "./frame";

/** Brings frames reliably, in order and with their borders. */
export interface Carrier {
  /** Frames that are sent before the carrier is open wait until it is. */
  send(frame: Uint8Array): void;
  close(): void;
  /** Bytes that were sent and have not left yet. */
  readonly buffered: number;
  onFrame: (frame: Uint8Array) => void;
  /** Once, and not after {@link close}. */
  onClosed: (code: Code) => void;
}

/** Bytes that may wait in a carrier; with more it is as good as cut. */
export const MOST_BUFFERED = 1_024 * 1_024;
/** Milliseconds in which a URL has to lead to an answer. */
export const OPENS = 1_500;

/**
 * A carrier by the first of these URLs from which something comes: what was sent until then is sent by the
 * next one too. `open` may throw. Closed once none is left. Those in `failed` come last; it is kept up to date.
 */
export function firstCarrier(
  urls: string[],
  open: (url: string) => Carrier,
  after: (milliseconds: number, action: () => void) => () => void,
  failed = new Set<string>(),
): Carrier {
  const left = [...urls.filter((url) => !failed.has(url)), ...urls.filter((url) => failed.has(url))];
  let sent: Uint8Array[] = [];
  let current: Carrier | null = null;
  let isAnswered = false;
  const next = (code: Code): void => {
    const url = left.shift();
    current = null;
    if (url === undefined) return carrier.onClosed(code);
    failed.add(url);
    try {
      current = open(url);
    } catch {
      return next(Code.UNREACHABLE);
    }
    listen(current, url);
  };
  const listen = (opened: Carrier, url: string) => {
    const fail = (code: Code) => {
      stop();
      opened.close();
      if (isAnswered) carrier.onClosed(code);
      else next(code);
    };
    const cancel = after(OPENS, () => fail(Code.TIMEOUT));
    opened.onFrame = (frame) => {
      cancel();
      isAnswered = true;
      failed.delete(url);
      sent = [];
      carrier.onFrame(frame);
    };
    opened.onClosed = fail;
    stop = cancel;
    for (const frame of sent) opened.send(frame);
  };
  // Whoever opens it listens a moment later.
  let stop = after(0, () => next(Code.UNREACHABLE));
  const carrier: Carrier = {
    send(frame) {
      if (!isAnswered) sent.push(frame);
      current?.send(frame);
    },
    close() {
      stop();
      left.length = 0;
      current?.close();
      current = null;
    },
    get buffered() {
      return current?.buffered ?? 0;
    },
    onFrame: () => {},
    onClosed: () => {},
  };
  return carrier;
}

const SUBPROTOCOL = "cosmos-relay.1";

/** Opens a WebSocket at `url`, such as `ws://192.0.2.1:8081/relay`. */
export function webSocketCarrier(url: string): Carrier {
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.binaryType = "arraybuffer";
  let waiting: Uint8Array[] = [];
  let isOver = false;
  const end = (code: Code) => {
    if (isOver) return;
    isOver = true;
    socket.close();
    carrier.onClosed(code);
  };
  const carrier: Carrier = {
    send(frame) {
      if (socket.readyState === WebSocket.CONNECTING) waiting.push(frame);
      else if (socket.bufferedAmount > MOST_BUFFERED) end(Code.UNREACHABLE);
      else if (socket.readyState === WebSocket.OPEN) socket.send(frame as Uint8Array<ArrayBuffer>);
    },
    close() {
      isOver = true;
      socket.close();
    },
    get buffered() {
      return socket.bufferedAmount;
    },
    onFrame: () => {},
    onClosed: () => {},
  };
  socket.onopen = () => {
    for (const frame of waiting) carrier.send(frame);
    waiting = [];
  };
  socket.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (isOver) return;
    if (!(data instanceof ArrayBuffer) || data.byteLength > LONGEST) end(Code.MALFORMED);
    else carrier.onFrame(new Uint8Array(data));
  };
  socket.onclose = () => end(Code.UNREACHABLE);
  return carrier;
}
