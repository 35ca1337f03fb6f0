// Votes that wallets sign and anybody recounts: what is signed, who signed it, which votes count, and which
// box keeps some back. docs/VOTES.md describes it; the box's half is appliance/core/src/votes.rs.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { FormatError, ensure, hex, unhex } from "./bytes";
import { keccak } from "./trie";

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
const utf8 = (text: string) => new TextEncoder().encode(text);

function concat(...parts: Uint8Array[]): Uint8Array {
  return unhex(`0x${parts.map((part) => hex(part).slice(2)).join("")}`);
}

/** A number in 32 bytes. */
function word(value: bigint): Uint8Array {
  return unhex(`0x${value.toString(16).padStart(64, "0")}`);
}

/**
 * The proposal with this text, decided by what voters hold at this block: measure, block, and the first
 * 23 bytes of the text's Keccak-256.
 */
export function proposalOf(text: string, measure: Measure, block: bigint): string {
  const head = unhex(`0x0${MEASURES[measure]}${block.toString(16).padStart(16, "0")}`);
  return hex(concat(head, keccak(utf8(text)).subarray(0, 23)));
}

/** What a proposal says of itself; throws a `FormatError` if it is none. */
export function readProposal(proposal: string): { measure: Measure; block: bigint } {
  const bytes = unhex(proposal);
  ensure(bytes.length === 32, "a proposal has 32 bytes");
  const measure = bytes[0] === 1 ? "cybr" : "land";
  ensure(bytes[0] === MEASURES[measure], "the proposal names no measure");
  return { measure, block: BigInt(hex(bytes.subarray(1, 9))) };
}

/** What a wallet is given to sign, by `eth_signTypedData_v4`. */
export function typedData(vote: Vote, chainId: number) {
  const field = (name: string, type: string) => ({ name, type });
  return {
    domain: { name: "Cosmos relay", version: "1", chainId },
    primaryType: "Vote",
    types: {
      EIP712Domain: [field("name", "string"), field("version", "string"), field("chainId", "uint256")],
      Vote: [
        field("proposal", "bytes32"),
        field("choice", "uint8"),
        field("block", "uint64"),
        field("voter", "address"),
      ],
    },
    message: {
      proposal: vote.proposal,
      choice: vote.choice,
      block: readProposal(vote.proposal).block.toString(),
      voter: vote.voter,
    },
  };
}

/** The hash that is signed (EIP-712). */
export function voteHash(vote: Vote, chainId: number): string {
  const { block } = readProposal(vote.proposal);
  const voter = unhex(vote.voter);
  ensure(voter.length === 20, "this is no wallet's address");
  ensure(Number.isInteger(vote.choice) && vote.choice >= 0 && vote.choice <= 255, "there is no such choice");
  const domain = keccak(
    concat(
      keccak(utf8("EIP712Domain(string name,string version,uint256 chainId)")),
      keccak(utf8("Cosmos relay")),
      keccak(utf8("1")),
      word(BigInt(chainId)),
    ),
  );
  const message = keccak(
    concat(
      keccak(utf8("Vote(bytes32 proposal,uint8 choice,uint64 block,address voter)")),
      unhex(vote.proposal),
      word(BigInt(vote.choice)),
      word(block),
      word(BigInt(vote.voter)),
    ),
  );
  return hex(keccak(concat(Uint8Array.of(0x19, 0x01), domain, message)));
}

/** Whether its voter signed a vote. */
export function isSigned(vote: SignedVote, chainId: number): boolean {
  const signature = unhex(vote.signature);
  const recovery = (signature[64] ?? 0) - 27;
  if (signature.length !== 65 || recovery < 0 || recovery > 1) return false;
  try {
    const parsed = secp256k1.Signature.fromBytes(signature.subarray(0, 64), "compact");
    if (parsed.hasHighS()) return false;
    const key = parsed.addRecoveryBit(recovery).recoverPublicKey(unhex(voteHash(vote, chainId)));
    const address = keccak(key.toBytes(false).subarray(1)).subarray(12);
    return hex(address) === vote.voter.toLowerCase();
  } catch (error) {
    if (error instanceof FormatError) throw error;
    return false;
  }
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
