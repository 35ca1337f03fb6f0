// What the owner types, checked before it is sent: each check answers in words what to change, or
// nothing. The box checks everything again.
import type { Volume } from "./api";
import { GIGABYTE, bytes, plural } from "./format";

const CODE_LENGTH = 16;
const PASSWORD_LEAST = 8;
const PASSWORD_MOST = 1024;

/** A claim code as the box reads it: Crockford base32, without dashes, I and L as 1, O as 0. */
export function claimCode(typed: string): string {
  return typed
    .toUpperCase()
    .replace(/[\s-]/g, "")
    .replace(/[IL]/g, "1")
    .replace(/O/g, "0");
}

/** A claim code in groups of four, as the box shows it. */
export function grouped(code: string): string {
  return code.match(/.{1,4}/g)?.join("-") ?? "";
}

export function wrongCode(typed: string): string | undefined {
  const code = claimCode(typed);
  if (code === "") return "Type the code that the box shows.";
  const stranger = /[^0-9A-HJKMNP-TV-Z]/.exec(code)?.[0];
  if (stranger !== undefined) return `The code has only letters and digits, and no “${stranger}”.`;
  if (code.length === CODE_LENGTH) return undefined;
  return `The code has ${CODE_LENGTH} letters and digits; this has ${code.length}.`;
}

export function wrongPassword(typed: string): string | undefined {
  if (typed === "") return "Choose a password.";
  const length = new TextEncoder().encode(typed).length;
  if (length < PASSWORD_LEAST) return `Use at least ${PASSWORD_LEAST} characters.`;
  if (length > PASSWORD_MOST) return "This is too long. Use at most 1,000 characters.";
  return undefined;
}

export function wrongRepeat(typed: string, repeated: string): string | undefined {
  if (repeated === "") return "Type the password a second time.";
  return typed === repeated ? undefined : "The two passwords differ.";
}

export function wrongAddress(typed: string): string | undefined {
  const address = typed.trim();
  if (address === "") return "Paste the address of a wallet.";
  if (/\.eth$/i.test(address)) {
    return "This is a name. Paste the address behind it, which starts with 0x.";
  }
  if (!address.startsWith("0x")) return "A wallet address starts with 0x.";
  const digits = address.slice(2);
  if (/[^0-9a-f]/i.test(digits)) {
    return "After 0x, a wallet address has only the digits 0–9 and the letters a–f.";
  }
  if (digits.length !== 40) {
    return `A wallet address has 40 characters after 0x; this has ${digits.length}.`;
  }
  return undefined;
}

export function wrongMagnet(typed: string): string | undefined {
  const magnet = typed.trim();
  if (magnet === "") return "Paste a magnet link.";
  if (!/^magnet:\?/i.test(magnet)) return "A magnet link starts with magnet:?";
  if (/[?&]xt(\.\d+)?=urn:btih:([0-9a-f]{40}|[2-7a-z]{32})(&|$)/i.test(magnet)) return undefined;
  return "This magnet link names no torrent: it needs xt=urn:btih: and the torrent’s hash.";
}

/** Bytes of a typed number of gigabytes; `null` if it is none. A comma counts as a point. */
export function quotaOf(typed: string): number | null {
  const text = typed.trim().replace(",", ".");
  if (!/^\d+(\.\d*)?$|^\.\d+$/.test(text)) return null;
  const quota = Math.round(Number(text) * GIGABYTE);
  return Number.isSafeInteger(quota) ? quota : null;
}

/** The most that a volume can give: what the box holds there and what the disk still has free
 * beyond its reserve. Bytes promised but not yet fetched count on both sides, so it is an upper
 * bound; the box itself never goes beyond the disk. */
export function mostOf(volume: Volume): number {
  const held = volume.protected + volume.community;
  return Math.max(volume.quota, held + Math.max(0, (volume.disk_free ?? 0) - volume.reserve));
}

export interface Consequence {
  /** Whether the box can do it. */
  possible: boolean;
  text: string;
}

/** What a new quota will do, said before it is done. */
export function consequence(volume: Volume, quota: number | null): Consequence {
  const held = volume.protected + volume.community;
  if (quota === null) return { possible: false, text: "Type a number of gigabytes, such as 50." };
  if (quota < volume.protected) {
    const text = `Your own models take ${bytes(volume.protected)} here, and the box never deletes them. Give at least that much.`;
    return { possible: false, text };
  }
  if (quota > mostOf(volume)) {
    const text = `This disk has room for about ${bytes(mostOf(volume))}.`;
    return { possible: false, text };
  }
  if (quota < held) {
    const text = `${bytes(held - quota)} of community data will be deleted to make room. Your own models stay.`;
    return { possible: true, text };
  }
  if (quota === volume.quota) return { possible: true, text: "This is how it is now." };
  const text = `Nothing is deleted. ${bytes(quota - held)} will be free for your models and for the community.`;
  return { possible: true, text };
}

/** Seconds to wait, as a sentence. */
export function waitText(seconds: number): string {
  const wait = seconds < 120 ? plural(seconds, "second") : plural(Math.ceil(seconds / 60), "minute");
  return `Too many tries. Wait ${wait}, then try again.`;
}
