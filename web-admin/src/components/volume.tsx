// One data volume: how it is filled, and how much of it the owner gives.
import { useId, useState } from "preact/hooks";
import { type Volume, box } from "../api";
import { consequence, mostOf, quotaOf } from "../check";
import { bytes, gigabytes, sentence } from "../format";
import { useOrder } from "../order";
import { Form, SendButton, Wrong } from "./form";
import { FailureNote, Note } from "./note";

export function VolumeCard({ volume, several }: { volume: Volume; several: boolean }) {
  const id = useId();
  const title = several ? `Storage: ${volume.path}` : "Storage";
  return (
    <section class="card" aria-labelledby={id}>
      <div class="heading">
        <h2 id={id}>{title}</h2>
        <p class="muted">{bytes(volume.quota)} given to the box</p>
      </div>
      {volume.state === "missing" ? (
        <Note tone="failing">
          <p>
            <strong>This disk is not in its place.</strong> Nothing is written elsewhere instead.
          </p>
          {volume.problem && <p class="small">{sentence(volume.problem)}</p>}
        </Note>
      ) : (
        <>
          <Bar volume={volume} />
          <QuotaForm volume={volume} title={title} />
        </>
      )}
    </section>
  );
}

const PARTS = [
  ["yours", "Your models"],
  ["community", "Community"],
  ["free", "Free"],
] as const;

function Bar({ volume }: { volume: Volume }) {
  const sizes = {
    yours: volume.protected,
    community: volume.community,
    free: Math.max(0, volume.quota - volume.protected - volume.community),
  };
  const total = sizes.yours + sizes.community + sizes.free;
  const words = `${bytes(sizes.yours)} your models, ${bytes(sizes.community)} community, ${bytes(sizes.free)} free, out of ${bytes(volume.quota)}`;
  return (
    <figure class="stack">
      <div class="bar" role="img" aria-label={words}>
        {PARTS.map(
          ([part]) =>
            sizes[part] > 0 && <span key={part} class={part} style={{ flexGrow: (100 * sizes[part]) / total }} />,
        )}
      </div>
      <dl class="legend">
        {PARTS.map(([part, name]) => (
          <div key={part}>
            <dt>
              <span class={`swatch ${part}`} />
              {name}
            </dt>
            <dd>{bytes(sizes[part])}</dd>
          </div>
        ))}
      </dl>
    </figure>
  );
}

/** The slider and the number are one value; what the owner has begun to change is never
 * overwritten by the live stream. */
function QuotaForm({ volume, title }: { volume: Volume; title: string }) {
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const [saved, setSaved] = useState(false);
  const order = useOrder(box.setQuota);

  const typed = draft ?? String(gigabytes(volume.quota));
  const quota = draft === null ? volume.quota : quotaOf(draft);
  const { possible, text } = consequence(volume, quota);
  const most = Math.floor(gigabytes(mostOf(volume)) * 100) / 100;
  const edit = (value: string) => {
    setDraft(value);
    setSaved(false);
    order.clear();
  };
  const save = async () => {
    if (quota === null) return;
    const outcome = await order.run(volume.id, quota);
    if (!outcome?.ok) return;
    setDraft(null);
    setSaved(true);
  };

  return (
    <Form label={`Quota of ${title}`} valid={possible} onWrong={() => {}} onSend={() => void save()}>
      <div class="quota">
        <div class="field">
          <label for={`${id}-range`}>How much may the box use?</label>
          <input
            id={`${id}-range`}
            type="range"
            min={0}
            max={most}
            step={most >= 20 ? 1 : 0.01}
            value={gigabytes(quota ?? volume.quota)}
            aria-valuetext={`${gigabytes(quota ?? volume.quota)} gigabytes`}
            aria-describedby={`${id}-effect`}
            onInput={(event) => edit(event.currentTarget.value)}
          />
        </div>
        <div class="unit">
          <input
            type="text"
            inputMode="decimal"
            autocomplete="off"
            aria-label="Quota in gigabytes"
            aria-invalid={!possible}
            aria-describedby={`${id}-effect`}
            value={typed}
            onInput={(event) => edit(event.currentTarget.value)}
          />
          <span aria-hidden="true">GB</span>
        </div>
      </div>
      <div class="stack tight" id={`${id}-effect`} role="status">
        {saved && draft === null ? (
          <p class="hint">Saved. The box may now use {bytes(volume.quota)}.</p>
        ) : possible ? (
          <p class="hint">{draft === null ? `The disk has room for up to about ${bytes(mostOf(volume))}.` : text}</p>
        ) : (
          <Wrong id={`${id}-wrong`}>{text}</Wrong>
        )}
      </div>
      <FailureNote failure={order.failure} />
      {draft !== null && (
        <div class="row">
          <SendButton busy={order.busy} busyText="Saving…" wait={order.wait}>
            Save quota
          </SendButton>
          <button type="button" class="plain" onClick={() => setDraft(null)}>
            Leave as it was
          </button>
        </div>
      )}
    </Form>
  );
}
