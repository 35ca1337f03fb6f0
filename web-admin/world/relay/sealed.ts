// What clients seal for each other: HELLO, KEY, and what is sealed by a chain. Boxes see the outer
// fields alone. Section 6 of docs/PROTOCOL.md.
import { Reader, ensure } from "../bytes";
import { type ChainState, type ReceiveChain, type SendChain, readCount } from "./chain";
import { SigningKey, hkdfExpand, hkdfExtract, labelled, openOnce, sealOnce, verify } from "./crypto";
import { openFrom, sealTo } from "./hpke";
import type { RoomKeys } from "./room";
import { ascii, concat, u16, u32, u64, u8 } from "./writer";

/** The first byte of what is sealed. */
export const Sealed = { hello: 1, key: 2, pose: 3, group: 4, direct: 5, note: 6 } as const;

/** Bytes of a profile at the most. */
export const LONGEST_PROFILE = 512;
/** Bytes of a pose at the most, before it is sealed. */
export const LONGEST_POSE = 483;

/** What everybody in the room has. */
export interface RoomContext {
  room: Uint8Array;
  keys: RoomKeys;
}

/** A client's introduction. */
export interface Hello {
  client: Uint8Array;
  /** Number of the receive key; the highest counts. */
  number: number;
  /** The receive key, X25519. */
  key: Uint8Array;
  /** Please answer with yours. */
  answer: boolean;
  profile: Uint8Array;
}

function helloKey(keys: RoomKeys, random: Uint8Array): Uint8Array {
  return hkdfExpand(hkdfExtract(random, keys.hello), ascii("hello"));
}

/** The plaintext of a HELLO, which is good until the receive key is replaced. */
export function signHello(room: Uint8Array, client: SigningKey, hello: Omit<Hello, "client">): Uint8Array {
  ensure(hello.profile.length <= LONGEST_PROFILE, "the profile is too long");
  const { number, key, answer, profile } = hello;
  const body = concat(client.public, u32(number), key, u8(answer ? 1 : 0), u16(profile.length), profile);
  return concat(body, client.sign("hello", room, body));
}

/** Seals what {@link signHello} gave; `random` must be 16 fresh random bytes. */
export function sealHello({ room, keys }: RoomContext, signed: Uint8Array, random: Uint8Array): Uint8Array {
  return concat(u8(Sealed.hello), random, sealOnce(helloKey(keys, random), signed, room));
}

/** Throws a `FormatError` unless it is a HELLO of this room, signed by the key that it names. */
export function openHello({ room, keys }: RoomContext, sealed: Uint8Array): Hello {
  const random = sealed.subarray(1, 17);
  const plain = openOnce(helloKey(keys, random), sealed.subarray(17), room);
  const reader = new Reader(plain);
  const client = reader.take(32);
  const number = reader.u32();
  const key = reader.take(32);
  const flags = reader.u8();
  const length = reader.u16();
  ensure(length <= LONGEST_PROFILE, "a profile is too long");
  const profile = reader.take(length);
  const body = plain.subarray(0, plain.length - 64);
  const signature = reader.take(64);
  reader.finish();
  ensure(verify(client, signature, "hello", room, body), "a HELLO is not signed by its client");
  return { client, number, key, answer: (flags & 1) === 1, profile };
}

/** What a sender gives to one member. Numbers are those of `Delivery`. */
export interface Keys {
  epoch: number;
  pose: ChainState;
  group: ChainState;
  direct: ChainState;
  groupFloor: number;
  directFloor: number;
  held: number;
  groupNext: number;
  directNext: number;
}

/** Who wraps for whom. */
export interface Wrap {
  sender: Uint8Array;
  receiver: Uint8Array;
  receiveKey: Uint8Array;
}

const known = ({ room, keys }: RoomContext, { sender, receiver }: Wrap) => ({
  info: labelled("key", room, sender, receiver),
  psk: keys.psk,
  pskId: room,
});

const written = ({ index, key }: ChainState): Uint8Array => concat(u64(index), key);

/** KEY for the receive key with this number; `ephemeral` must be 32 fresh random bytes. */
export function sealKey(
  context: RoomContext,
  client: SigningKey,
  to: { client: Uint8Array; number: number; key: Uint8Array },
  ephemeral: Uint8Array,
  keys: Keys,
): Uint8Array {
  const wrap = { sender: client.public, receiver: to.client, receiveKey: to.key };
  const body = concat(
    u32(keys.epoch),
    written(keys.pose),
    written(keys.group),
    written(keys.direct),
    u64(keys.groupFloor),
    u64(keys.directFloor),
    u32(keys.held),
    u64(keys.groupNext),
    u64(keys.directNext),
  );
  const signature = client.sign("key", context.room, wrap.sender, wrap.receiver, wrap.receiveKey, body);
  const { enc, sealed } = sealTo(to.key, ephemeral, known(context, wrap), concat(body, signature));
  return concat(u8(Sealed.key), u32(to.number), enc, sealed);
}

/** The number of the receive key that a KEY is for. */
export function keyNumber(sealed: Uint8Array): number {
  return new Reader(sealed.subarray(1)).u32();
}

/** Throws a `FormatError` unless `sender` made it for `receiver`. */
export function openKey(
  context: RoomContext,
  wrap: Wrap,
  receiveSecret: Uint8Array,
  sealed: Uint8Array,
): Keys {
  const outer = new Reader(sealed.subarray(5));
  const enc = outer.take(32);
  const plain = openFrom(receiveSecret, enc, known(context, wrap), sealed.subarray(37));
  const reader = new Reader(plain);
  const chain = (): ChainState => ({ index: readCount(reader), key: reader.take(32) });
  const keys: Keys = {
    epoch: reader.u32(),
    pose: chain(),
    group: chain(),
    direct: chain(),
    groupFloor: readCount(reader),
    directFloor: readCount(reader),
    held: reader.u32(),
    groupNext: readCount(reader),
    directNext: readCount(reader),
  };
  const signature = reader.take(64);
  reader.finish();
  const body = plain.subarray(0, plain.length - 64);
  const fields = [context.room, wrap.sender, wrap.receiver, wrap.receiveKey, body];
  ensure(verify(wrap.sender, signature, "key", ...fields), "a KEY is not signed by its sender");
  ensure(keys.epoch >= 1, "epochs count from 1");
  return keys;
}

/** A kind that a chain seals. */
export type Chained = typeof Sealed.pose | typeof Sealed.group | typeof Sealed.direct;

/** Seals with the next key of a chain. */
export function sealChained(
  kind: Chained,
  epoch: number,
  chain: SendChain,
  sender: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  const { index, key } = chain.next();
  const header = concat(u8(kind), u32(epoch), u64(index));
  return concat(header, sealOnce(key, plain, concat(header, sender)));
}

/** The epoch in which something was sealed by a chain. */
export function epochOf(sealed: Uint8Array): number {
  return new Reader(sealed.subarray(1)).u32();
}

/** Opens what `sender` sealed by this chain; throws a `FormatError` if it was passed or is not his. */
export function openChained(chain: ReceiveChain, sender: Uint8Array, sealed: Uint8Array): Uint8Array {
  const index = readCount(new Reader(sealed.subarray(5)));
  const aad = concat(sealed.subarray(0, 13), sender);
  return chain.open(index, (key) => openOnce(key, sealed.subarray(13), aad));
}

