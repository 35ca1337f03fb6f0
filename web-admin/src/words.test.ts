// States in plain words: above all, nothing is called safe that is not.
import { describe, expect, it } from "vitest";
import type { Refusal } from "./api";
import { sentence } from "./format";
import { HASH, torrent } from "./testing";
import { keepWords, safety, torrentName, torrentWords } from "./words";

const refusal: Refusal = {
  info_hash: HASH,
  name: "",
  at: 1,
  protected: true,
  code: "quota-full",
  detail: "it needs 31000000000 bytes, 6340000000 are free",
};

describe("safety", () => {
  it.each([
    [torrent(), undefined, "well", "Safe here"],
    [torrent({ state: "paused" }), undefined, "well", "Safe here"],
    [torrent({ state: "downloading", have: 9e8 }), undefined, "starting", "45% of 2 GB"],
    [torrent({ state: "downloading", have: 2e9 }), undefined, "starting", "100%"],
    [torrent({ state: "resolving", size: 0, have: 0 }), undefined, "starting", "looking for it"],
    [torrent({ state: "repairing" }), undefined, "attention", "Damaged"],
    [torrent({ state: "failed", error: "disk full" }), undefined, "failing", "Disk full."],
    [torrent({ state: "failed" }), refusal, "failing", "It needs 31 GB, 6.34 GB are free."],
    [undefined, refusal, "failing", "Not secured"],
    [undefined, undefined, "starting", "Waiting"],
  ])("%#", (held, refused, tone, words) => {
    const said = safety(held, refused);
    expect(said.tone).toBe(tone);
    expect(said.text).toContain(words);
  });

  it("forgets an old refusal once the model is here", () => {
    expect(safety(torrent(), refusal).tone).toBe("well");
  });
});

it("says how a download goes on", () => {
  const half = torrent({ state: "downloading", have: 1e9, peers: 2 });
  expect(torrentWords(half).text).toBe("Fetching");
  expect(torrentWords({ ...half, download_rate: 1e6 }).text).toContain("about 16 minutes left");
  expect(torrentWords({ ...half, peers: 0 }).text).toContain("nobody who has it");
});

it("names what has no name by its hash", () => {
  expect(torrentName({ name: "  ", info_hash: HASH })).toBe("Unnamed (01234567…)");
});

it("tells yours from the community's", () => {
  expect(keepWords(torrent({ keep: "accepted" })).yours).toBe(true);
  expect(keepWords(torrent({ keep: "community" })).yours).toBe(false);
});

it("writes reasons as sentences", () => {
  expect(sentence("no peer gave its metadata within 60 s; the box tries again")).toBe(
    "No peer gave its metadata within 60 s; the box tries again.",
  );
  expect(sentence("the model claims 5000000000 bytes. Raise the limit")).toBe(
    "The model claims 5 GB. Raise the limit.",
  );
  expect(sentence("")).toBe("");
});
