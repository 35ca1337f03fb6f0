// The door for the owner of a claimed box.
import { useState } from "preact/hooks";
import { box } from "../api";
import { Brand } from "../components/brand";
import { Form, OwnerName, SecretField, SendButton } from "../components/form";
import { FailureNote } from "../components/note";
import { useHeading } from "../heading";
import { useOrder } from "../order";

export function SignInPage({ onSignedIn }: { onSignedIn: () => void }) {
  const heading = useHeading("Sign in");
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const order = useOrder(box.signIn);
  const wrong = password === "" ? "Type your password." : undefined;

  const send = async () => {
    const outcome = await order.run(password);
    if (outcome?.ok) onSignedIn();
  };

  return (
    <main class="door">
      <Brand />
      <div class="card">
        <h1 ref={heading} tabIndex={-1}>
          Sign in
        </h1>
        <Form
          label="Sign in"
          valid={wrong === undefined}
          onWrong={() => setTried(true)}
          onSend={() => void send()}
        >
          <OwnerName />
          <SecretField
            label="Password"
            autocomplete="current-password"
            value={password}
            onValue={setPassword}
            error={tried ? wrong : undefined}
          />
          <FailureNote failure={order.failure} />
          <SendButton busy={order.busy} busyText="One moment…" wait={order.wait}>
            Sign in
          </SendButton>
        </Form>
        <details>
          <summary>I forgot my password</summary>
          <p class="muted small">
            Only somebody at the box itself can help: the command <code>seedbox reset-password</code>{" "}
            makes the box show a new claim code. Your models, wallets and settings stay.
          </p>
        </details>
      </div>
    </main>
  );
}
