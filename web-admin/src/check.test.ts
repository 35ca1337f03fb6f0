// What may be typed, and what a new quota will do.
import { describe, expect, it } from "vitest";
import {
  claimCode,
  consequence,
  grouped,
  mostOf,
  quotaOf,
  waitText,
  wrongAddress,
  wrongCode,
  wrongMagnet,
  wrongPassword,
  wrongRepeat,
} from "./check";
import { HASH, WALLET, volume } from "./testing";

describe("claim code", () => {
  it("is read as the box reads it", () => {
    expect(claimCode(" 7q2m-k9xd 4twb-ohzi ")).toBe("7Q2MK9XD4TWB0HZ1");
    expect(grouped("7Q2MK9XD4TWB0HZ1")).toBe("7Q2M-K9XD-4TWB-0HZ1");
    expect(grouped("")).toBe("");
  });

  it.each([
    ["", "Type the code"],
    ["7Q2M", "this has 4"],
    ["7Q2M-K9XD-4TWB-0HZU", "no “U”"],
    ["7Q2M-K9XD-4TWB-0HZ!", "no “!”"],
  ])("%s is wrong", (typed, words) => expect(wrongCode(typed)).toContain(words));

  it("is right in any writing", () => expect(wrongCode("7q2mk9xd4twb ohz1")).toBeUndefined());
});

describe("password", () => {
  it("has a length", () => {
    expect(wrongPassword("")).toBe("Choose a password.");
    expect(wrongPassword("1234567")).toContain("at least 8");
    expect(wrongPassword("12345678")).toBeUndefined();
    expect(wrongPassword("ü".repeat(513))).toContain("too long");
  });

  it("is typed twice alike", () => {
    expect(wrongRepeat("12345678", "")).toContain("second time");
    expect(wrongRepeat("12345678", "12345679")).toContain("differ");
    expect(wrongRepeat("12345678", "12345678")).toBeUndefined();
  });
});

describe("wallet address", () => {
  it.each([
    ["", "Paste"],
    ["lighthouse.eth", "behind it"],
    [WALLET.slice(2), "starts with 0x"],
    [WALLET.slice(0, -1), "this has 39"],
    [`${WALLET.slice(0, -1)}g`, "a–f"],
  ])("%s is wrong", (typed, words) => expect(wrongAddress(typed)).toContain(words));

  it("may have spaces around it", () => expect(wrongAddress(` ${WALLET}\n`)).toBeUndefined());
});

describe("magnet link", () => {
  it.each([
    ["", "Paste"],
    ["https://example.org/file.torrent", "starts with magnet"],
    ["magnet:?dn=Lighthouse", "names no torrent"],
    [`magnet:?xt=urn:btih:${HASH}00`, "names no torrent"],
  ])("%s is wrong", (typed, words) => expect(wrongMagnet(typed)).toContain(words));

  it("names a torrent in hexadecimal or base32", () => {
    expect(wrongMagnet(`magnet:?xt=urn:btih:${HASH}&dn=Lighthouse`)).toBeUndefined();
    expect(wrongMagnet(`magnet:?dn=a&xt=urn:btih:${"A2".repeat(16)}`)).toBeUndefined();
  });
});

describe("quota", () => {
  it.each([
    ["50", 50e9],
    [" 12.5 ", 12.5e9],
    ["12,5", 12.5e9],
    [".5", 5e8],
    ["", null],
    ["-1", null],
    ["fifty", null],
    ["1e3", null],
    ["99999999999999", null],
  ])("%j is %j bytes", (typed, quota) => expect(quotaOf(typed)).toBe(quota));

  it("ends where the disk's reserve begins", () => {
    expect(mostOf(volume())).toBe(125e9);
    expect(mostOf(volume({ disk_free: 1e9 }))).toBe(50e9);
    expect(mostOf(volume({ disk_free: null }))).toBe(50e9);
  });

  it.each([
    [null, false, "Type a number"],
    [9e9, false, "Your own models take 10 GB"],
    [126e9, false, "room for about 125 GB"],
    [25e9, true, "5 GB of community data will be deleted"],
    [30e9, true, "Nothing is deleted. 0 bytes"],
    [50e9, true, "how it is now"],
    [80e9, true, "50 GB will be free"],
  ])("%j: possible %j", (quota, possible, words) => {
    const effect = consequence(volume(), quota);
    expect(effect.possible).toBe(possible);
    expect(effect.text).toContain(words);
  });
});

it("says how long to wait", () => {
  expect(waitText(1)).toContain("1 second,");
  expect(waitText(119)).toContain("119 seconds");
  expect(waitText(121)).toContain("3 minutes");
});
