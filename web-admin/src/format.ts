// Numbers in the words of a person at home: decimal bytes as on a disk's box, durations in words.

/** One gigabyte as disks are sold, in bytes. */
export const GIGABYTE = 1_000_000_000;

const UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB"] as const;

/** `1234567890` → `1.23 GB`: three digits that matter, never rounded up to the next thousand. */
export function bytes(count: number): string {
  const total = Math.max(0, Math.round(count));
  let unit = 0;
  while (unit < UNITS.length - 1 && total >= 1000 ** (unit + 1)) unit += 1;
  if (unit === 0) return plural(total, "byte");
  const whole = total / 1000 ** unit;
  const scale = whole < 10 ? 100 : whole < 100 ? 10 : 1;
  // Rounded down: what is free is never promised larger than it is.
  return `${Math.floor(total / (1000 ** unit / scale)) / scale} ${UNITS[unit]}`;
}

/** Bytes a second. */
export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

/** A whole number with thousands apart. */
export function count(value: number): string {
  return value.toLocaleString("en");
}

/** `1 parcel`, `2 parcels`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Seconds in words, in the one unit that says enough: `3 minutes`. */
export function duration(seconds: number): string {
  const steps: readonly [number, string][] = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
    [1, "second"],
  ];
  const whole = Math.max(0, Math.floor(seconds));
  for (const [length, name] of steps) {
    // From 90 of the smaller unit on, so that "1 hour" never hides 59 minutes.
    if (whole >= length * (length === 1 ? 0 : 1.5)) return plural(Math.floor(whole / length), name);
  }
  return plural(whole, "second");
}

/** How long ago `then` was, both in seconds since 1970. */
export function ago(then: number, now: number): string {
  const seconds = now - then;
  return seconds < 10 ? "just now" : `${duration(seconds)} ago`;
}

/** A share of a whole in full percent; 100 only when nothing is missing. */
export function percent(part: number, whole: number): number {
  if (whole <= 0) return 0;
  return Math.max(0, Math.min(100, Math.floor((part / whole) * 100)));
}

/** Gigabytes for a number field: at most two decimals. */
export function gigabytes(count: number): number {
  return Math.round((count / GIGABYTE) * 100) / 100;
}

/** `0x1234…abcd`, for a line where the whole address does not fit. */
export function shortAddress(address: string): string {
  return address.length > 12 ? `${address.slice(0, 6)}…${address.slice(-4)}` : address;
}

/** A reason of the box as a sentence, its byte counts in the words of {@link bytes}. */
export function sentence(reason: string): string {
  const sized = reason.replace(/\b(\d{4,})( bytes)?\b/g, (_, digits: string) => bytes(Number(digits)));
  const begun = sized.charAt(0).toUpperCase() + sized.slice(1);
  return /[.!?]$/.test(begun) || begun === "" ? begun : `${begun}.`;
}
