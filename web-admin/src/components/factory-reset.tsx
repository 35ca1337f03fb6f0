// Making the box as new, for whoever gets it next.
import { useState } from "preact/hooks";
import { box } from "../api";
import { Confirm } from "./confirm";
import { CheckBox } from "./form";
import { Note } from "./note";

export function FactoryReset() {
  const [asking, setAsking] = useState(false);
  const [external, setExternal] = useState(false);
  const [ordered, setOrdered] = useState(false);
  return (
    <section class="card" aria-labelledby="factory-reset">
      <div class="heading">
        <h2 id="factory-reset">Factory reset</h2>
      </div>
      {ordered ? (
        <Note tone="starting" role="status">
          <p>
            <strong>The box is being reset.</strong> In a minute it asks for a claim code. The old
            one no longer works; the new one is where you found the first.
          </p>
        </Note>
      ) : (
        <>
          <p>
            Makes the box as new, for instance before you give it away: your password, your wallets,
            its settings and the models on it are deleted.
          </p>
          <button type="button" onClick={() => setAsking(true)}>
            Reset this box…
          </button>
        </>
      )}
      {asking && (
        <Confirm
          title="Make this box as new?"
          action="Reset the box"
          busyText="Resetting…"
          keep="Keep everything"
          order={() => box.factoryReset(external)}
          onDone={() => setOrdered(true)}
          onClose={() => setAsking(false)}
        >
          <p>
            This cannot be undone. What stands on your land is fetched again only if another box
            still has it.
          </p>
          <CheckBox
            label="Also delete the models on disks that are plugged into the box"
            value={external}
            onValue={setExternal}
          />
        </Confirm>
      )}
    </section>
  );
}
