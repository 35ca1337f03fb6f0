// Something asked from the box and asked again whenever the live stream says that it changed.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Failure, Outcome } from "./api";
import type { LiveState } from "./live";

export interface Fetched<Value> {
  /** The last good answer. */
  value: Value | null;
  failure: Failure | null;
  again(): Promise<void>;
}

/** Asks on every change of `key`, not while it is null. A late answer never replaces a newer one. */
export function useFetched<Value>(
  ask: () => Promise<Outcome<Value>>,
  key: string | null,
): Fetched<Value> {
  const [value, setValue] = useState<Value | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const asked = useRef(0);

  const again = useCallback(async () => {
    asked.current += 1;
    const mine = asked.current;
    const outcome = await ask();
    if (mine !== asked.current) return;
    if (outcome.ok) setValue(outcome.value);
    setFailure(outcome.ok ? null : outcome.failure);
  }, [ask]);

  useEffect(() => {
    if (key !== null) void again();
  }, [again, key]);

  return { value, failure, again };
}

/** What changes without a trace in the live stream is asked for again after so many seconds. */
const STALE = 30;

/** Changes whenever the list of refusals may have changed; null while nothing is heard. */
export function refusalsKey(live: LiveState): string | null {
  if (live.last === null || live.connection !== "live") return null;
  const { seeder, now } = live.last.status;
  const counts = [seeder.refusals, seeder.protected_refusals, seeder.torrents];
  return [...counts, Math.floor(now / STALE)].join(" ");
}

/** Changes whenever the wallets' property may have changed; null while nothing is heard. */
export function walletsKey(live: LiveState): string | null {
  if (live.last === null || live.connection !== "live") return null;
  const { wallets, chain, now } = live.last.status;
  return [wallets, chain.as_of?.hash, Math.floor(now / STALE)].join(" ");
}
