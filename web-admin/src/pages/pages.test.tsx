// The forms in a DOM, against a stand-in for the box: what is shown, what is sent, and what is not.
import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/preact";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Alert } from "../api";
import { App } from "../app";
import { UpdateCard, tonight } from "../components/update";
import { VolumeCard } from "../components/volume";
import type { LiveState } from "../live";
import { WALLET, live, network, problem, torrent, update, volume } from "../testing";
import { ClaimPage } from "./claim";
import { HomePage } from "./home";
import { SignInPage } from "./sign-in";
import { SystemPage } from "./system";
import { TorrentsPage } from "./torrents";
import { WalletsPage } from "./wallets";

const CODE = "7Q2M-K9XD-4TWB-0HZ1";
/** A second and a little: a countdown starts after the paint. */
const SECOND = 1_100;
const heard = (last = live()): LiveState => ({ connection: "live", last, receivedAt: 0 });
const type = (label: string, value: string) =>
  fireEvent.input(screen.getByLabelText(label), { target: { value } });
const press = (name: string | RegExp) => fireEvent.click(screen.getByRole("button", { name }));

beforeAll(() => {
  globalThis.scrollTo = () => {};
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("claim", () => {
  const fill = () => {
    type("Claim code", CODE.toLowerCase());
    type("New password", "correct horse");
    type("New password again", "correct horse");
  };

  it("names every mistake, focuses the first, sends nothing", async () => {
    const log = network(() => [500]);
    render(<ClaimPage onSignedIn={() => {}} onClaimedBefore={() => {}} />);
    type("New password", "short");
    press("Make it mine");
    const code = await screen.findByText("Type the code that the box shows.");
    expect(code).toBeTruthy();
    expect(screen.getByText("Use at least 8 characters.")).toBeTruthy();
    expect(screen.getByText("Type the password a second time.")).toBeTruthy();
    await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText("Claim code")));
    expect(log).toEqual([]);
  });

  it("sends the code as the box reads it", async () => {
    const log = network(() => [201, { authenticated_at: 1, expires_at: 2 }]);
    const signedIn = vi.fn();
    render(<ClaimPage onSignedIn={signedIn} onClaimedBefore={() => {}} />);
    fill();
    press("Make it mine");
    await waitFor(() => expect(signedIn).toHaveBeenCalledTimes(1));
    expect(log).toEqual([
      {
        method: "POST",
        path: "/api/v1/claim",
        body: { code: CODE.replaceAll("-", ""), password: "correct horse" },
      },
    ]);
  });

  it("counts down after too many tries, then lets the owner try again", async () => {
    vi.useFakeTimers();
    const log = network(() => [429, problem("too-many-requests", "Too many.", { retry_after: 3 })]);
    render(<ClaimPage onSignedIn={() => {}} onClaimedBefore={() => {}} />);
    fill();
    press("Make it mine");
    await vi.advanceTimersByTimeAsync(0);
    expect(screen.getByRole("alert").textContent).toContain("Wait 3 seconds");
    const button = screen.getByRole("button", { name: "Wait 3 s" });
    expect(button.getAttribute("aria-disabled")).toBe("true");
    fireEvent.submit(screen.getByRole("form", { name: "Claim this box" }));
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(log).toHaveLength(1);
    expect(button.textContent).toBe("Wait 2 s");
    await vi.advanceTimersByTimeAsync(SECOND);
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(screen.queryByRole("alert")).toBeNull();
    press("Make it mine");
    await vi.advanceTimersByTimeAsync(0);
    expect(log).toHaveLength(2);
  });

  it("notices that somebody was faster", async () => {
    network(() => [409, problem("already-claimed", "The box already has an owner.")]);
    const late = vi.fn();
    render(<ClaimPage onSignedIn={() => {}} onClaimedBefore={late} />);
    fill();
    press("Make it mine");
    await waitFor(() => expect(late).toHaveBeenCalledTimes(1));
  });
});

describe("sign in", () => {
  it("shows the box's words for a wrong password", async () => {
    network(() => [403, problem("wrong-password", "This is not the password.")]);
    const signedIn = vi.fn();
    render(<SignInPage onSignedIn={signedIn} onNewPassword={() => {}} />);
    type("Password", "guess");
    press("Sign in");
    expect((await screen.findByRole("alert")).textContent).toBe("This is not the password.");
    expect(signedIn).not.toHaveBeenCalled();
  });

  it("says when the box does not answer", async () => {
    network(() => null);
    render(<SignInPage onSignedIn={() => {}} onNewPassword={() => {}} />);
    type("Password", "correct horse");
    press("Sign in");
    expect((await screen.findByRole("alert")).textContent).toContain("does not answer");
  });

  it("asks whether a new code is awaited before it lets anybody type one", async () => {
    let claimable = false;
    network(() => [200, { claimed: true, claimable }]);
    const forgetful = vi.fn();
    render(<SignInPage onSignedIn={() => {}} onNewPassword={forgetful} />);
    press("I have a new code");
    await screen.findByText(/^The box waits for no code now/);
    expect(forgetful).not.toHaveBeenCalled();
    claimable = true;
    press("I have a new code");
    await waitFor(() => expect(forgetful).toHaveBeenCalledTimes(1));
  });

  it("can show the password", () => {
    render(<SignInPage onSignedIn={() => {}} onNewPassword={() => {}} />);
    const input = screen.getByLabelText("Password") as HTMLInputElement;
    expect(input.type).toBe("password");
    press("Show password");
    expect(input.type).toBe("text");
    expect(screen.getByRole("button", { name: "Hide password" })).toBeTruthy();
  });
});

describe("app", () => {
  it.each([
    [false, 403, "Welcome. Make this box yours."],
    [true, 401, "Sign in"],
  ])("claimed %j: session %i", async (claimed, status, title) => {
    const kind = status === 401 ? "unauthenticated" : "unclaimed";
    network(({ path }) =>
      path.endsWith("/claim") ? [200, { claimed }] : [status, problem(kind, "No.")],
    );
    render(<App />);
    expect(await screen.findByRole("heading", { level: 1, name: title })).toBeTruthy();
  });

  it("offers another try when the box is away", async () => {
    let there = false;
    network(() => (there ? [200, { claimed: false }] : null));
    render(<App />);
    await screen.findByRole("alert");
    there = true;
    press("Try again");
    expect(await screen.findByLabelText("Claim code")).toBeTruthy();
  });
});

describe("home", () => {
  it("never calls a lost box healthy", () => {
    network(() => [200, { refusals: [] }]);
    render(<HomePage live={{ ...heard(), connection: "lost" }} now={10_120} />);
    const health = screen.getByRole("region", { name: "Health" });
    expect(within(health).getByRole("heading").textContent).toBe("The box does not answer.");
    expect(health.textContent).toContain("2 minutes ago");
    expect(health.textContent).not.toContain("All is well");
  });

  it("says who vouches for the chain, and how old the checkpoint is", () => {
    const live = heard();
    const { chain } = live.last!.status;
    const block = { number: 3, hash: "", timestamp: 1, slot: 4, agree: null };
    chain.proved = block;
    chain.trust = {
      level: "finalized",
      health: "well",
      sentence: "Block 3 is final.",
      block,
      checkpoint: { root: "ab", age: 15 * 86_400 },
      endpoints: [{ name: "http://beacon:1", active: true, error: null }],
    };
    render(<HomePage live={live} now={10_000} />);
    for (const words of ["Block 3 is final.", "15 days old", "block 3", "http://beacon:1: in use"]) {
      expect(screen.getByText(words)).toBeTruthy();
    }
  });

  it("shows what the relay does in sums, and that it is off", () => {
    const live = heard();
    const view = render(<HomePage live={live} now={10_000} />);
    const relay = screen.getByRole("region", { name: "Relay" });
    for (const words of ["3 sessions", "1.5 GB of 500 GB"]) {
      expect(within(relay).getByText(words)).toBeTruthy();
    }
    live.last!.status.relay = { ...live.last!.status.relay, on: false, sentence: "The relay is off." };
    view.rerender(<HomePage live={{ ...live }} now={10_000} />);
    expect(within(relay).getByText("The relay is off.")).toBeTruthy();
    expect(within(relay).queryByText("Details")).toBeNull();
  });

  it("shows which of the owner's models were refused, and why", async () => {
    const one = { info_hash: "aa", name: "Cathedral", at: 9_940, code: "quota-full" };
    network(() => [
      200,
      {
        refusals: [
          { ...one, protected: true, detail: "it needs 31000000000 bytes" },
          { ...one, info_hash: "bb", name: "Stranger", protected: false, detail: "no" },
        ],
      },
    ]);
    const alerts: Alert[] = [
      {
        id: "models-not-secured",
        severity: "attention",
        since: 9_400,
        words: "One of your models is not secured.",
        advice: "The list says why, and what helps.",
      },
    ];
    render(<HomePage live={heard(live({ alerts }))} now={10_060} />);
    expect(await screen.findByText("Cathedral")).toBeTruthy();
    expect(screen.getByText("It needs 31 GB.")).toBeTruthy();
    expect(screen.getByText("2 minutes ago")).toBeTruthy();
    expect(screen.queryByText("Stranger")).toBeNull();
  });

  it("lists what needs the owner, since when and what helps, and asks for nothing else", () => {
    const log = network(() => [500]);
    const alerts: Alert[] = [
      {
        id: "volume-missing:0f3a",
        severity: "failing",
        since: 9_700,
        words: "The data volume /media/models is missing.",
        advice: "Put the disk back.",
      },
      { id: "no-wallet", severity: "attention", since: 10_000, words: "No land.", advice: "" },
    ];
    render(<HomePage live={heard(live({ alerts }))} now={10_000} />);
    const card = screen.getByRole("region", { name: "2 things for you" });
    const items = within(card).getAllByRole("listitem");
    expect(items[0]?.textContent).toContain("/media/models is missing.5 minutes ago");
    expect(items[0]?.textContent).toContain("Put the disk back.");
    expect(within(items[1]!).getByRole("link", { name: "Add a wallet" })).toBeTruthy();
    expect(log).toEqual([]);
  });
});

describe("quota", () => {
  it("fills the bar also where only megabytes are given", () => {
    render(<VolumeCard volume={volume({ quota: 16e6, protected: 9e6, community: 0 })} several={false} />);
    const parts = [...screen.getByRole("img").querySelectorAll("span")];
    expect(parts.map((part) => Math.round(Number(part.style.flexGrow)))).toEqual([56, 44]);
  });

  it("is told before it is saved, and saved in bytes", async () => {
    const log = network(() => [204]);
    render(<VolumeCard volume={volume()} several={false} />);
    expect(screen.queryByRole("button", { name: "Save quota" })).toBeNull();
    type("How much may the box use?", "25");
    expect((screen.getByLabelText("Quota in gigabytes") as HTMLInputElement).value).toBe("25");
    expect(screen.getByRole("status").textContent).toContain("5 GB of community data");
    press("Save quota");
    await screen.findByText(/^Saved/);
    expect(log).toEqual([
      { method: "PATCH", path: "/api/v1/volumes/first", body: { quota: 25e9 } },
    ]);
  });

  it("below the owner's own models is not sent", () => {
    const log = network(() => [204]);
    render(<VolumeCard volume={volume()} several={false} />);
    type("Quota in gigabytes", "9");
    press("Save quota");
    expect(screen.getByRole("status").textContent).toContain("Your own models take 10 GB");
    expect(log).toEqual([]);
  });

  it("being typed survives news from the box", () => {
    const { rerender } = render(<VolumeCard volume={volume()} several={false} />);
    type("Quota in gigabytes", "60");
    rerender(<VolumeCard volume={volume({ community: 21e9 })} several={false} />);
    expect((screen.getByLabelText("Quota in gigabytes") as HTMLInputElement).value).toBe("60");
  });
});

describe("wallets", () => {
  it("asks for the password only when the box wants it, then removes", async () => {
    let recent = false;
    let wallets = [{ address: WALLET, parcels: [] }];
    const log = network(({ method, path, body }) => {
      if (path.endsWith("/refusals")) return [200, { refusals: [] }];
      if (method === "POST") {
        recent = (body as { password: string }).password === "correct horse";
        return recent
          ? [200, { authenticated_at: 1, expires_at: 2 }]
          : [403, problem("wrong-password", "This is not the password.")];
      }
      if (method === "GET") return [200, { wallets, as_of: null }];
      if (!recent) return [403, problem("reauthenticate", "Give the password again.")];
      wallets = [];
      return [204];
    });
    render(<WalletsPage live={heard()} now={10_000} />);
    fireEvent.click(await screen.findByRole("button", { name: `Remove wallet ${WALLET}` }));
    expect(screen.queryByLabelText("Password")).toBeNull();
    press("Remove wallet");
    await screen.findByLabelText("Password");
    expect(screen.queryByRole("alert")).toBeNull();
    type("Password", "guess");
    press("Remove wallet");
    await screen.findByText("This is not the password.");
    type("Password", "correct horse");
    press("Remove wallet");
    await screen.findByText("No wallet is watched yet.");
    expect(log.filter(({ method }) => method === "DELETE")).toHaveLength(2);
  });
});

describe("torrents", () => {
  it("removes only after the question, never what stands on owned land", async () => {
    const log = network(({ method }) => (method === "DELETE" ? [204] : [200, { refusals: [] }]));
    const torrents = [
      torrent(),
      torrent({ info_hash: "bb".repeat(20), name: "Market hall", keep: "community" }),
    ];
    render(<TorrentsPage live={heard(live({}, torrents))} now={10_000} />);
    expect(screen.queryByRole("button", { name: "Remove Lighthouse" })).toBeNull();
    press("Remove Market hall");
    expect(log.some(({ method }) => method === "DELETE")).toBe(false);
    press("Remove torrent");
    await waitFor(() =>
      expect(log).toContainEqual({
        method: "DELETE",
        path: `/api/v1/torrents/${"bb".repeat(20)}`,
        body: undefined,
      }),
    );
  });

  it("draws a long list in batches", () => {
    network(() => [200, { refusals: [] }]);
    const torrents = Array.from({ length: 120 }, (_, index) =>
      torrent({ info_hash: index.toString(16).padStart(40, "0"), name: `Model ${index}` }),
    );
    render(<TorrentsPage live={heard(live({}, torrents))} now={10_000} />);
    expect(screen.getAllByText(/^Model /)).toHaveLength(50);
    press("Show 50 more");
    expect(screen.getAllByText(/^Model /)).toHaveLength(100);
    press("Show 20 more");
    expect(screen.getAllByText(/^Model /)).toHaveLength(120);
  });
});

describe("factory reset", () => {
  it("asks first, wants the password, and sends what was chosen", async () => {
    let recent = false;
    const log = network(({ path }) => {
      if (path.endsWith("/session")) {
        recent = true;
        return [200, { authenticated_at: 1, expires_at: 2 }];
      }
      return recent ? [202] : [403, problem("reauthenticate", "Give the password again.")];
    });
    render(<SystemPage live={heard()} now={10_000} />);
    press("Reset this box…");
    expect(log).toEqual([]);
    fireEvent.click(screen.getByLabelText(/^Also delete/));
    press("Reset the box");
    await screen.findByLabelText("Password");
    type("Password", "correct horse");
    press("Reset the box");
    await screen.findByText("The box is being reset.");
    expect(log.at(-1)).toEqual({
      method: "POST",
      path: "/api/v1/factory-reset",
      body: { external_volumes: true },
    });
    expect(screen.queryByRole("button", { name: "Reset this box…" })).toBeNull();
  });
});

describe("software", () => {
  const shown = (changes: Parameters<typeof update>[0]) =>
    render(<UpdateCard update={update(changes)} now={10_000} />);

  it("says so where the box does not update itself", () => {
    shown({ supported: false });
    expect(screen.getByText(/updated the way it was installed/)).toBeTruthy();
    expect(screen.queryByLabelText("Update file")).toBeNull();
  });

  it("sends a file as it is, and shows why it is not taken", async () => {
    const log = network(() => [422, problem("invalid-request", "The file is no update for this box.")]);
    shown({});
    press("Send to the box");
    expect(await screen.findByText("Choose a file.")).toBeTruthy();
    expect(log).toEqual([]);
    const file = new File(["signed bytes"], "new.raucb");
    fireEvent.change(screen.getByLabelText("Update file"), { target: { files: [file] } });
    press("Send to the box");
    expect((await screen.findByRole("alert")).textContent).toContain("no update for this box");
    expect(log).toEqual([{ method: "POST", path: "/api/v1/update/bundle", body: "signed bytes" }]);
  });

  it("offers what lies on a disk, and takes it only when told", async () => {
    const log = network(() => [204]);
    shown({ found: [{ path: "/media/stick/new.raucb", size: 150e6 }] });
    expect(log).toEqual([]);
    press("Use /media/stick/new.raucb");
    await waitFor(() => expect(log).toHaveLength(1));
    expect(log[0]?.body).toEqual({ path: "/media/stick/new.raucb" });
  });

  it("installs a newer version at a word, an older one only after a question", async () => {
    const log = network(() => [202]);
    const bundle = { version: "0.2.0", notes: "Faster.", downgrade: false };
    const { rerender } = shown({ phase: "verified", bundle });
    expect(screen.getByText("Faster.")).toBeTruthy();
    press("Install");
    await waitFor(() => expect(log[0]?.body).toEqual({ allow_downgrade: false }));
    const older = { ...bundle, version: "0.0.9", downgrade: true };
    rerender(<UpdateCard update={update({ phase: "verified", bundle: older })} now={10_000} />);
    expect(screen.getByText(/is older than 0.1.0, which runs/)).toBeTruthy();
    press("Install the older version…");
    expect(log).toHaveLength(1);
    press("Install it");
    await waitFor(() => expect(log[1]?.body).toEqual({ allow_downgrade: true }));
  });

  it("shows how far it is", () => {
    const bundle = { version: "0.2.0", notes: "", downgrade: false };
    shown({ phase: "installing", bundle, percent: 40 });
    const bar = screen.getByRole("progressbar", { name: "Installing version 0.2.0" });
    expect((bar as HTMLProgressElement).value).toBeCloseTo(0.4);
  });

  it("makes no share up where the box does not hear how far it is", () => {
    const bundle = { version: "0.2.0", notes: "", downgrade: false };
    shown({ phase: "installing", bundle, percent: null });
    const bar = screen.getByRole("progressbar", { name: "Installing version 0.2.0" });
    expect(bar.hasAttribute("value")).toBe(false);
  });

  it("restarts now, or tonight", async () => {
    const log = network(() => [202]);
    const bundle = { version: "0.2.0", notes: "", downgrade: false };
    shown({ phase: "installed", bundle });
    press("Restart tonight at 3");
    await waitFor(() => expect(log).toHaveLength(1));
    const { at } = log[0]?.body as { at: number };
    expect(at).toBeGreaterThan(10_000);
    expect(at).toBeLessThanOrEqual(10_000 + 25 * 3_600);
    await waitFor(() => {
      press("Restart now");
      expect(log.at(-1)?.body).toEqual({ at: null });
    });
    expect(await screen.findByText(/restarts now/)).toBeTruthy();
  });

  it("takes a planned restart back", async () => {
    const log = network(() => [204]);
    const bundle = { version: "0.2.0", notes: "", downgrade: false };
    shown({ phase: "installed", bundle, restart_at: 20_000 });
    expect(screen.getByText(/restarts by itself on/)).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Restart tonight at 3" })).toBeNull();
    press("Cancel the planned restart");
    await waitFor(() =>
      expect(log[0]).toMatchObject({ method: "DELETE", path: "/api/v1/update/restart" }),
    );
  });

  it("counts the night from this browser's clock", () => {
    const evening = new Date(2026, 10, 27, 22, 0, 0);
    expect(tonight(1_000, evening)).toBe(1_000 + 5 * 3_600);
    const small = new Date(2026, 10, 28, 2, 30, 0);
    expect(tonight(1_000, small)).toBe(1_000 + 1_800);
  });

  it("tells an owner that an update did not work, and why, until it is understood", async () => {
    const log = network(() => [204]);
    const last = { result: "rolled-back" as const, version: "0.2.0", reason: "it was not ready in time", at: 9 };
    shown({ last });
    expect(screen.getByText(/Version 0.2.0 did not work. The box went back/)).toBeTruthy();
    expect(screen.getByText(/It was not ready in time. Nothing was lost./)).toBeTruthy();
    press("Understood");
    await waitFor(() => expect(log[0]).toMatchObject({ method: "DELETE", path: "/api/v1/update/bundle" }));
  });
});
