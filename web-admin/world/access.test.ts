// Passes recorded from a real chain: the proofs hold, and no changed byte of them does.
import { expect, test } from "vitest";
import { type AccessAnswer, type KnownPass, modelSubject, parcelSubject, verifyPass } from "./access";
import recorded from "./passes.json";
import { ProofError } from "./trie";

type Recorded = (typeof recorded)["pass"];

const answer = (of: Recorded | (typeof recorded)["before"]): AccessAnswer => ({
  ...structuredClone(of),
  how: "proved",
  trust: "rpc",
});

const known = (of: Recorded | (typeof recorded)["before"]): KnownPass => ({
  subject: BigInt(of.subject),
  wallet: of.wallet,
  pass: of.proof.account,
  blockHash: of.block.hash,
});

test("a pass is proved with its end", () => {
  const { pass } = recorded;
  const proved = verifyPass(answer(pass), known(pass));
  expect(proved.allowed).toBe(true);
  expect(proved.expiry).toBe(BigInt(pass.expiry));
  expect(proved.timestamp).toBe(BigInt(pass.block.timestamp));
  expect(proved.blockHash).toBe(pass.block.hash);
  expect(known(pass).subject).toBe(modelSubject(1n));
});

test("that there is no pass is proved", () => {
  const proved = verifyPass(answer(recorded.before), known(recorded.before));
  expect(proved).toMatchObject({ allowed: false, expiry: null });
});

test("a parcel is no model", () => {
  expect(parcelSubject(0, 0)).toBe((1n << 255n) | 0x80008000n);
  expect(() => modelSubject(1n << 255n)).toThrow(ProofError);
});

test("no lie passes", () => {
  const none = recorded.before;
  const lies: Record<string, (told: AccessAnswer) => void> = {
    "a no": (told) => (told.allowed = false),
    "told only": (told) => (told.how = "told"),
    "no proof": (told) => (told.proof = null),
    "another word": (told) => (told.proof!.value = `0x${"ff".padStart(64, "0")}`),
    "a later word": (told) => (told.proof!.value = `0x${"ffffffffff".padStart(64, "0")}`),
    "another block": (told) => (told.block.hash = none.block.hash),
    "another height": (told) => (told.block.number += 1),
    "another time": (told) => (told.block.timestamp -= 1),
    "another header": (told) => (told.proof!.headerRlp = none.proof.headerRlp),
    "a node less": (told) => told.proof!.storageProof.pop(),
    "no nodes": (told) => (told.proof!.storageProof = []),
    "an account's node less": (told) => told.proof!.accountProof.pop(),
    "another storage": (told) => (told.proof!.storageHash = none.proof.storageHash),
  };
  for (const [name, lie] of Object.entries(lies)) {
    const told = answer(recorded.pass);
    lie(told);
    expect(() => verifyPass(told, known(recorded.pass)), name).toThrow(ProofError);
  }
  const granted = answer(recorded.before);
  granted.allowed = true;
  expect(() => verifyPass(granted, known(recorded.before))).toThrow(ProofError);
});

test("a true proof of something else proves nothing", () => {
  const own = known(recorded.pass);
  const others: KnownPass[] = [
    { ...own, subject: own.subject + 1n },
    { ...own, subject: own.subject | (1n << 255n) },
    { ...own, wallet: `0x${"12".repeat(20)}` },
    { ...own, pass: `0x${"12".repeat(20)}` },
    { ...own, blockHash: recorded.before.block.hash },
  ];
  for (const other of others) {
    expect(() => verifyPass(answer(recorded.pass), other)).toThrow(ProofError);
  }
});

test("no changed digit passes", () => {
  for (const field of ["accountProof", "storageProof"] as const) {
    recorded.pass.proof[field].forEach((node, index) => {
      for (let at = 2; at < node.length; at += 7) {
        const told = answer(recorded.pass);
        const digit = node[at] === "0" ? "1" : "0";
        told.proof![field][index] = node.slice(0, at) + digit + node.slice(at + 1);
        expect(() => verifyPass(told, known(recorded.pass))).toThrow(ProofError);
      }
    });
  }
});
