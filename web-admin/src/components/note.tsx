// A message that stands out: news, a warning, an error; with a sign as well as a colour.
import type { ComponentChildren } from "preact";
import type { Failure } from "../api";
import { Icon } from "./icon";

export type Tone = "well" | "starting" | "attention" | "failing" | "quiet";

interface NoteProps {
  tone: Tone;
  /** `alert` interrupts a screen reader, `status` waits; leave it out for what was there at first. */
  role?: "alert" | "status";
  children: ComponentChildren;
}

export function Note({ tone, role, children }: NoteProps) {
  return (
    <div class="note" data-tone={tone} role={role}>
      <Icon name={tone} />
      <div class="stack tight">{children}</div>
    </div>
  );
}

/** What went wrong with the last order, if anything. */
export function FailureNote({ failure }: { failure: Failure | null }) {
  if (failure === null) return null;
  return (
    <Note tone="failing" role="alert">
      <p>{failure.text}</p>
    </Note>
  );
}

/** A short state in words, with its sign. */
export function Said({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class="said" data-tone={tone}>
      <Icon name={tone} />
      <span>{children}</span>
    </span>
  );
}
