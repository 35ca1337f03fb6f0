// Taking little-endian fields off bytes that a box sent. Everything that is out of order throws.

/** Bytes that are not what they should be. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

const VERSION = 1;

export function ensure(condition: boolean, complaint: string): asserts condition {
  if (!condition) throw new FormatError(complaint);
}

export class Reader {
  private readonly view: DataView;
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Begins to read a format that starts with `mark`. */
  static open(bytes: Uint8Array, mark: string): Reader {
    const reader = new Reader(bytes);
    const found = String.fromCharCode(...reader.take(4));
    ensure(found === mark, `these bytes are no ${mark}`);
    const version = reader.u16();
    ensure(version === VERSION, `format version ${version} is not known here`);
    ensure(reader.u16() === 0, "the reserved field is not zero");
    return reader;
  }

  /** The next `count` bytes, not copied. */
  take(count: number): Uint8Array {
    ensure(count <= this.left, "the bytes end too early");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  private skip(count: number): number {
    this.take(count);
    return this.at - count;
  }

  u8(): number {
    return this.view.getUint8(this.skip(1));
  }

  u16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  i16(): number {
    return this.view.getInt16(this.skip(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  i32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  u64(): bigint {
    return this.view.getBigUint64(this.skip(8), true);
  }

  /** `0x` and lower-case digits of the next `count` bytes. */
  hex(count: number): string {
    return hex(this.take(count));
  }

  /** UTF-8 after its length in 16 bits. */
  text(limit: number): string {
    const length = this.u16();
    ensure(length <= limit, "a text is longer than its limit");
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(length));
    } catch {
      throw new FormatError("a text is not UTF-8");
    }
  }

  /** Bytes that were not taken yet. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  finish(): void {
    ensure(this.left === 0, "there are bytes too many at the end");
  }
}

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** `0x` and lower-case digits. */
export function hex(bytes: Uint8Array): string {
  let text = "0x";
  for (const byte of bytes) text += DIGITS[byte];
  return text;
}

/** The bytes of `0x` and digits. */
export function unhex(text: string): Uint8Array {
  ensure(/^0x([0-9a-f]{2})*$/i.test(text), "this is not hexadecimal");
  const bytes = new Uint8Array(text.length / 2 - 1);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i + 2, 2 * i + 4), 16);
  }
  return bytes;
}

/** Bytes one after the other. */
export function concat(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The bytes of base64, as an event stream carries them. */
export function unbase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
