// Bytes as they stand in URLs (RFC 4648, section 5), without padding.
import { FormatError, ensure, unbase64 } from "../bytes";

export function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** Throws a `FormatError` if it is none, or one spelt otherwise than it is written. */
export function unbase64url(text: string): Uint8Array<ArrayBuffer> {
  ensure(/^[A-Za-z0-9_-]*$/.test(text), "this is not base64url");
  try {
    const bytes = unbase64(text.replace(/-/g, "+").replace(/_/g, "/"));
    // Bits that are left over at the end must be zeros, so that a text has one spelling.
    ensure(base64url(bytes) === text, "this is not base64url");
    return bytes;
  } catch {
    throw new FormatError("this is not base64url");
  }
}
