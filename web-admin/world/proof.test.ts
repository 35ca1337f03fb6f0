// Proofs recorded from a real chain: they hold, and no changed byte of them does.
import { expect, test } from "vitest";
import { type Known, type ParcelProof, verifyParcel } from "./proof";
import recorded from "./proofs.json";
import { ProofError, decodeRlp, walk } from "./trie";

const known = (of: { x: number; y: number; proof: ParcelProof }): Known => ({
  x: of.x,
  y: of.y,
  land: of.proof.account,
  slot: 2n,
  blockHash: of.proof.block.hash,
});

const copy = (): { x: number; y: number; proof: ParcelProof } => structuredClone(recorded.minted);

test("a minted parcel's owner is proved", () => {
  const { owner, blockNumber, blockHash } = verifyParcel(recorded.minted.proof, known(recorded.minted));
  expect(owner).toBe(recorded.minted.proof.owner);
  expect(blockNumber).toBe(BigInt(recorded.minted.proof.block.number));
  expect(blockHash).toBe(recorded.minted.proof.block.hash);
});

test("that a parcel is not minted is proved", () => {
  const { owner } = verifyParcel(recorded.unminted.proof, known(recorded.unminted));
  expect(owner).toBeNull();
});

test("no lie passes", () => {
  const stranger = `0x${"12".repeat(20)}`;
  const lies: Record<string, (proof: ParcelProof) => void> = {
    owner: (proof) => (proof.owner = stranger),
    "no owner": (proof) => (proof.owner = null),
    value: (proof) => (proof.value = `0x${"12".repeat(20).padStart(64, "0")}`),
    "another block": (proof) => (proof.block.hash = `0x${"12".repeat(32)}`),
    "another height": (proof) => (proof.block.number += 1),
    "a node less": (proof) => proof.storageProof.pop(),
    "no nodes": (proof) => (proof.storageProof = []),
    "a node twice": (proof) => proof.storageProof.push(proof.storageProof[0]!),
    "an account's node less": (proof) => proof.accountProof.pop(),
    "another storage": (proof) => (proof.storageHash = proof.block.hash),
    "the proof of another parcel": (proof) => {
      proof.storageProof = recorded.unminted.proof.storageProof;
    },
  };
  for (const [name, lie] of Object.entries(lies)) {
    const told = copy();
    lie(told.proof);
    expect(() => verifyParcel(told.proof, { ...known(copy()) }), name).toThrow(ProofError);
  }
});

test("a true proof of something else proves nothing", () => {
  const { proof } = copy();
  const own = known(copy());
  const others: Known[] = [
    { ...own, x: own.x + 1 },
    { ...own, land: `0x${"12".repeat(20)}` },
    { ...own, slot: 3n },
    { ...own, blockHash: `0x${"12".repeat(32)}` },
  ];
  for (const other of others) expect(() => verifyParcel(proof, other)).toThrow(ProofError);
});

test("no changed digit passes", () => {
  const changed = (text: string, at: number) => {
    const digit = text[at] === "0" ? "1" : "0";
    return text.slice(0, at) + digit + text.slice(at + 1);
  };
  for (const field of ["accountProof", "storageProof"] as const) {
    for (let node = 0; node < recorded.minted.proof[field].length; node++) {
      for (let at = 2; at < recorded.minted.proof[field][node]!.length; at += 7) {
        const told = copy();
        told.proof[field][node] = changed(told.proof[field][node]!, at);
        expect(() => verifyParcel(told.proof, known(copy()))).toThrow(ProofError);
      }
    }
  }
});

test("RLP has one way to be written", () => {
  const refused = ["81", "8100", "8179", "b800", "b90000", "c1", "c281", "00ff", "bfffffffffffffffff", ""];
  for (const digits of refused) {
    const bytes = Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
    expect(() => decodeRlp(bytes), digits).toThrow(ProofError);
  }
  expect(decodeRlp(Uint8Array.of(0xc2, 0x80, 5))).toEqual([new Uint8Array(), Uint8Array.of(5)]);
});

test("nested RLP does not exhaust the stack", () => {
  const nested = new Uint8Array(50).map((_, i) => 0xc0 + 49 - i);
  expect(() => decodeRlp(nested)).toThrow("nested too deep");
  expect(() => walk(new Uint8Array(32), Uint8Array.of(1), [])).toThrow(ProofError);
});
