// What brings a session's frames: a WebSocket, or a circuit through another box. Section 2 of
// docs/PROTOCOL.md.
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
