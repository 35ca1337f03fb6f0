// What clients written in Rust seal is opened here, and what is sealed here has the same bytes.
import { expect, test, vi } from "vitest";
import vectors from "../../../appliance/relay-proto/vectors/sealing.json";
import { hex, unhex } from "../bytes";
import { ReceiveChain, SendChain } from "./chain";
import { SigningKey, verify, x25519Public } from "./crypto";
import { roomKeys } from "./room";
import {
  type Chained,
  keyNumber,
  openChained,
  openHello,
  openKey,
  sealChained,
  sealHello,
  sealKey,
  signHello,
} from "./sealed";
import { concat, u64, u8 } from "./writer";

// Big numbers are slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

const bytes = (digits: string) => unhex(`0x${digits}`);
const context = { room: bytes(vectors.room_id), keys: roomKeys(bytes(vectors.room_secret)) };

test("chains seal and open alike", () => {
  for (const { kind, stride, epoch, chain_key, sender, cells } of vectors.chains) {
    const key = bytes(chain_key);
    const [sending, receiving] = [new SendChain(key, stride), new ReceiveChain({ index: 0, key }, stride)];
    const wanted = new Map(cells.map((cell) => [cell.index, cell]));
    for (let index = 0; index <= 130; index++) {
      const text = new TextEncoder().encode(`number ${index}`);
      const sealed = sealChained(kind as Chained, epoch, sending, bytes(sender), text);
      const cell = wanted.get(index);
      if (cell === undefined) continue;
      expect(hex(sealed)).toBe(`0x${cell.sealed}`);
      expect(openChained(receiving, bytes(sender), bytes(cell.sealed))).toEqual(bytes(cell.plaintext));
      expect(() => openChained(receiving, bytes(sender), bytes(cell.sealed))).toThrow();
    }
  }
});

test("a HELLO has the same bytes", () => {
  const { client_seed, random, number, receive, answer, profile, sealed } = vectors.hello;
  const client = new SigningKey(bytes(client_seed));
  const hello = { number, key: bytes(receive), answer, profile: bytes(profile) };
  const made = sealHello(context, signHello(context.room, client, hello), bytes(random));
  expect(hex(made)).toBe(`0x${sealed}`);
  expect(openHello(context, bytes(sealed))).toEqual({ client: client.public, ...hello });
});

test("a KEY is opened, and another like it", () => {
  const { key } = vectors;
  const [sender, receiver] = [new SigningKey(bytes(key.sender_seed)), new SigningKey(bytes(key.receiver_seed))];
  const secret = bytes(key.receive_secret);
  const receiveKey = x25519Public(secret);
  const wrap = { sender: sender.public, receiver: receiver.public, receiveKey };
  expect(keyNumber(bytes(key.sealed))).toBe(key.receive_number);
  const opened = openKey(context, wrap, secret, bytes(key.sealed));
  const state = ({ index, key }: { index: number; key: string }) => ({ index, key: bytes(key) });
  expect(opened).toEqual({
    epoch: key.epoch,
    pose: state(key.pose),
    group: state(key.group),
    direct: state(key.direct),
    groupFloor: key.group_floor,
    directFloor: key.direct_floor,
    held: key.held,
    groupNext: key.group_next,
    directNext: key.direct_next,
  });
  const to = { client: receiver.public, number: key.receive_number, key: receiveKey };
  const again = sealKey(context, sender, to, new Uint8Array(32).fill(1), opened);
  expect(again.length).toBe(bytes(key.sealed).length);
  expect(openKey(context, wrap, secret, again)).toEqual(opened);
  const other = { ...wrap, sender: receiver.public };
  expect(() => openKey(context, other, secret, again)).toThrow();
});

test("a message to the room has the same bytes", () => {
  const { sender_seed, number, payload, plaintext } = vectors.group;
  const sender = new SigningKey(bytes(sender_seed));
  const signature = sender.sign("group", context.room, u64(number), bytes(payload));
  expect(hex(concat(u8(1), u64(number), signature, bytes(payload)))).toBe(`0x${plaintext}`);
  expect(verify(sender.public, signature, "group", context.room, u64(number), bytes(payload))).toBe(true);
});
