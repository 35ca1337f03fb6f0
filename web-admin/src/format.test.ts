// The words and numbers that the owner reads.
import { describe, expect, it } from "vitest";
import { ago, bytes, duration, gigabytes, percent, plural, rate, shortAddress } from "./format";

describe("bytes", () => {
  it.each([
    [0, "0 bytes"],
    [1, "1 byte"],
    [999, "999 bytes"],
    [1000, "1 kB"],
    [1_234_567, "1.23 MB"],
    [12_345_678, "12.3 MB"],
    [50_000_000_000, "50 GB"],
    [999_999_999, "999 MB"],
    [1_500_000_000_000, "1.5 TB"],
    [-5, "0 bytes"],
  ])("%d is %s", (count, text) => expect(bytes(count)).toBe(text));

  it("has a rate", () => expect(rate(2_500_000)).toBe("2.5 MB/s"));
  it("fits a number field", () => expect(gigabytes(12_345_678_901)).toBe(12.35));
});

describe("duration", () => {
  it.each([
    [0, "0 seconds"],
    [1, "1 second"],
    [89, "89 seconds"],
    [90, "1 minute"],
    [5_399, "89 minutes"],
    [7_200, "2 hours"],
    [129_600, "1 day"],
    [864_000, "10 days"],
  ])("%d s is %s", (seconds, text) => expect(duration(seconds)).toBe(text));

  it("tells how long ago", () => {
    expect(ago(100, 105)).toBe("just now");
    expect(ago(100, 95)).toBe("just now");
    expect(ago(0, 600)).toBe("10 minutes ago");
  });
});

describe("percent", () => {
  it("says 100 only when nothing is missing", () => {
    expect(percent(999_999, 1_000_000)).toBe(99);
    expect(percent(5, 5)).toBe(100);
    expect(percent(0, 0)).toBe(0);
    expect(percent(7, 5)).toBe(100);
  });
});

it("counts in words", () => {
  expect(plural(1, "parcel")).toBe("1 parcel");
  expect(plural(81_009, "parcel")).toBe("81,009 parcels");
});

it("shortens an address", () => {
  expect(shortAddress("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")).toBe("0x5aAe…eAed");
  expect(shortAddress("short")).toBe("short");
});
