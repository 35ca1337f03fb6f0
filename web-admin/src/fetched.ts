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

/** Asks at once and on every change of `key`. A late answer never replaces a newer one. */
export function useFetched<Value>(
  ask: () => Promise<Outcome<Value>>,
  key: string,
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
    void again();
  }, [again, key]);

  return { value, failure, again };
}

/** Changes whenever the list of refusals may have changed. */
export function refusalsKey(live: LiveState): string {
  if (live.last === null || live.connection !== "live") return "unheard";
  const { seeder } = live.last.status;
  return `${seeder.refusals} ${seeder.protected_refusals} ${seeder.torrents}`;
}

/** Changes whenever the wallets' property may have changed. */
export function walletsKey(live: LiveState): string {
  if (live.last === null || live.connection !== "live") return "unheard";
  const { wallets, chain } = live.last.status;
  return `${wallets} ${chain.as_of?.hash ?? ""}`;
}
