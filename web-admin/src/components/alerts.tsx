// What needs the owner, with what helps; the gravest first.
import type { ComponentChildren } from "preact";
import type { Alert } from "../api";
import { ago, plural } from "../format";
import { type Tone, Said } from "./note";

const TONE: Record<Alert["severity"], Tone> = {
  notice: "starting",
  attention: "attention",
  failing: "failing",
};

interface AlertCardProps {
  alerts: readonly Alert[];
  now: number;
  /** What belongs below one of them: a link, a list. */
  more: (kind: string) => ComponentChildren;
}

export function AlertCard({ alerts, now, more }: AlertCardProps) {
  const gravest = alerts[0];
  if (gravest === undefined) return null;
  return (
    <section class="card" aria-labelledby="alerts" data-tone={TONE[gravest.severity]}>
      <h2 id="alerts">{plural(alerts.length, "thing")} for you</h2>
      <ul class="lines">
        {alerts.map((alert) => (
          <li key={alert.id} class="stack tight">
            <div class="heading">
              <Said tone={TONE[alert.severity]}>{alert.words}</Said>
              <span class="muted small">{ago(alert.since, now)}</span>
            </div>
            {alert.advice && <p>{alert.advice}</p>}
            {more(kindOf(alert))}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The name without what it is about: `volume-missing` of `volume-missing:0f3a`. */
function kindOf(alert: Alert): string {
  return alert.id.split(":", 1)[0] ?? alert.id;
}
