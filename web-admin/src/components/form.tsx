// The parts of every form: a labelled field with its hint and its error, a password that can be
// shown, a button that waits; wired so that a screen reader hears what an eye sees.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon } from "./icon";

interface FormProps {
  /** Name of the form for assistive technology. */
  label: string;
  /** Whether everything typed is usable. */
  valid: boolean;
  /** Called instead of `onSend` while it is not, to show the errors. */
  onWrong: () => void;
  onSend: () => void;
  children: ComponentChildren;
}

export function Form({ label, valid, onWrong, onSend, children }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const [wrong, setWrong] = useState(0);
  useEffect(() => {
    if (wrong > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [wrong]);
  return (
    <form
      ref={form}
      aria-label={label}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (valid) return onSend();
        onWrong();
        setWrong(wrong + 1);
      }}
    >
      {children}
    </form>
  );
}

interface Told {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
}

/** What ties an input to its label, hint and error. */
interface Tie {
  id: string;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
}

function Field({ label, hint, error, children }: Told & { children: (tie: Tie) => ComponentChildren }) {
  const id = useId();
  const tie = { id, "aria-invalid": error !== undefined, "aria-describedby": describedBy(id, hint, error) };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <Hint id={`${id}-hint`}>{hint}</Hint>
      {children(tie)}
      <Wrong id={`${id}-wrong`}>{error}</Wrong>
    </div>
  );
}

interface TextFieldProps extends Told {
  value: string;
  onValue: (value: string) => void;
  onLeave?: () => void;
  placeholder?: string;
  autocomplete?: string;
  inputMode?: "text" | "url";
  code?: boolean;
}

export function TextField(props: TextFieldProps) {
  return (
    <Field {...props}>
      {(tie) => (
        <input
          {...tie}
          type="text"
          class={props.code ? "code" : "mono"}
          value={props.value}
          placeholder={props.placeholder}
          autocomplete={props.autocomplete ?? "off"}
          autocapitalize={props.code ? "characters" : "none"}
          autocorrect="off"
          spellcheck={false}
          inputMode={props.inputMode}
          onInput={(event) => props.onValue(event.currentTarget.value)}
          onBlur={props.onLeave}
        />
      )}
    </Field>
  );
}

interface SecretFieldProps extends Told {
  value: string;
  onValue: (value: string) => void;
  autocomplete: "new-password" | "current-password";
  /** Whether it takes the focus when it appears. */
  eager?: boolean;
}

const TEXT = { type: "text" } as const;
const PASSWORD = { type: "password" } as const;

/** A password, with a button to look at it: typing blindly is where people give up. */
export function SecretField(props: SecretFieldProps) {
  const input = useRef<HTMLInputElement>(null);
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (props.eager) input.current?.focus();
  }, []);
  return (
    <Field {...props}>
      {(tie) => (
        <div class="secret">
          <input
            {...tie}
            {...(shown ? TEXT : PASSWORD)}
            ref={input}
            value={props.value}
            autocomplete={props.autocomplete}
            autocapitalize="none"
            spellcheck={false}
            onInput={(event) => props.onValue(event.currentTarget.value)}
          />
          <button type="button" aria-pressed={shown} onClick={() => setShown(!shown)}>
            {shown ? "Hide" : "Show"}
            <span class="only-spoken"> {props.label.toLowerCase()}</span>
          </button>
        </div>
      )}
    </Field>
  );
}

interface FileFieldProps extends Told {
  accept: string;
  onFile: (file: File | null) => void;
}

export function FileField(props: FileFieldProps) {
  return (
    <Field {...props}>
      {(tie) => (
        <input
          {...tie}
          type="file"
          accept={props.accept}
          onChange={(event) => props.onFile(event.currentTarget.files?.[0] ?? null)}
        />
      )}
    </Field>
  );
}

interface CheckBoxProps {
  label: string;
  value: boolean;
  onValue: (value: boolean) => void;
}

export function CheckBox({ label, value, onValue }: CheckBoxProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={value}
        onChange={(event) => onValue(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}

/** The box has one owner and asks for no name; a password manager wants one to remember. */
export function OwnerName() {
  return <input type="text" name="username" autocomplete="username" value="owner" hidden readOnly />;
}

function describedBy(id: string, hint: ComponentChildren, error: string | undefined) {
  const ids = [hint && `${id}-hint`, error !== undefined && `${id}-wrong`].filter(Boolean);
  return ids.length > 0 ? ids.join(" ") : undefined;
}

function Hint({ id, children }: { id: string; children: ComponentChildren }) {
  return children ? (
    <p class="hint" id={id}>
      {children}
    </p>
  ) : null;
}

export function Wrong({ id, children }: { id: string; children: ComponentChildren }) {
  return children ? (
    <p class="wrong" id={id}>
      <Icon name="failing" />
      <span>{children}</span>
    </p>
  ) : null;
}

interface SendButtonProps {
  children: ComponentChildren;
  /** What it says while the box works. */
  busyText: string;
  busy: boolean;
  /** Seconds until the box takes another try. */
  wait?: number;
  kind?: "main" | "grave";
}

/** Sends its form. It stays focusable while it cannot, so that the keyboard loses no place. */
export function SendButton({ children, busyText, busy, wait = 0, kind = "main" }: SendButtonProps) {
  const held = busy || wait > 0;
  return (
    <button
      type="submit"
      class={kind}
      aria-disabled={held}
      onClick={(event) => {
        if (held) event.preventDefault();
      }}
    >
      {busy ? busyText : wait > 0 ? `Wait ${wait} s` : children}
    </button>
  );
}
