// The states of torrents and models in plain words, with the tone that gives them sign and colour.
import type { Health, Refusal, Torrent } from "./api";
import type { Tone } from "./components/note";
import { bytes, duration, percent, sentence } from "./format";

export interface Words {
  tone: Tone;
  text: string;
}

const HEALTH: Record<Health, string> = {
  well: "All is well",
  starting: "Starting",
  attention: "Needs your attention",
  failing: "Not working",
};

export function healthWord(health: Health): string {
  return HEALTH[health];
}

/** Whether every byte is here and checked. */
export function isComplete(torrent: Torrent): boolean {
  return torrent.state === "seeding" || torrent.state === "paused";
}

export function torrentWords(torrent: Torrent): Words {
  switch (torrent.state) {
    case "resolving":
      return { tone: "starting", text: "Asking others what is in it" };
    case "downloading":
      return { tone: "starting", text: `Fetching${timeLeft(torrent)}` };
    case "seeding":
      return { tone: "well", text: "Here and shared with others" };
    case "paused":
      return { tone: "well", text: "Here, shared when somebody asks" };
    case "repairing":
      return { tone: "attention", text: "Damaged on the disk, being repaired" };
    case "failed":
      return { tone: "failing", text: sentence(`Stopped: ${torrent.error ?? "reason unknown"}`) };
  }
}

function timeLeft(torrent: Torrent): string {
  const missing = torrent.size - torrent.have;
  if (torrent.peers === 0) return ", but nobody who has it is there now";
  if (torrent.download_rate < 1 || missing <= 0) return "";
  return `, about ${duration(missing / torrent.download_rate)} left`;
}

/** The name, which strangers wrote, or its hash where there is none yet. */
export function torrentName(torrent: { name: string; info_hash: string }): string {
  return torrent.name.trim() || `Unnamed (${torrent.info_hash.slice(0, 8)}…)`;
}

export function keepWords(torrent: Torrent): { text: string; yours: boolean } {
  switch (torrent.keep) {
    case "owned":
      return { text: "Protected: on your land", yours: true };
    case "accepted":
      return { text: "Protected: added by you", yours: true };
    case "community":
      return { text: "Community", yours: false };
  }
}

/** Whether a model that stands on owned land is safe on this box. */
export function safety(torrent: Torrent | undefined, refusal: Refusal | undefined): Words {
  if (torrent !== undefined && isComplete(torrent)) return { tone: "well", text: "Safe here" };
  if (refusal !== undefined && (torrent === undefined || torrent.state === "failed")) {
    return { tone: "failing", text: `Not secured. ${sentence(refusal.detail)}` };
  }
  if (torrent === undefined) return { tone: "starting", text: "Waiting to be secured" };
  switch (torrent.state) {
    case "failed":
      return {
        tone: "failing",
        text: `Not secured. ${sentence(torrent.error ?? "the reason is unknown")}`,
      };
    case "repairing":
      return { tone: "attention", text: "Damaged on the disk, being repaired" };
    default:
      return {
        tone: "starting",
        text:
          torrent.size > 0
            ? `Being secured: ${percent(torrent.have, torrent.size)}% of ${bytes(torrent.size)}`
            : "Being secured: looking for it",
      };
  }
}
