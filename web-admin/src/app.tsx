// Decides what the visitor sees: the claim page, the sign-in page, or the owner's pages fed by the
// live stream.
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { EVENTS, type Failure, box, onSignedOut, probe } from "./api";
import { Brand } from "./components/brand";
import { Frame } from "./components/frame";
import { FailureNote } from "./components/note";
import { LiveFeed, type LiveState, boxClock } from "./live";
import { ClaimPage } from "./pages/claim";
import { HomePage } from "./pages/home";
import { SignInPage } from "./pages/sign-in";
import { SystemPage } from "./pages/system";
import { TorrentsPage } from "./pages/torrents";
import { WalletsPage } from "./pages/wallets";
import { usePage } from "./route";

type Visitor = "unknown" | "unclaimed" | "forgetful" | "stranger" | "owner";

/** How often ages on the page are counted anew, in milliseconds. */
const TICK = 5_000;

export function App() {
  const [visitor, setVisitor] = useState<Visitor>("unknown");
  const [failure, setFailure] = useState<Failure | null>(null);

  const look = useCallback(async () => {
    const claim = await box.claimState();
    setFailure(claim.ok ? null : claim.failure);
    if (!claim.ok) return;
    if (!claim.value.claimed) return setVisitor("unclaimed");
    const session = await box.session();
    if (session.ok) return setVisitor("owner");
    if (session.failure.kind === "unauthenticated") return setVisitor("stranger");
    setFailure(session.failure);
  }, []);

  useEffect(() => {
    onSignedOut(() => setVisitor((now) => (now === "owner" ? "stranger" : now)));
    void look();
  }, [look]);

  switch (visitor) {
    case "unknown":
      return <Waiting failure={failure} onRetry={() => void look()} />;
    case "unclaimed":
      return (
        <ClaimPage
          onSignedIn={() => setVisitor("owner")}
          onClaimedBefore={() => setVisitor("stranger")}
        />
      );
    case "forgetful":
      return (
        <ClaimPage
          again
          onSignedIn={() => setVisitor("owner")}
          onClaimedBefore={() => setVisitor("stranger")}
        />
      );
    case "stranger":
      return (
        <SignInPage
          onSignedIn={() => setVisitor("owner")}
          onNewPassword={() => setVisitor("forgetful")}
        />
      );
    case "owner":
      return <OwnerPages onSignedOut={() => void look()} />;
  }
}

function Waiting({ failure, onRetry }: { failure: Failure | null; onRetry: () => void }) {
  return (
    <main class="door">
      <Brand />
      {failure === null ? (
        <p role="status">Asking the box…</p>
      ) : (
        <div class="card">
          <FailureNote failure={failure} />
          <button type="button" onClick={onRetry}>
            Try again
          </button>
        </div>
      )}
    </main>
  );
}

function OwnerPages({ onSignedOut: leave }: { onSignedOut: () => void }) {
  const page = usePage();
  const live = useLive(leave);
  const now = boxClock(live, useTick());
  return (
    <Frame page={page} live={live} now={now} onSignedOut={leave}>
      {page === "home" && <HomePage live={live} now={now} />}
      {page === "wallets" && <WalletsPage live={live} now={now} />}
      {page === "torrents" && <TorrentsPage live={live} now={now} />}
      {page === "system" && <SystemPage live={live} now={now} />}
    </Frame>
  );
}

function useLive(signedOut: () => void): LiveState {
  const feed = useMemo(
    () =>
      new LiveFeed(
        { open: () => new EventSource(EVENTS), probe, now: () => performance.now() },
        signedOut,
      ),
    [],
  );
  const [state, setState] = useState(feed.state);
  useEffect(() => {
    const unsubscribe = feed.subscribe(() => setState(feed.state));
    feed.start();
    return () => {
      unsubscribe();
      feed.stop();
    };
  }, [feed]);
  return state;
}

/** This browser's milliseconds, renewed often enough for ages in words. */
function useTick(): number {
  const [, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), TICK);
    return () => clearInterval(timer);
  }, []);
  return performance.now();
}
