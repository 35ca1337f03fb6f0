// The door for the owner of a claimed box.
import { useState } from "preact/hooks";
import { box } from "../api";
import { Brand } from "../components/brand";
import { Form, OwnerName, SecretField, SendButton } from "../components/form";
import { FailureNote } from "../components/note";
import { useHeading } from "../heading";
import { useOrder } from "../order";

interface SignInPageProps {
  onSignedIn: () => void;
  /** The box waits for a claim code in place of the password. */
  onNewPassword: () => void;
}

export function SignInPage({ onSignedIn, onNewPassword }: SignInPageProps) {
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
        <Forgotten onNewPassword={onNewPassword} />
      </div>
    </main>
  );
}

function Forgotten({ onNewPassword }: { onNewPassword: () => void }) {
  const [closed, setClosed] = useState(false);
  const look = async () => {
    const claim = await box.claimState();
    if (claim.ok && claim.value.claimable) onNewPassword();
    else setClosed(true);
  };
  return (
    <details>
      <summary>I forgot my password</summary>
      <div class="stack">
        <p class="muted small">
          Only somebody at the box itself can help: hold its button for two seconds, or give the
          command <code>seedbox reset-password</code>. The box then shows a new claim code. Your
          models, wallets and settings stay.
        </p>
        <button type="button" onClick={() => void look()}>
          I have a new code
        </button>
        <p role="status">
          {closed && "The box waits for no code now. Hold its button, then try again at once."}
        </p>
      </div>
    </details>
  );
}
