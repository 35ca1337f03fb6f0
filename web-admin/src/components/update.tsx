// The box's own system: what runs, what could run instead, and what became of the last change.
import { useState } from "preact/hooks";
import { type Update, box } from "../api";
import { bytes, sentence } from "../format";
import { useOrder } from "../order";
import { Confirm } from "./confirm";
import { Fact } from "./fact";
import { Form, FileField, SendButton } from "./form";
import { FailureNote, Note } from "./note";

interface UpdateProps {
  update: Update;
  /** The box's clock, Unix seconds. */
  now: number;
}

export function UpdateCard({ update, now }: UpdateProps) {
  return (
    <section class="card" aria-labelledby="update">
      <div class="heading">
        <h2 id="update">Software</h2>
      </div>
      <dl class="facts">
        <Fact name="Version">{update.version}</Fact>
        {update.slot !== null && <Fact name="Slot">{update.slot}</Fact>}
      </dl>
      {update.supported ? (
        <>
          <Last update={update} />
          <Phase update={update} now={now} />
        </>
      ) : (
        <p class="muted">This box is updated the way it was installed, not from this page.</p>
      )}
    </section>
  );
}

function Last({ update: { last, phase } }: { update: Update }) {
  const order = useOrder(box.discardUpdate);
  if (last === null) return null;
  const understood = phase === "idle" && (
    <>
      <FailureNote failure={order.failure} />
      <div class="row">
        <button
          type="button"
          class="slim"
          aria-disabled={order.busy}
          onClick={() => void order.run()}
        >
          Understood
        </button>
      </div>
    </>
  );
  const which = last.version === null ? "The update" : `Version ${last.version}`;
  switch (last.result) {
    case "confirmed":
      return (
        <Note tone="well">
          <p>{which} was installed and works.</p>
        </Note>
      );
    case "rolled-back":
      return (
        <Note tone="failing">
          <p>
            <strong>{which} did not work. The box went back to the version before.</strong>
          </p>
          <p class="small">{sentence(last.reason ?? "the reason is unknown")} Nothing was lost.</p>
          {understood}
        </Note>
      );
    case "failed":
      return (
        <Note tone="attention">
          <p>
            <strong>{which} was not installed.</strong> Everything is as it was.
          </p>
          <p class="small">{sentence(last.reason ?? "the reason is unknown")}</p>
          {understood}
        </Note>
      );
  }
}

function Phase({ update, now }: UpdateProps) {
  const version = update.bundle?.version ?? "";
  switch (update.phase) {
    case "idle":
      return <Offer update={update} />;
    case "receiving": {
      const { received, size } = update;
      const words = `Taking it in: ${bytes(received ?? 0)}${size === null ? "" : ` of ${bytes(size)}`}`;
      return <Progress words={words} share={size ? (received ?? 0) / size : null} />;
    }
    case "verifying":
      return <Progress words="Checking its signature" share={null} />;
    case "verified":
      return <Checked update={update} />;
    case "installing":
      return (
        <Progress
          words={`Installing version ${version}`}
          share={update.percent === null ? null : update.percent / 100}
        />
      );
    case "installed":
      return <Restart update={update} now={now} />;
    case "trying":
      return (
        <Note tone="starting">
          <p>
            Version {version} is being tried. If it does not work, the box goes back to the version
            before by itself.
          </p>
        </Note>
      );
  }
}

function Progress({ words, share }: { words: string; share: number | null }) {
  return (
    <div class="stack tight">
      <p role="status">{words}…</p>
      <progress aria-label={words} max={1} value={share ?? undefined} />
    </div>
  );
}

/** A file from this computer, or from a disk in the box. */
function Offer({ update }: { update: Update }) {
  const [file, setFile] = useState<File | null>(null);
  const [tried, setTried] = useState(false);
  const upload = useOrder(box.uploadUpdate);
  const fetch = useOrder(box.fetchUpdate);
  return (
    <>
      <Form
        label="Update from a file"
        valid={file !== null}
        onWrong={() => setTried(true)}
        onSend={() => file && void upload.run(file)}
      >
        <FileField
          label="Update file"
          hint="Its name ends in .raucb. The box takes only what is signed for it, and installs nothing before you say so."
          accept=".raucb"
          onFile={(chosen) => {
            setFile(chosen);
            upload.clear();
          }}
          error={tried && file === null ? "Choose a file." : undefined}
        />
        <FailureNote failure={upload.failure} />
        <div class="row">
          <SendButton busy={upload.busy} busyText="Sending…">
            Send to the box
          </SendButton>
        </div>
      </Form>
      {update.found.length > 0 && (
        <div class="stack tight">
          <h3>On disks in the box</h3>
          <ul class="lines">
            {update.found.map(({ path, size }) => (
              <li key={path} class="item">
                <span class="mono">
                  {path} ({bytes(size)})
                </span>
                <button
                  type="button"
                  class="slim"
                  aria-label={`Use ${path}`}
                  aria-disabled={fetch.busy}
                  onClick={() => void fetch.run(path)}
                >
                  Use this
                </button>
              </li>
            ))}
          </ul>
          <FailureNote failure={fetch.failure} />
        </div>
      )}
    </>
  );
}

function Checked({ update }: { update: Update }) {
  const [asking, setAsking] = useState(false);
  const install = useOrder(() => box.installUpdate(false));
  const discard = useOrder(box.discardUpdate);
  const { version = "", notes = "", downgrade = false } = update.bundle ?? {};
  return (
    <>
      {downgrade ? (
        <Note tone="attention">
          <p>
            <strong>Version {version} is older than {update.version}, which runs.</strong> It may lack
            repairs, also of security, and may not read what the newer one has written.
          </p>
        </Note>
      ) : (
        <p>
          <strong>Version {version} is ready to be installed.</strong> Its signature is right. The box
          goes on working meanwhile.
        </p>
      )}
      {notes !== "" && <p class="muted">{notes}</p>}
      <FailureNote failure={install.failure ?? discard.failure} />
      <div class="row">
        <button
          type="button"
          class={downgrade ? "grave" : "main"}
          aria-disabled={install.busy}
          onClick={() => (downgrade ? setAsking(true) : void install.run())}
        >
          {downgrade ? "Install the older version…" : "Install"}
        </button>
        <button type="button" aria-disabled={discard.busy} onClick={() => void discard.run()}>
          Do not install
        </button>
      </div>
      {asking && (
        <Confirm
          title="Install an older version?"
          action="Install it"
          busyText="One moment…"
          keep="Keep the newer"
          order={() => box.installUpdate(true)}
          onDone={() => {}}
          onClose={() => setAsking(false)}
        >
          <p>
            The box goes back from {update.version} to {version}.
          </p>
        </Confirm>
      )}
    </>
  );
}

/** Three o'clock in the night that comes, by this browser's clock, on the box's. */
export function tonight(boxNow: number, here: Date): number {
  const night = new Date(here);
  night.setHours(3, 0, 0, 0);
  if (night <= here) night.setDate(night.getDate() + 1);
  return Math.round(boxNow + (night.getTime() - here.getTime()) / 1000);
}

function Restart({ update, now }: UpdateProps) {
  const [restarting, setRestarting] = useState(false);
  const order = useOrder(box.restartIntoUpdate);
  const cancel = useOrder(box.cancelRestart);
  const restart = async (at: number | null) => {
    const outcome = await order.run(at);
    if (outcome?.ok && at === null) setRestarting(true);
  };
  const at = update.restart_at;
  return (
    <>
      <Note tone="starting">
        <p>
          <strong>Version {update.bundle?.version} is installed.</strong>{" "}
          {restarting
            ? "The box restarts now and is away for some minutes."
            : "It runs after a restart; until then everything goes on as before."}
        </p>
        {at !== null && !restarting && (
          <p class="small">The box restarts by itself {when(at, now, new Date())}.</p>
        )}
      </Note>
      <FailureNote failure={order.failure ?? cancel.failure} />
      <div class="row">
        <button
          type="button"
          class="main"
          aria-disabled={order.busy || restarting}
          onClick={() => !restarting && void restart(null)}
        >
          Restart now
        </button>
        {at === null ? (
          <button
            type="button"
            aria-disabled={order.busy || restarting}
            onClick={() => !restarting && void restart(tonight(now, new Date()))}
          >
            Restart tonight at 3
          </button>
        ) : (
          <button
            type="button"
            aria-disabled={cancel.busy || restarting}
            onClick={() => !restarting && void cancel.run()}
          >
            Cancel the planned restart
          </button>
        )}
      </div>
    </>
  );
}

/** A moment of the box's clock in the words of this browser's. */
function when(at: number, boxNow: number, here: Date): string {
  const moment = new Date(here.getTime() + (at - boxNow) * 1000);
  return `on ${moment.toLocaleString("en", { weekday: "long", hour: "numeric", minute: "2-digit" })}`;
}
