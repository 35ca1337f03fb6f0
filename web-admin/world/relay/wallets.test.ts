// Rooms that the chain guards, and members who show for which wallet they speak.
import { expect, test, vi } from "vitest";
import { Reader, hex, unhex } from "../bytes";
import { Code } from "./code";
import { SigningKey } from "./crypto";
import { memberOf, writeProfile } from "./profile";
import { Policy } from "./room";
import type { Rule } from "./rule";
import { Person, place, settle, walletOf } from "./simulated-people";
import { delegate, isDelegated, readDelegation, writeDelegation } from "./wallet";
import { concat, u16, u8 } from "./writer";

// Big numbers are slow where many tests run at once.
vi.setConfig({ testTimeout: 60_000 });

const CHAIN = 31_337;
const RULE: Rule = { kind: "cybr", chain: CHAIN, amount: 100n };
const ruled = { policy: Policy.ENTITLEMENT, rule: RULE };

test("who has what the rule asks for enters, and the others see his wallet", async () => {
  const { network, e1, e2, invitation } = place(ruled);
  const [anna, bert] = [walletOf(1), walletOf(2)];
  const a = new Person(network, 10, [e1, e2], { invitation, wallet: anna });
  const b = new Person(network, 11, [e2, e1], { invitation, wallet: bert });
  expect(a.presence).toBe(null);
  await settle();
  network.until(() => a.members.size === 1 && b.members.size === 1, 5_000);
  expect(a.members.get(b.room.id)).toEqual({ name: "person 11", wallet: bert.address });
  expect(b.members.get(a.room.id)).toEqual({ name: "person 10", wallet: anna.address });
  expect(anna.asked).toMatchObject([{ primaryType: "Delegation", domain: { chainId: CHAIN } }]);
  // Another way needs no further signature.
  e1.die();
  network.until(() => a.presence?.state === "seeking", 5_000);
  network.until(() => a.presence?.state === "here", 10_000);
  expect(anna.asked).toHaveLength(1);
});

test("the person is told why he may not enter", async () => {
  const { network, e1, e2, r1, r2, invitation } = place(ruled);
  const wallet = walletOf(1);
  const a = new Person(network, 10, [e1, e2], { invitation, wallet });
  const answers: Code[] = [Code.ENTITLEMENT, Code.SIGNATURE, Code.ROLE, Code.BUSY];
  for (const { host } of [r1, r2]) host.chain.allows = () => answers[0] ?? null;
  await settle();
  for (const reason of ["ENTITLEMENT", "SIGNATURE", "ROLE", "BUSY"]) {
    network.until(() => a.reasons.at(-1) === reason, 20_000);
    answers.shift();
  }
  network.until(() => a.presence?.state === "here", 20_000);
});

test("the chain has six seconds to answer, and no more", async () => {
  const { network, e1, e2, r1, invitation } = place(ruled);
  r1.host.chain.takes = 5_000;
  const a = new Person(network, 10, [e1, e2], { invitation, wallet: walletOf(1) });
  await settle();
  network.run(5_500);
  expect(a.isAt(0)).toBe(true);
  r1.host.chain.takes = 7_000;
  const b = new Person(network, 11, [e1, e2], { invitation, wallet: walletOf(2) });
  await settle();
  network.run(6_500);
  expect([b.isAt(1), b.reasons]).toEqual([true, ["TIMEOUT"]]);
});

test("a room with a rule is not entered without a wallet that signs", async () => {
  const { network, e1, invitation } = place(ruled);
  expect(() => new Person(network, 10, [e1], { invitation })).toThrow("enter it with a wallet");
  const open = { ...invitation, policy: 0, rule: null };
  expect(() => new Person(network, 10, [e1], { invitation: open, wallet: walletOf(1) })).toThrow("say which");
  const refuses = { address: walletOf(1).address, sign: () => Promise.reject(new Error("no, thanks")) };
  const other = { ...walletOf(2), address: walletOf(1).address };
  const over = walletOf(1, 999);
  for (const [wallet, words] of [[refuses, "no, thanks"], [other, "not by the wallet"], [over, "over before"]] as const) {
    const a = new Person(network, 10, [e1], { invitation, wallet });
    await settle();
    network.run(1_000);
    const error = a.presence?.state === "refused" ? a.presence.error : null;
    expect(String(error)).toContain(words);
  }
});

test("a wallet is shown as long as its word holds, in rooms without a rule too", async () => {
  const { network, e1, e2, invitation } = place();
  const until = network.now / 1_000 + 20;
  const anna = walletOf(1, until);
  const a = new Person(network, 10, [e1, e2], { invitation, wallet: anna, chain: CHAIN });
  const b = new Person(network, 11, [e2, e1], { invitation, chain: CHAIN });
  const elsewhere = new Person(network, 12, [e2, e1], { invitation, chain: CHAIN + 1 });
  await settle();
  network.until(() => b.members.size === 2 && elsewhere.members.size === 2, 5_000);
  expect(b.members.get(a.room.id)?.wallet).toBe(anna.address);
  expect(elsewhere.members.get(a.room.id)).toEqual({ name: "person 10", wallet: null });
  network.until(() => b.members.get(a.room.id)?.wallet === null, 20_000);
  expect(network.now / 1_000).toBeGreaterThanOrEqual(until);
  expect(b.members.size).toBe(2);
});

test("a delegation is for one client key, one room, one time and one chain", async () => {
  const client = new SigningKey(new Uint8Array(32).fill(6)).public;
  const room = new Uint8Array(16).fill(5);
  const to = { chain: CHAIN, client, room };
  const wallet = walletOf(1, 2_000);
  const made = await delegate(wallet, to, 1_000);
  expect(isDelegated(made, to)).toBe(true);
  const others = [{ ...to, chain: 1 }, { ...to, client: room }, { ...to, room: client.subarray(0, 16) }];
  for (const other of others) expect(isDelegated(made, other)).toBe(false);
  expect(isDelegated({ ...made, expires: 2_001n }, to)).toBe(false);
  expect(isDelegated({ ...made, wallet: walletOf(2).address }, to)).toBe(false);
  const written = writeDelegation(made);
  expect(written).toHaveLength(93);
  expect(readDelegation(new Reader(written))).toEqual(made);

  // Wallets that count from 0 and write addresses in mixed case.
  const ledger = {
    address: wallet.address.toUpperCase().replace("0X", "0x"),
    until: 2_000,
    async sign(data: Parameters<typeof wallet.sign>[0]) {
      const signature = unhex(await wallet.sign(data));
      signature[64]! -= 27;
      return hex(signature);
    },
  };
  expect(await delegate(ledger, to, 1_000)).toEqual(made);

  const profile = writeProfile("Bob", made);
  const known = { name: "Bob", wallet: wallet.address };
  expect(memberOf(profile, to, 1_999)).toEqual({ member: known, until: 2_000 });
  expect(memberOf(profile, to, 2_000).member).toEqual({ name: "Bob", wallet: null });
  expect(memberOf(profile, { ...to, chain: null }, 1_999).member).toEqual({ name: "Bob", wallet: null });
  expect(memberOf(profile, { ...to, client: room }, 1_999).member.wallet).toBe(null);
});

test("what is signed is what another implementation of EIP-712 signs", async () => {
  const to = { chain: CHAIN, client: new Uint8Array(32).fill(3), room: new Uint8Array(16).fill(4) };
  // By ethers 6, with the key of 32 ones.
  const signature =
    "0xe41757d74905f016768c545fbb7c57684df83ebe4915750c877398c4560476c7" +
    "24e441b6d67f0c7276e489df58801535a0b3c8f43277ae0a1601165a90ff371f1b";
  const wallet = "0x1a642f0e3c3af545e7acbd38b07251b3990914f1";
  expect(isDelegated({ wallet, expires: 5n, signature: unhex(signature) }, to)).toBe(true);
  const delegation = await delegate(walletOf(1, 5), to, 1);
  expect([delegation.wallet, hex(delegation.signature)]).toEqual([wallet, signature]);
});

test("profiles are read as far as they are well formed, and what is not known is skipped", () => {
  const to = { chain: CHAIN, client: new Uint8Array(32), room: new Uint8Array(16) };
  const bob = writeProfile("Bob", null);
  expect(hex(bob)).toBe("0x010300426f62");
  expect(writeProfile("", null)).toHaveLength(0);
  expect(() => writeProfile("a".repeat(65), null)).toThrow("64");
  const unknown = concat(u8(9), u16(2), u16(7));
  const nameOf = (profile: Uint8Array) => memberOf(profile, to, 0).member.name;
  expect(nameOf(concat(unknown, bob))).toBe("Bob");
  expect(nameOf(concat(bob, unknown.subarray(0, 4)))).toBe("Bob");
  expect(nameOf(concat(u8(2), u16(3), bob))).toBe("");
  expect(nameOf(concat(u8(1), u16(2), Uint8Array.of(0xc3, 0x28)))).toBe("");
  expect(nameOf(new Uint8Array(512).fill(1))).toBe("");
});
