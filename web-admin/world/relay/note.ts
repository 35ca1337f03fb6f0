// Notes for who comes later: sealed to the room's secret, signed by their writer, of four sizes. Section 6 of
// docs/PROTOCOL.md.
import { FormatError, Reader, ensure } from "../bytes";
import { readCount } from "./chain";
import { type SigningKey, TAG, hkdfExpand, hkdfExtract, openOnce, sealOnce, verify } from "./crypto";
import { NOTES } from "./record";
import type { RoomKeys } from "./room";
import { LONGEST_PROFILE, type RoomContext, Sealed } from "./sealed";
import { ascii, concat, u16, u64, u8 } from "./writer";

/** Bytes of a note's payload at the most. */
export const LONGEST_NOTE = 3_072;
/** Bytes before what is sealed. */
const HEADER = 17;

/** What somebody left. */
export interface Left {
  /** Client key of the writer. */
  client: Uint8Array;
  /** Unix seconds, as he says. */
  written: number;
  profile: Uint8Array;
  payload: Uint8Array;
}

function noteKey(keys: RoomKeys, random: Uint8Array): Uint8Array {
  return hkdfExpand(hkdfExtract(random, keys.note), ascii("note"));
}

/** `random` must be 16 fresh random bytes. Throws a `FormatError` if the payload is too long. */
export function sealNote(
  { room, keys }: RoomContext,
  client: SigningKey,
  { written, profile, payload }: Omit<Left, "client">,
  random: Uint8Array,
): Uint8Array {
  ensure(payload.length <= LONGEST_NOTE, "a note has at most 3,072 bytes");
  ensure(profile.length <= LONGEST_PROFILE, "the profile is too long");
  const body = concat(client.public, u64(written), u16(profile.length), profile, u16(payload.length), payload);
  const signed = concat(body, client.sign("note", room, body));
  const size = NOTES.find((size) => signed.length + HEADER + TAG <= size);
  if (size === undefined) throw new FormatError("a note is too long");
  const plain = new Uint8Array(size - HEADER - TAG);
  plain.set(signed);
  return concat(u8(Sealed.note), random, sealOnce(noteKey(keys, random), plain, room));
}

/** Throws a `FormatError` unless its writer left it in this room. The signature names the note. */
export function openNote({ room, keys }: RoomContext, sealed: Uint8Array): Left & { signature: Uint8Array } {
  ensure(sealed[0] === Sealed.note, "this is no note");
  const random = sealed.subarray(1, HEADER);
  const plain = openOnce(noteKey(keys, random), sealed.subarray(HEADER), room);
  const reader = new Reader(plain);
  const text = (most: number) => {
    const length = reader.u16();
    ensure(length <= most, "a note has an impossible length");
    return reader.take(length);
  };
  const client = reader.take(32);
  const written = readCount(reader);
  const [profile, payload] = [text(LONGEST_PROFILE), text(LONGEST_NOTE)];
  const body = plain.subarray(0, plain.length - reader.left);
  const signature = reader.take(64);
  const isPadded = reader.take(reader.left).every((byte) => byte === 0);
  ensure(isPadded && verify(client, signature, "note", room, body), "a note is not signed by its writer");
  return { client, written, profile, payload, signature };
}
