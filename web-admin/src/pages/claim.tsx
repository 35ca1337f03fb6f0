// First visit: whoever can read the box's claim code becomes its owner and chooses a password.
import { useState } from "preact/hooks";
import { box } from "../api";
import { claimCode, grouped, wrongCode, wrongPassword, wrongRepeat } from "../check";
import { Brand } from "../components/brand";
import { Form, OwnerName, SecretField, SendButton, TextField } from "../components/form";
import { FailureNote } from "../components/note";
import { useHeading } from "../heading";
import { useOrder } from "../order";

export function ClaimPage({ again = false, onSignedIn, onClaimedBefore }: ClaimPageProps) {
  const heading = useHeading(again ? "New password" : "Welcome");
  const [code, setCode] = useState("");
  const [password, setPassword] = useState("");
  const [repeat, setRepeat] = useState("");
  const [tried, setTried] = useState(false);
  const order = useOrder(box.claim);
  const wrong = {
    code: wrongCode(code),
    password: wrongPassword(password),
    repeat: wrongRepeat(password, repeat),
  };
  const shown = tried ? wrong : { code: undefined, password: undefined, repeat: undefined };

  const send = async () => {
    const outcome = await order.run(claimCode(code), password);
    if (outcome?.ok) onSignedIn();
    else if (outcome?.failure.kind === "already-claimed") onClaimedBefore();
  };

  return (
    <main class="door">
      <Brand />
      <div class="card">
        <div class="stack">
          <h1 ref={heading} tabIndex={-1}>
            {again ? "Choose a new password." : "Welcome. Make this box yours."}
          </h1>
          <p class="muted">
            {again
              ? "Models, wallets and settings stay. Whoever was signed in has to sign in again."
              : "You need this only once. The box is already at work; it just waits for its owner."}
          </p>
        </div>
        <Form
          label="Claim this box"
          valid={!Object.values(wrong).some(Boolean)}
          onWrong={() => setTried(true)}
          onSend={() => void send()}
        >
          <TextField
            label="Claim code"
            hint="The box writes it to its log when it starts; seedbox claim-code shows it too. Capitals and dashes do not matter."
            placeholder="XXXX-XXXX-XXXX-XXXX"
            code
            value={code}
            onValue={setCode}
            onLeave={() => setCode(grouped(claimCode(code)))}
            error={shown.code}
          />
          <OwnerName />
          <SecretField
            label="New password"
            hint="At least 8 characters. A few words that only you would put together are best."
            autocomplete="new-password"
            value={password}
            onValue={setPassword}
            error={shown.password}
          />
          <SecretField
            label="New password again"
            autocomplete="new-password"
            value={repeat}
            onValue={setRepeat}
            error={shown.repeat}
          />
          <FailureNote failure={order.failure} />
          <SendButton busy={order.busy} busyText="One moment…" wait={order.wait}>
            Make it mine
          </SendButton>
        </Form>
      </div>
    </main>
  );
}

interface ClaimPageProps {
  /** The box has an owner, who forgot the password. */
  again?: boolean;
  onSignedIn: () => void;
  /** Somebody was faster. */
  onClaimedBefore: () => void;
}
