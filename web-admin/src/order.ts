// One order to the box while it is under way: busy, what went wrong, and how long to wait after
// too many tries.
import { useEffect, useState } from "preact/hooks";
import type { Failure, Outcome } from "./api";
import { waitText } from "./check";

export interface Order<Arguments extends unknown[], Value> {
  busy: boolean;
  failure: Failure | null;
  /** Seconds until the box takes another try; 0 if it does now. */
  wait: number;
  run(...given: Arguments): Promise<Outcome<Value> | null>;
  clear(): void;
}

/** Runs `order` one at a time; a call while it is busy or must wait does nothing. */
export function useOrder<Arguments extends unknown[], Value>(
  order: (...given: Arguments) => Promise<Outcome<Value>>,
): Order<Arguments, Value> {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [wait, setWait] = useState(0);

  useEffect(() => {
    if (wait <= 0) return;
    const timer = setTimeout(() => {
      setWait(wait - 1);
      if (wait === 1) setFailure(null);
    }, 1000);
    return () => clearTimeout(timer);
  }, [wait]);

  return {
    busy,
    failure,
    wait,
    clear: () => setFailure(null),
    run: async (...given) => {
      if (busy || wait > 0) return null;
      setBusy(true);
      setFailure(null);
      const outcome = await order(...given);
      setBusy(false);
      if (!outcome.ok) {
        const { retryAfter = 0 } = outcome.failure;
        setWait(Math.ceil(retryAfter));
        setFailure(
          retryAfter > 0 ? { ...outcome.failure, text: waitText(Math.ceil(retryAfter)) } : outcome.failure,
        );
      }
      return outcome;
    },
  };
}
