// Votes are what their voters signed, count once, and a box that keeps some back is found out.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { expect, test } from "vitest";
import { hex, unhex } from "./bytes";
import { keccak } from "./trie";
import {
  type SignedVote,
  compare,
  isSigned,
  proposalOf,
  readProposal,
  recount,
  setDigest,
  typedData,
  voteHash,
} from "./votes";

const CHAIN = 31_337;
const PROPOSAL = proposalOf("a fountain", "land", 9n);

function signed(number: number, choice: number, proposal = PROPOSAL): SignedVote {
  const secret = new Uint8Array(32).fill(number);
  const voter = hex(keccak(secp256k1.getPublicKey(secret, false).subarray(1)).subarray(12));
  const vote = { proposal, choice, voter };
  const made = secp256k1.sign(unhex(voteHash(vote, CHAIN)), secret, { prehash: false, format: "recovered" });
  return { ...vote, signature: hex(Uint8Array.from([...made.subarray(1), made[0]! + 27])) };
}

test("a proposal says what is measured and when", () => {
  expect(readProposal(PROPOSAL)).toEqual({ measure: "land", block: 9n });
  expect(readProposal(proposalOf("", "cybr", 2n ** 40n))).toEqual({ measure: "cybr", block: 2n ** 40n });
  expect(() => readProposal(`0x${"03".repeat(32)}`)).toThrow("measure");
});

test("the hash is the one that the box computes", () => {
  const vote = { proposal: proposalOf("a fountain", "cybr", 1_234n), choice: 3, voter: `0x${"07".repeat(20)}` };
  expect(voteHash(vote, CHAIN)).toBe(
    "0x4c457ba6f3d9b639406f6c80c743f939ca575d06a72e70e0ac3442cfc1f5f56b",
  );
  expect(typedData(vote, CHAIN).message.block).toBe("1234");
});

test("a vote holds as it was signed and not otherwise", () => {
  const vote = signed(1, 2);
  expect(isSigned(vote, CHAIN)).toBe(true);
  expect(isSigned({ ...vote, voter: vote.voter.toUpperCase().replace("0X", "0x") }, CHAIN)).toBe(true);
  const other = signed(2, 2);
  expect(isSigned(vote, 1)).toBe(false);
  expect(isSigned({ ...vote, choice: 3 }, CHAIN)).toBe(false);
  expect(isSigned({ ...vote, voter: other.voter }, CHAIN)).toBe(false);
  expect(isSigned({ ...vote, signature: other.signature }, CHAIN)).toBe(false);
  expect(isSigned({ ...vote, signature: "0x00" }, CHAIN)).toBe(false);
  expect(isSigned({ ...vote, signature: `0x${"00".repeat(65)}` }, CHAIN)).toBe(false);
});

test("the other spelling of a signature is refused", () => {
  const vote = signed(1, 2);
  const bytes = unhex(vote.signature);
  const s = BigInt(hex(bytes.subarray(32, 64)));
  const high = (secp256k1.Point.Fn.ORDER - s).toString(16).padStart(64, "0");
  const signature = `${vote.signature.slice(0, 66)}${high}${bytes[64] === 27 ? "1c" : "1b"}`;
  expect(isSigned({ ...vote, signature }, CHAIN)).toBe(false);
});

test("each voter counts once, by what he held, whatever the order", async () => {
  const twice = [signed(1, 0), signed(1, 1)];
  const all = [...twice, signed(2, 1), signed(3, 1), signed(4, 1, proposalOf("a well", "land", 9n))];
  const poor = signed(3, 1).voter;
  const weigh = async (voter: string) => (voter === poor ? 0n : 10n);
  const first = await recount(PROPOSAL, all, CHAIN, weigh);
  expect(await recount(PROPOSAL, all.reverse(), CHAIN, weigh)).toEqual(first);
  const total = [...first.values()].reduce((sum, { votes }) => sum + votes, 0);
  expect(total).toBe(2);
  const lowest = twice.sort((a, b) => (voteHash(a, CHAIN) < voteHash(b, CHAIN) ? -1 : 1))[0]!;
  expect(first.get(lowest.choice)!.weight).toBeGreaterThanOrEqual(10n);
});

test("a box that keeps votes back is found out", () => {
  const all = [signed(1, 0), signed(2, 1), signed(3, 1)];
  const some = [all[0]!, all[2]!];
  const hashes = (votes: SignedVote[]) => votes.map((vote) => voteHash(vote, CHAIN));
  expect(setDigest(hashes(all))).toBe(setDigest(hashes([...all].reverse())));
  expect(setDigest(hashes(some))).not.toBe(setDigest(hashes(all)));
  expect(compare(all, some, CHAIN)).toEqual({ firstLacks: [], secondLacks: [all[1]] });
  // Neither a forged vote nor one that another of the same voter takes the place of is missing.
  const forged = { ...signed(4, 1), choice: 2 };
  expect(compare(all, [...all, forged], CHAIN).firstLacks).toEqual([]);
  const pair = [signed(5, 0), signed(5, 1)].sort((a, b) => (voteHash(a, CHAIN) < voteHash(b, CHAIN) ? -1 : 1));
  expect(compare([pair[0]!], [pair[1]!], CHAIN)).toEqual({ firstLacks: [], secondLacks: [pair[0]] });
});
