// The box itself: what an owner does to it a few times in its life.
import { FactoryReset } from "../components/factory-reset";
import { UpdateCard } from "../components/update";
import { useHeading } from "../heading";
import type { LiveState } from "../live";

export function SystemPage({ live, now }: { live: LiveState; now: number }) {
  const heading = useHeading("System");
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        System
      </h1>
      {live.last && <UpdateCard update={live.last.status.update} now={now} />}
      <FactoryReset />
    </>
  );
}
