// How this browser reaches a box: by WebTransport where it can, else by a WebSocket. Section 2 of
// docs/PROTOCOL.md.
import { type Carrier, firstCarrier, webSocketCarrier } from "./carrier";
import { WEBTRANSPORT_URL, webTransportCarrier } from "./webtransport";

/** What the page can open. */
export interface Abilities {
  hasWebTransport: boolean;
  /** A page from `https:` may open no `ws:`. */
  isFromHttps: boolean;
}

/** Those of a box's URLs that the page can open, best first. */
export function usableUrls(urls: string[], { hasWebTransport, isFromHttps }: Abilities): string[] {
  const streams = hasWebTransport ? urls.filter((url) => WEBTRANSPORT_URL.test(url)) : [];
  return [...streams, ...urls.filter((url) => url.startsWith("wss:") || (url.startsWith("ws:") && !isFromHttps))];
}

/** Where UDP is blocked, that is found out once. */
const failed = new Set<string>();

/** Opens the first URL that leads to the box. */
export function browserCarrier(
  urls: string[],
  after: (milliseconds: number, action: () => void) => () => void,
): Carrier {
  const abilities = {
    hasWebTransport: "WebTransport" in globalThis,
    isFromHttps: globalThis.location?.protocol === "https:",
  };
  const open = (url: string) => (url.startsWith("https:") ? webTransportCarrier(url) : webSocketCarrier(url));
  return firstCarrier(usableUrls(urls, abilities), open, after, failed);
}
