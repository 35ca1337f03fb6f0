// WebTransport (HTTP/3) as a carrier: one bidirectional stream, each frame after its length. A certificate is
// known by its hash, so that a box needs no name and no authority. Section 2 of docs/PROTOCOL.md.
import { ensure } from "../bytes";
import { unbase64url } from "./base64url";
import { type Carrier, MOST_BUFFERED } from "./carrier";
import { Code } from "./code";
import { LONGEST } from "./frame";
import { concat, u16 } from "./writer";

/** `https://…/relay#` and one or two hashes of certificates. */
export const WEBTRANSPORT_URL = /^https:\/\/[^/\s]+\/relay#[\w-]{43}(,[\w-]{43})?$/;
/** Milliseconds that what was sent has for leaving, before the connection is cut. */
const LINGER = 1_000;

/** Frames out of a stream's chunks. */
export class Frames {
  private rest = new Uint8Array(0);

  /** The frames that are whole now; throws a `FormatError` if one is announced that is too long. */
  take(chunk: Uint8Array): Uint8Array[] {
    const bytes = concat(this.rest, chunk);
    const frames: Uint8Array[] = [];
    let at = 0;
    while (bytes.length - at >= 2) {
      const length = bytes[at]! | (bytes[at + 1]! << 8);
      ensure(length <= LONGEST, "a frame is too long");
      if (bytes.length - at - 2 < length) break;
      frames.push(bytes.slice(at + 2, at + 2 + length));
      at += 2 + length;
    }
    this.rest = bytes.slice(at);
    return frames;
  }
}

/** Opens such a URL. Throws if it is none or the browser has no WebTransport. */
export function webTransportCarrier(url: string): Carrier {
  ensure(WEBTRANSPORT_URL.test(url), "this is no relay's URL for WebTransport");
  const [address, hashes] = url.split("#") as [string, string];
  const transport = new WebTransport(address, {
    serverCertificateHashes: hashes.split(",").map((hash) => ({ algorithm: "sha-256", value: unbase64url(hash) })),
  });
  let writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  const waiting: Uint8Array[] = [];
  let buffered = 0;
  let isOver = false;
  const end = (code: Code) => {
    if (isOver) return;
    isOver = true;
    transport.close();
    carrier.onClosed(code);
  };
  const unreachable = () => end(Code.UNREACHABLE);
  const write = (bytes: Uint8Array) => {
    writer!.write(bytes).then(() => void (buffered -= bytes.length), unreachable);
  };
  const carrier: Carrier = {
    send(frame) {
      if (isOver) return;
      const bytes = concat(u16(frame.length), frame);
      buffered += bytes.length;
      if (buffered > MOST_BUFFERED) return unreachable();
      if (writer === null) waiting.push(bytes);
      else write(bytes);
    },
    close() {
      if (isOver) return;
      isOver = true;
      if (writer === null) return transport.close();
      const cut = setTimeout(() => transport.close(), LINGER);
      const shut = () => {
        clearTimeout(cut);
        transport.close();
      };
      // The box ends the connection when it has read all.
      writer.close().then(() => transport.closed).then(shut, shut);
    },
    get buffered() {
      return buffered;
    },
    onFrame: () => {},
    onClosed: () => {},
  };
  const read = async (readable: ReadableStream<Uint8Array>) => {
    const reader = readable.getReader();
    const stream = new Frames();
    for (;;) {
      const { value } = await reader.read().catch(() => ({ value: undefined }));
      if (value === undefined) return unreachable();
      let frames: Uint8Array[];
      try {
        frames = stream.take(value);
      } catch {
        return end(Code.MALFORMED);
      }
      for (const frame of frames) {
        if (isOver) return;
        carrier.onFrame(frame);
      }
    }
  };
  transport.closed.then(unreachable, unreachable);
  transport.ready
    .then(() => transport.createBidirectionalStream())
    .then((stream: WebTransportBidirectionalStream) => {
      if (isOver) return;
      writer = (stream.writable as WritableStream<Uint8Array>).getWriter();
      writer.closed.catch(unreachable);
      for (const bytes of waiting.splice(0)) write(bytes);
      void read(stream.readable as ReadableStream<Uint8Array>);
    }, unreachable);
  return carrier;
}
