// What the box said no to, each with its reason.
import type { Refusal } from "../api";
import { ago, sentence } from "../format";
import { torrentName } from "../words";

export function RefusalList({ refusals, now }: { refusals: readonly Refusal[]; now: number }) {
  return (
    <ul class="lines">
      {refusals.map((refusal) => (
        <li key={refusal.info_hash} class="stack tight">
          <div class="heading">
            <strong>{torrentName(refusal)}</strong>
            <span class="muted small">{ago(refusal.at, now)}</span>
          </div>
          <p>{sentence(refusal.detail)}</p>
        </li>
      ))}
    </ul>
  );
}
