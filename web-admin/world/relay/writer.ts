// Puts little-endian fields one after the other: the other half of the reader in `../bytes`.

export { concat } from "../bytes";

function number(size: number, put: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  put(new DataView(bytes.buffer));
  return bytes;
}

export const u8 = (value: number): Uint8Array => Uint8Array.of(value);
export const u16 = (value: number): Uint8Array => number(2, (view) => view.setUint16(0, value, true));
export const i16 = (value: number): Uint8Array => number(2, (view) => view.setInt16(0, value, true));
export const u32 = (value: number): Uint8Array => number(4, (view) => view.setUint32(0, value, true));
/** Counters fit into a number; what comes from outside may be larger. */
export const u64 = (value: number | bigint): Uint8Array =>
  number(8, (view) => view.setBigUint64(0, BigInt(value), true));

export const ascii = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Whether two are the same; takes no care of timing, so not for secrets. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
