// The one door to the box's API: typed by the generated `api.gen.ts`, every answer either a value
// or a problem in words, never an exception.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.gen";

type Schemas = components["schemas"];
export type Alert = Schemas["Alert"];
export type Health = Schemas["Health"];
export type Live = Schemas["Live"];
export type Parcel = Schemas["Parcel"];
export type Problem = Schemas["Problem"];
export type Refusal = Schemas["Refusal"];
export type Status = Schemas["Status"];
export type Torrent = Schemas["Torrent"];
export type Update = Schemas["Update"];
export type Volume = Schemas["Volume"];
export type Wallet = Schemas["Wallet"];
export type Wallets = Schemas["Wallets"];

/** What went wrong, ready to be shown. `kind` is the box's problem type or `unreachable`. */
export interface Failure {
  kind: Problem["type"] | "unreachable";
  text: string;
  /** Seconds to wait before the next attempt, where the box asks for it. */
  retryAfter?: number;
}

export type Outcome<Value> = { ok: true; value: Value } | { ok: false; failure: Failure };

const UNREACHABLE: Failure = {
  kind: "unreachable",
  text: "The box does not answer. Check that it is switched on and that you are in the same network, then try again.",
};

/** Where the box listens for its live stream. */
export const EVENTS = "/api/v1/events";

/** Longest wait for an answer, in milliseconds. A password check is slow on purpose. */
const TIMEOUT = 20_000;

/** Longest wait for a whole system to be sent, in milliseconds. */
const LONG_TIMEOUT = 3_600_000;

/** Longest wait when only asking whether the box is still there, in milliseconds. */
const PROBE_TIMEOUT = 5_000;

function clientWithin(timeout: number) {
  return createClient<paths>({
    fetch: (request) => globalThis.fetch(request, { signal: AbortSignal.timeout(timeout) }),
  });
}

const client = clientWithin(TIMEOUT);
const patient = clientWithin(LONG_TIMEOUT);
const prober = clientWithin(PROBE_TIMEOUT);

type SignedOut = () => void;
let signedOut: SignedOut = () => {};

/** Calls `then` whenever the box says that nobody is signed in any more. */
export function onSignedOut(then: SignedOut): void {
  signedOut = then;
}

interface Answer<Value> {
  data?: Value | undefined;
  error?: unknown;
  response: Response;
}

async function outcome<Value>(asked: Promise<Answer<Value>>): Promise<Outcome<Value>> {
  try {
    const { data, error, response } = await asked;
    if (response.ok) return { ok: true, value: data as Value };
    const failure = failureOf(error, response);
    if (failure.kind === "unauthenticated") signedOut();
    return { ok: false, failure };
  } catch {
    return { ok: false, failure: UNREACHABLE };
  }
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "type" in value && "detail" in value;
}

function failureOf(error: unknown, response: Response): Failure {
  if (!isProblem(error)) {
    return {
      kind: "internal",
      text: `The box gave an answer that this page does not understand (${response.status}). Reload the page and try again.`,
    };
  }
  const failure: Failure = { kind: error.type, text: error.detail };
  const wait = error.retry_after ?? Number(response.headers.get("retry-after") ?? 0);
  return wait > 0 ? { ...failure, retryAfter: wait } : failure;
}

export const box = {
  claimState: () => outcome(client.GET("/api/v1/claim")),
  claim: (code: string, password: string) =>
    outcome(client.POST("/api/v1/claim", { body: { code, password } })),
  session: () => outcome(client.GET("/api/v1/session")),
  signIn: (password: string) => outcome(client.POST("/api/v1/session", { body: { password } })),
  signOut: () => outcome(client.DELETE("/api/v1/session")),
  wallets: () => outcome(client.GET("/api/v1/wallets")),
  watchWallet: (address: string) => outcome(client.POST("/api/v1/wallets", { body: { address } })),
  removeWallet: (address: string) =>
    outcome(client.DELETE("/api/v1/wallets/{address}", { params: { path: { address } } })),
  addTorrent: (magnet: string) => outcome(client.POST("/api/v1/torrents", { body: { magnet } })),
  removeTorrent: (info_hash: string) =>
    outcome(client.DELETE("/api/v1/torrents/{info_hash}", { params: { path: { info_hash } } })),
  refusals: () => outcome(client.GET("/api/v1/refusals")),
  factoryReset: (external_volumes: boolean) =>
    outcome(client.POST("/api/v1/factory-reset", { body: { external_volumes } })),
  /** The file as it is: the one body that is not JSON. */
  uploadUpdate: (file: Blob) =>
    outcome(
      patient.POST("/api/v1/update/bundle", {
        body: "",
        bodySerializer: () => file,
        headers: { "content-type": "application/octet-stream" },
      }),
    ),
  fetchUpdate: (path: string) => outcome(patient.POST("/api/v1/update/fetch", { body: { path } })),
  discardUpdate: () => outcome(client.DELETE("/api/v1/update/bundle")),
  installUpdate: (allow_downgrade: boolean) =>
    outcome(client.POST("/api/v1/update/install", { body: { allow_downgrade } })),
  restartIntoUpdate: (at: number | null) =>
    outcome(client.POST("/api/v1/update/restart", { body: { at } })),
  cancelRestart: () => outcome(client.DELETE("/api/v1/update/restart")),
  setQuota: (id: string, quota: number) =>
    outcome(client.PATCH("/api/v1/volumes/{id}", { params: { path: { id } }, body: { quota } })),
};

/** Whether the box is there and still knows this browser. */
export async function probe(): Promise<"signed-in" | "signed-out" | "unreachable"> {
  const asked = await outcome(prober.GET("/api/v1/session"));
  if (asked.ok) return "signed-in";
  const { kind } = asked.failure;
  return kind === "unauthenticated" || kind === "unclaimed" ? "signed-out" : "unreachable";
}
