// Asks before something is lost. The box wants a recent password for such orders, so it is asked
// for when, and only when, the box says so.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Outcome, box } from "../api";
import { useOrder } from "../order";
import { Dialog } from "./dialog";
import { Form, OwnerName, SecretField, SendButton } from "./form";
import { FailureNote } from "./note";

interface ConfirmProps {
  title: string;
  /** What the button says, and while the box works. */
  action: string;
  busyText: string;
  /** The way out. */
  keep: string;
  order: () => Promise<Outcome<unknown>>;
  onDone: () => void | Promise<void>;
  onClose: () => void;
  children: ComponentChildren;
}

export function Confirm(props: ConfirmProps) {
  const [asked, setAsked] = useState(false);
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const order = useOrder(async (given: string) => {
    if (given !== "") {
      const signedIn = await box.signIn(given);
      if (!signedIn.ok) return signedIn;
    }
    return props.order();
  });
  const wrong = asked && password === "" ? "Type your password." : undefined;
  const needsPassword = order.failure?.kind === "reauthenticate";

  const send = async () => {
    const outcome = await order.run(password);
    if (outcome === null) return;
    if (outcome.ok) {
      await props.onDone();
      props.onClose();
    } else if (outcome.failure.kind === "reauthenticate") setAsked(true);
  };

  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <Form
        label={props.action}
        valid={wrong === undefined}
        onWrong={() => setTried(true)}
        onSend={() => void send()}
      >
        {props.children}
        {asked && (
          <>
            <OwnerName />
            <SecretField
              label="Password"
              hint="For this the box wants to be sure that it is you."
              autocomplete="current-password"
              eager
              value={password}
              onValue={setPassword}
              error={tried ? wrong : undefined}
            />
          </>
        )}
        <FailureNote failure={needsPassword ? null : order.failure} />
        <div class="choices">
          <button type="button" onClick={props.onClose}>
            {props.keep}
          </button>
          <SendButton kind="grave" busy={order.busy} busyText={props.busyText} wait={order.wait}>
            {props.action}
          </SendButton>
        </div>
      </Form>
    </Dialog>
  );
}
