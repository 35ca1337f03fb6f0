// The wallets whose land the box looks after: what they own, what stands there, and whether it is
// safe on this box.
import { useId, useState } from "preact/hooks";
import { type Parcel, type Refusal, type Torrent, type Wallet, box } from "../api";
import { wrongAddress } from "../check";
import { Confirm } from "../components/confirm";
import { Form, SendButton, TextField } from "../components/form";
import { FailureNote, Said } from "../components/note";
import { refusalsKey, useFetched, walletsKey } from "../fetched";
import { plural, shortAddress } from "../format";
import { useHeading } from "../heading";
import type { LiveState } from "../live";
import { useOrder } from "../order";
import { isComplete, safety } from "../words";

/** What the box holds and refused, by info hash. */
interface Held {
  torrents: ReadonlyMap<string, Torrent>;
  refusals: ReadonlyMap<string, Refusal>;
}

export function WalletsPage({ live }: { live: LiveState; now: number }) {
  const heading = useHeading("Wallets");
  const wallets = useFetched(box.wallets, walletsKey(live));
  const refusals = useFetched(box.refusals, refusalsKey(live));
  const held: Held = {
    torrents: new Map(live.last?.torrents.map((torrent) => [torrent.info_hash, torrent])),
    refusals: new Map(refusals.value?.refusals.map((refusal) => [refusal.info_hash, refusal])),
  };
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        Wallets
      </h1>
      <WatchForm onWatched={wallets.again} />
      <FailureNote failure={wallets.failure} />
      {wallets.value?.wallets.map((wallet) => (
        <WalletCard
          key={wallet.address}
          wallet={wallet}
          held={held}
          isRead={wallets.value?.as_of !== null}
          onRemoved={wallets.again}
        />
      ))}
      {wallets.value?.wallets.length === 0 && <p class="muted">No wallet is watched yet.</p>}
    </>
  );
}

function WatchForm({ onWatched }: { onWatched: () => Promise<void> }) {
  const [address, setAddress] = useState("");
  const [tried, setTried] = useState(false);
  const [watched, setWatched] = useState("");
  const order = useOrder(box.watchWallet);
  const wrong = wrongAddress(address);

  const send = async () => {
    const outcome = await order.run(address.trim());
    if (!outcome?.ok) return;
    setWatched(shortAddress(address.trim()));
    setAddress("");
    setTried(false);
    await onWatched();
  };

  return (
    <section class="card">
      <Form
        label="Watch a wallet"
        valid={wrong === undefined}
        onWrong={() => setTried(true)}
        onSend={() => void send()}
      >
        <TextField
          label="Wallet address"
          hint="The box only looks at what this wallet owns. It cannot move anything and never needs a key or a seed phrase."
          placeholder="0x…"
          value={address}
          onValue={(value) => {
            setAddress(value);
            setWatched("");
            order.clear();
          }}
          error={tried ? wrong : undefined}
        />
        <FailureNote failure={order.failure} />
        <div class="row">
          <SendButton busy={order.busy} busyText="One moment…" wait={order.wait}>
            Watch this wallet
          </SendButton>
          <span role="status">{watched && `${watched} is watched now.`}</span>
        </div>
      </Form>
    </section>
  );
}

interface WalletCardProps {
  wallet: Wallet;
  held: Held;
  /** Whether the chain has been read at all. */
  isRead: boolean;
  onRemoved: () => Promise<void>;
}

function WalletCard({ wallet, held, isRead, onRemoved }: WalletCardProps) {
  const id = useId();
  const [removing, setRemoving] = useState(false);
  return (
    <section class="card" aria-labelledby={id}>
      <div class="item">
        <div class="stack tight">
          <h2 id={id} class="mono">
            {wallet.address}
          </h2>
          <p class="muted">{isRead ? summary(wallet, held) : "The land registry has not been read yet."}</p>
        </div>
        <button
          type="button"
          class="slim"
          aria-label={`Remove wallet ${wallet.address}`}
          onClick={() => setRemoving(true)}
        >
          Remove
        </button>
      </div>
      {wallet.parcels.length > 0 && (
        <ul class="parcels">
          {wallet.parcels.map((parcel) => (
            <ParcelItem key={parcel.token_id} parcel={parcel} held={held} />
          ))}
        </ul>
      )}
      {removing && (
        <RemoveDialog
          wallet={wallet}
          onClose={() => setRemoving(false)}
          onRemoved={onRemoved}
        />
      )}
    </section>
  );
}

/** `2 parcels with 5 models, 4 of them safe here.` */
function summary(wallet: Wallet, held: Held): string {
  const hashes = new Set(
    wallet.parcels.flatMap((parcel) => parcel.placements.map(({ model }) => model.info_hash)),
  );
  if (wallet.parcels.length === 0) return "This wallet owns no parcel.";
  const parcels = plural(wallet.parcels.length, "parcel");
  if (hashes.size === 0) return `${parcels}; nothing stands there yet.`;
  const safe = [...hashes].filter((hash) => {
    const torrent = held.torrents.get(hash);
    return torrent !== undefined && isComplete(torrent);
  }).length;
  const models = plural(hashes.size, "model");
  return safe === hashes.size
    ? `${parcels} with ${models}, all safe here.`
    : `${parcels} with ${models}, ${safe} of them safe here.`;
}

function ParcelItem({ parcel, held }: { parcel: Parcel; held: Held }) {
  return (
    <li>
      <h3>
        Parcel {parcel.x}, {parcel.y}
      </h3>
      {parcel.placements.length === 0 ? (
        <p class="muted small">Nothing stands here.</p>
      ) : (
        <ul class="models">
          {parcel.placements.map(({ id, model }) => {
            const { tone, text } = safety(
              held.torrents.get(model.info_hash),
              held.refusals.get(model.info_hash),
            );
            return (
              <li key={id}>
                <span>{model.name.trim() || `Model ${model.id}`}</span>
                <Said tone={tone}>{text}</Said>
              </li>
            );
          })}
        </ul>
      )}
    </li>
  );
}

interface RemoveDialogProps {
  wallet: Wallet;
  onClose: () => void;
  onRemoved: () => Promise<void>;
}

function RemoveDialog({ wallet, onClose, onRemoved }: RemoveDialogProps) {
  return (
    <Confirm
      title="Stop watching this wallet?"
      action="Remove wallet"
      busyText="Removing…"
      keep="Keep it"
      order={() => box.removeWallet(wallet.address)}
      onDone={onRemoved}
      onClose={onClose}
    >
      <p class="mono">{wallet.address}</p>
      <p>
        What stands on its land is then no longer protected. It becomes community data, which the
        box may delete when it needs the room.
      </p>
    </Confirm>
  );
}
