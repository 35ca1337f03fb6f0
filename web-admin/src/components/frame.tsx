// What surrounds every page of a signed-in owner: the way to the other pages, the way out, and the
// truth about the connection.
import type { ComponentChildren } from "preact";
import { box } from "../api";
import { ago } from "../format";
import type { LiveState } from "../live";
import { useOrder } from "../order";
import { PAGES, type Page, link } from "../route";
import { Brand } from "./brand";
import { FailureNote, Note } from "./note";

interface FrameProps {
  page: Page;
  live: LiveState;
  /** The box's clock, Unix seconds. */
  now: number;
  onSignedOut: () => void;
  children: ComponentChildren;
}

export function Frame({ page, live, now, onSignedOut, children }: FrameProps) {
  const order = useOrder(box.signOut);
  const signOut = async () => {
    const outcome = await order.run();
    if (outcome?.ok) onSignedOut();
  };
  return (
    <div class="frame">
      <a
        class="skip"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("content")?.focus();
        }}
      >
        Skip to the content
      </a>
      <header class="top">
        <Brand />
        <nav aria-label="Pages">
          <ul>
            {(Object.keys(PAGES) as Page[]).map((name) => (
              <li key={name}>
                <a href={link(name)} aria-current={name === page ? "page" : undefined}>
                  {PAGES[name]}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <button type="button" class="plain" aria-disabled={order.busy} onClick={() => void signOut()}>
          Sign out
        </button>
      </header>
      <main id="content" tabIndex={-1} data-stale={live.connection === "lost" ? "" : undefined}>
        <div role="status" class={page === "home" ? "only-spoken" : undefined}>
          {live.connection === "lost" && <Lost live={live} now={now} />}
        </div>
        <FailureNote failure={order.failure} />
        {children}
      </main>
      {live.last && <footer>Seed box software {live.last.status.version}</footer>}
    </div>
  );
}

function Lost({ live, now }: { live: LiveState; now: number }) {
  return (
    <Note tone="failing">
      <p>
        <strong>Not connected to the box.</strong> Trying again by itself.
      </p>
      {live.last && (
        <p class="small">What you see here came {ago(live.last.status.now, now)}.</p>
      )}
    </Note>
  );
}
