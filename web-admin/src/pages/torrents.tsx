// Everything the box holds and shares, everything it refused, and a way to add more.
import { useState } from "preact/hooks";
import { type Torrent, box } from "../api";
import { wrongMagnet } from "../check";
import { Dialog } from "../components/dialog";
import { Fact } from "../components/fact";
import { Form, SendButton, TextField } from "../components/form";
import { Icon } from "../components/icon";
import { FailureNote, Said } from "../components/note";
import { RefusalList } from "../components/refusals";
import { refusalsKey, useFetched } from "../fetched";
import { bytes, percent, plural, rate } from "../format";
import { useHeading } from "../heading";
import type { LiveState } from "../live";
import { useOrder } from "../order";
import { isComplete, keepWords, torrentName, torrentWords } from "../words";

/** How many torrents are drawn at first, and more on each request: a small computer stays quick. */
const BATCH = 50;

export function TorrentsPage({ live, now }: { live: LiveState; now: number }) {
  const heading = useHeading("Torrents");
  const [drawn, setDrawn] = useState(BATCH);
  const [removing, setRemoving] = useState<Torrent | null>(null);
  const refusals = useFetched(box.refusals, refusalsKey(live));
  const torrents = live.last?.torrents ?? [];
  const refused = refusals.value?.refusals ?? [];
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        Torrents
      </h1>
      <AddForm />
      <section class="card" aria-labelledby="held">
        <div class="heading">
          <h2 id="held">On this box</h2>
          <p class="muted">{live.last && plural(torrents.length, "torrent")}</p>
        </div>
        {live.last && torrents.length === 0 && (
          <p class="muted">Nothing yet. What stands on your land comes by itself.</p>
        )}
        <ul class="lines">
          {torrents.slice(0, drawn).map((torrent) => (
            <TorrentItem
              key={torrent.info_hash}
              torrent={torrent}
              onRemove={() => setRemoving(torrent)}
            />
          ))}
        </ul>
        {torrents.length > drawn && (
          <button type="button" onClick={() => setDrawn(drawn + BATCH)}>
            Show {Math.min(BATCH, torrents.length - drawn)} more
          </button>
        )}
      </section>
      <FailureNote failure={refusals.failure} />
      {refused.length > 0 && (
        <section class="card" aria-labelledby="refused">
          <h2 id="refused">Refused</h2>
          <RefusalList refusals={refused} now={now} />
        </section>
      )}
      {removing && <RemoveDialog torrent={removing} onClose={() => setRemoving(null)} />}
    </>
  );
}

function AddForm() {
  const [magnet, setMagnet] = useState("");
  const [tried, setTried] = useState(false);
  const [added, setAdded] = useState(false);
  const order = useOrder(box.addTorrent);
  const wrong = wrongMagnet(magnet);

  const send = async () => {
    const outcome = await order.run(magnet.trim());
    if (!outcome?.ok) return;
    setMagnet("");
    setTried(false);
    setAdded(true);
  };

  return (
    <section class="card">
      <Form
        label="Add a torrent"
        valid={wrong === undefined}
        onWrong={() => setTried(true)}
        onSend={() => void send()}
      >
        <TextField
          label="Magnet link"
          hint="The box keeps what you add until you remove it."
          placeholder="magnet:?xt=urn:btih:…"
          value={magnet}
          onValue={(value) => {
            setMagnet(value);
            setAdded(false);
            order.clear();
          }}
          error={tried ? wrong : undefined}
        />
        <FailureNote failure={order.failure} />
        <div class="row">
          <SendButton busy={order.busy} busyText="Adding…" wait={order.wait}>
            Add torrent
          </SendButton>
          <span role="status">{added && "Added."}</span>
        </div>
      </Form>
    </section>
  );
}

function TorrentItem({ torrent, onRemove }: { torrent: Torrent; onRemove: () => void }) {
  const name = torrentName(torrent);
  const { tone, text } = torrentWords(torrent);
  const done = percent(torrent.have, torrent.size);
  return (
    <li class="item">
      <div class="stack tight">
        <div class="row">
          <strong>{name}</strong>
          <KeepBadge torrent={torrent} />
        </div>
        <Said tone={tone}>{text}</Said>
      </div>
      {torrent.keep !== "owned" && (
        <button type="button" class="slim" aria-label={`Remove ${name}`} onClick={onRemove}>
          Remove
        </button>
      )}
      {!isComplete(torrent) && torrent.size > 0 && (
        <div class="wide row">
          <progress value={torrent.have} max={torrent.size} aria-label={`${name}: ${done}%`} />
          <span class="small">
            {done}%, {bytes(torrent.have)} of {bytes(torrent.size)}
          </span>
        </div>
      )}
      <dl class="facts wide">
        <Fact name="Size">{torrent.size > 0 ? bytes(torrent.size) : "not known yet"}</Fact>
        <Fact name="Connected">{plural(torrent.peers, "peer")}</Fact>
        <Fact name="Given to others">{bytes(torrent.uploaded)}</Fact>
        {torrent.download_rate > 0 && <Fact name="Coming in">{rate(torrent.download_rate)}</Fact>}
        {torrent.upload_rate > 0 && <Fact name="Going out">{rate(torrent.upload_rate)}</Fact>}
      </dl>
    </li>
  );
}

function KeepBadge({ torrent }: { torrent: Torrent }) {
  const { text, yours } = keepWords(torrent);
  return (
    <span class="badge" data-tone={yours ? "well" : "quiet"}>
      <Icon name={yours ? "shield" : "community"} />
      {text}
    </span>
  );
}

function RemoveDialog({ torrent, onClose }: { torrent: Torrent; onClose: () => void }) {
  const order = useOrder(box.removeTorrent);
  const send = async () => {
    const outcome = await order.run(torrent.info_hash);
    if (outcome?.ok) onClose();
  };
  return (
    <Dialog title={`Remove ${torrentName(torrent)}?`} onClose={onClose}>
      <p>
        The box deletes its copy{torrent.size > 0 && ` and frees ${bytes(torrent.reserved)}`}.
        {torrent.keep === "community" && " If somebody asks for it, it may come back."}
      </p>
      <Form label="Remove torrent" valid onWrong={() => {}} onSend={() => void send()}>
        <FailureNote failure={order.failure} />
        <div class="choices">
          <button type="button" onClick={onClose}>
            Keep it
          </button>
          <SendButton kind="grave" busy={order.busy} busyText="Removing…">
            Remove torrent
          </SendButton>
        </div>
      </Form>
    </Dialog>
  );
}
