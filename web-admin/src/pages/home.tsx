// How the box is, in one sentence; then what needs the owner, how full it is, and how fresh its
// knowledge of the chain is.
import { type Status, box } from "../api";
import { AlertCard } from "../components/alerts";
import { Fact } from "../components/fact";
import { Icon, type IconName } from "../components/icon";
import { Said, type Tone } from "../components/note";
import { RefusalList } from "../components/refusals";
import { VolumeCard } from "../components/volume";
import { refusalsKey, useFetched } from "../fetched";
import { ago, bytes, count, duration, plural } from "../format";
import { useHeading } from "../heading";
import type { LiveState } from "../live";
import { link } from "../route";
import { healthWord } from "../words";

export function HomePage({ live, now }: { live: LiveState; now: number }) {
  const status = live.last?.status;
  return (
    <>
      <HealthCard live={live} now={now} />
      {status && (
        <>
          <AlertCard
            alerts={status.alerts}
            now={now}
            more={(kind) => <MoreOnAlert kind={kind} live={live} now={now} />}
          />
          {status.seeder.volumes.map((volume) => (
            <VolumeCard
              key={volume.id}
              volume={volume}
              several={status.seeder.volumes.length > 1}
            />
          ))}
          <ChainCard status={status} now={now} />
          <RelayCard relay={status.relay} />
        </>
      )}
    </>
  );
}

interface Headline {
  tone: Tone;
  icon: IconName;
  word: string;
  sentence: string;
  below: string | null;
}

function headline(live: LiveState, now: number): Headline {
  if (live.last === null) {
    return live.connection === "lost"
      ? { tone: "failing", icon: "unplugged", word: "No connection", sentence: "The box does not answer.", below: null }
      : { tone: "quiet", icon: "starting", word: "One moment", sentence: "Asking the box…", below: null };
  }
  const { status } = live.last;
  if (live.connection === "lost") {
    return {
      tone: "failing",
      icon: "unplugged",
      word: "No connection",
      sentence: "The box does not answer.",
      below: `The last it said, ${ago(status.now, now)}: “${status.sentence}”`,
    };
  }
  return {
    tone: status.health,
    icon: status.health,
    word: healthWord(status.health),
    sentence: status.sentence,
    below: `Running for ${duration(status.uptime)}.`,
  };
}

function HealthCard({ live, now }: { live: LiveState; now: number }) {
  const heading = useHeading("Home");
  const { tone, icon, word, sentence, below } = headline(live, now);
  return (
    <section class="card health" data-tone={tone} aria-label="Health">
      <Icon name={icon} />
      <div class="stack tight">
        <p class="word">{word}</p>
        <h1 ref={heading} tabIndex={-1}>
          {sentence}
        </h1>
        {below && <p class="muted">{below}</p>}
      </div>
    </section>
  );
}

/** Where to go from an alert, or its list. */
function MoreOnAlert({ kind, live, now }: { kind: string; live: LiveState; now: number }) {
  switch (kind) {
    case "no-wallet":
      return (
        <p>
          <a href={link("wallets")}>Add a wallet</a>
        </p>
      );
    case "torrents-stopped":
      return (
        <p>
          <a href={link("torrents")}>See the torrents</a>
        </p>
      );
    case "models-not-secured":
      return <NotSecured live={live} now={now} />;
    default:
      return null;
  }
}

function NotSecured({ live, now }: { live: LiveState; now: number }) {
  const fetched = useFetched(box.refusals, refusalsKey(live));
  const refusals = fetched.value?.refusals.filter((refusal) => refusal.protected) ?? [];
  return <RefusalList refusals={refusals} now={now} />;
}

function ChainCard({ status, now }: { status: Status; now: number }) {
  const { chain } = status;
  return (
    <section class="card" aria-labelledby="chain">
      <div class="heading">
        <h2 id="chain">Land registry</h2>
        <p class="muted">
          {chain.as_of ? `checked ${ago(chain.as_of.observed_at, now)}` : "not read yet"}
        </p>
      </div>
      <p>
        <Said tone={chain.health}>{chain.sentence || healthWord(chain.health)}</Said>
      </p>
      <details>
        <summary>Details</summary>
        <dl class="facts">
          <Fact name="Chain">{chainName(chain.chain_id)}</Fact>
          <Fact name="Block">{chain.as_of ? count(chain.as_of.number) : "none yet"}</Fact>
          <Fact name="Newest block">{chain.head === null ? "unknown" : count(chain.head)}</Fact>
          <Fact name="Proved up to">{provedUpTo(chain.proved)}</Fact>
          <Fact name="Trust">{chain.trust.sentence || TRUST[chain.trust.level]}</Fact>
          {chain.trust.checkpoint && (
            <Fact name="Checkpoint">{checkpointAge(chain.trust.checkpoint.age)}</Fact>
          )}
          <Fact name="Parcels">{count(chain.parcels)}</Fact>
          <Fact name="Models">{count(chain.models)}</Fact>
          <Fact name="Placed">{count(chain.placements)}</Fact>
        </dl>
        <ul class="small">
          {[...chain.endpoints, ...beacons(chain)].map((endpoint) => (
            <li key={endpoint.name}>
              <Said tone={endpoint.error === null ? "well" : "attention"}>
                {endpoint.name}: {endpoint.error ?? (endpoint.active ? "in use" : "ready")}
              </Said>
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

function RelayCard({ relay }: { relay: Status["relay"] }) {
  return (
    <section class="card" aria-labelledby="relay">
      <div class="heading">
        <h2 id="relay">Relay</h2>
        <p class="muted">{relay.on ? plural(relay.clients + relay.streams, "session") : "off"}</p>
      </div>
      <p>
        <Said tone={relay.health}>{relay.sentence || healthWord(relay.health)}</Said>
      </p>
      {relay.on && (
        <details>
          <summary>Details</summary>
          <dl class="facts">
            <Fact name="People who enter here">{count(relay.clients)}</Fact>
            <Fact name="Through other boxes">{count(relay.streams)}</Fact>
            <Fact name="On to other boxes">{count(relay.circuits)}</Fact>
            <Fact name="Rooms">{count(relay.rooms)}</Fact>
            <Fact name="In rooms">{count(relay.members)}</Fact>
            <Fact name="Boxes known">{count(relay.boxes)}</Fact>
            <Fact name="Sent this month">{sentOf(relay)}</Fact>
          </dl>
        </details>
      )}
    </section>
  );
}

function sentOf(relay: Status["relay"]): string {
  const sent = bytes(relay.month_bytes);
  return relay.month_limit === null ? sent : `${sent} of ${bytes(relay.month_limit)}`;
}

type Chain = Status["chain"];

const TRUST: Record<Chain["trust"]["level"], string> = {
  rpc: "one endpoint's word",
  quorum: "several endpoints that say the same",
  signed: "signed by Ethereum's validators, not final yet",
  finalized: "final, signed by Ethereum's validators",
};

function provedUpTo(proved: Chain["proved"]): string {
  return proved === null ? "nothing yet" : `block ${count(proved.number)}`;
}

/** Validators are bound for 14 days by what they signed. */
function checkpointAge(seconds: number | null): string {
  if (seconds === null) return "not fetched yet";
  const days = Math.floor(seconds / 86_400);
  return days < 1 ? "less than a day old" : `${plural(days, "day")} old`;
}

/** Those that are asked for headers alone. */
function beacons(chain: Chain): Chain["endpoints"] {
  const known = new Set(chain.endpoints.map((endpoint) => endpoint.name));
  return chain.trust.endpoints.filter((endpoint) => !known.has(endpoint.name));
}

function chainName(id: number | null): string {
  if (id === null) return "unknown";
  return id === 1 ? "Ethereum" : `number ${id}`;
}
