// Votes that wallets sign and anybody recounts: what is signed, who signed it, which votes count, and which
// box keeps some back. docs/VOTES.md describes it; the box's half is appliance/core/src/votes.rs.
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, ensure, hex, unhex } from "./bytes";
import { keccak } from "./trie";
import { type Field, signerOf, typedDataOf, typedHash } from "./typed-data";

/** What a voter's weight is: CYBR delegated to him, or parcels that he owns. */
export type Measure = "cybr" | "land";

export interface Vote {
  /** `0x` and 64 digits: see {@link proposalOf}. */
  proposal: string;
  /** 0 to 255. */
  choice: number;
  /** Address of the wallet. */
  voter: string;
}

/** A vote as boxes pass it on. */
export interface SignedVote extends Vote {
  /** `0x` and 130 digits: r, s, v. */
  signature: string;
}

/** How many voted for a choice, with what weight. */
export interface Tally {
  votes: number;
  weight: bigint;
}

const MEASURES: Record<Measure, number> = { cybr: 1, land: 2 };

/**
 * The proposal with this text, decided by what voters hold at this block: measure, block, and the first
 * 23 bytes of the text's Keccak-256.
 */
export function proposalOf(text: string, measure: Measure, block: bigint): string {
  const head = unhex(`0x0${MEASURES[measure]}${block.toString(16).padStart(16, "0")}`);
  return hex(concat(head, keccak(new TextEncoder().encode(text)).subarray(0, 23)));
}

/** What a proposal says of itself; throws a `FormatError` if it is none. */
export function readProposal(proposal: string): { measure: Measure; block: bigint } {
  const bytes = unhex(proposal);
  ensure(bytes.length === 32, "a proposal has 32 bytes");
  const measure = bytes[0] === 1 ? "cybr" : "land";
  ensure(bytes[0] === MEASURES[measure], "the proposal names no measure");
  return { measure, block: BigInt(hex(bytes.subarray(1, 9))) };
}

const FIELDS: readonly Field[] = [
  ["proposal", "bytes32"],
  ["choice", "uint8"],
  ["block", "uint64"],
  ["voter", "address"],
];

/** What a wallet is given to sign, by `eth_signTypedData_v4`. */
export function typedData({ proposal, choice, voter }: Vote, chainId: number) {
  const block = readProposal(proposal).block.toString();
  return typedDataOf(chainId, "Vote", FIELDS, { proposal, choice, block, voter });
}

/** The hash that is signed (EIP-712). */
export function voteHash(vote: Vote, chainId: number): string {
  ensure(unhex(vote.voter).length === 20, "this is no wallet's address");
  ensure(Number.isInteger(vote.choice) && vote.choice >= 0 && vote.choice <= 255, "there is no such choice");
  return hex(typedHash(typedData(vote, chainId)));
}

/** Whether its voter signed a vote. */
export function isSigned(vote: SignedVote, chainId: number): boolean {
  const signer = signerOf(unhex(voteHash(vote, chainId)), unhex(vote.signature));
  return signer === vote.voter.toLowerCase();
}

/**
 * Counts votes by choice, each voter once: of several the one with the lowest hash. Votes that are not
 * signed, or on another proposal, are left out. `weigh` says what a voter held, for example by asking a
 * node of one's own for `getPastVotes` or `balanceOf`; who held nothing does not count.
 */
export async function recount(
  proposal: string,
  votes: SignedVote[],
  chainId: number,
  weigh: (voter: string) => Promise<bigint>,
): Promise<Map<number, Tally>> {
  const counted = new Map<string, { hash: string; choice: number }>();
  for (const vote of votes) {
    if (vote.proposal.toLowerCase() !== proposal.toLowerCase() || !isSigned(vote, chainId)) continue;
    const hash = voteHash(vote, chainId);
    const voter = vote.voter.toLowerCase();
    const known = counted.get(voter);
    if (known === undefined || hash < known.hash) counted.set(voter, { hash, choice: vote.choice });
  }
  const tallies = new Map<number, Tally>();
  for (const [voter, { choice }] of counted) {
    const weight = await weigh(voter);
    if (weight === 0n) continue;
    const tally = tallies.get(choice) ?? { votes: 0, weight: 0n };
    tallies.set(choice, { votes: tally.votes + 1, weight: tally.weight + weight });
  }
  return tallies;
}

/** SHA-256 over the sorted hashes: equal collections have equal digests. */
export function setDigest(hashes: string[]): string {
  return hex(sha256(concat(...[...new Set(hashes)].sort().map(unhex))));
}

/** The votes of a proposal that a box gives, with the digest that it says they have. */
export async function fetchVotes(base: string, proposal: string): Promise<{ digest: string; votes: SignedVote[] }> {
  const answer = await fetch(`${base}/v1/votes/${proposal}`);
  if (!answer.ok) throw new Error(`the box answered ${answer.status}`);
  const body = (await answer.json()) as { digest: string; votes: Omit<SignedVote, "proposal">[] };
  const votes = body.votes.map(({ choice, voter, signature }) => ({ proposal, choice, voter, signature }));
  return { digest: body.digest, votes };
}

/** Posts a vote to a box; throws with the box's words if it does not count. */
export async function postVote(base: string, vote: SignedVote): Promise<void> {
  const { proposal, choice, voter, signature } = vote;
  const answer = await fetch(`${base}/v1/votes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ proposal, choice, voter, signature }),
  });
  if (answer.ok) return;
  const { detail } = (await answer.json()) as { detail?: string };
  throw new Error(detail ?? `the box answered ${answer.status}`);
}

/**
 * What each of two collections keeps back: valid votes that the other has and that nothing in it takes the
 * place of. A box that still lacks them after they were posted to it drops votes.
 */
export function compare(
  first: SignedVote[],
  second: SignedVote[],
  chainId: number,
): { firstLacks: SignedVote[]; secondLacks: SignedVote[] } {
  const lacks = (votes: SignedVote[], other: SignedVote[]) => {
    const lowest = new Map<string, string>();
    for (const vote of votes) {
      const [voter, hash] = [vote.voter.toLowerCase(), voteHash(vote, chainId)];
      const known = lowest.get(voter);
      if (isSigned(vote, chainId) && (known === undefined || hash < known)) lowest.set(voter, hash);
    }
    return other.filter((vote) => {
      const known = lowest.get(vote.voter.toLowerCase());
      return isSigned(vote, chainId) && (known === undefined || voteHash(vote, chainId) < known);
    });
  };
  return { firstLacks: lacks(first, second), secondLacks: lacks(second, first) };
}
