// Which page is shown, kept after the # of the address so that the box needs no page of its own
// for each and the browser's back button works.
import { useEffect, useState } from "preact/hooks";

export const PAGES = {
  home: "Home",
  wallets: "Wallets",
  torrents: "Torrents",
  system: "System",
} as const;

export type Page = keyof typeof PAGES;

/** The page that a `location.hash` names; home if it names none. */
export function pageOf(hash: string): Page {
  const name = hash.replace(/^#\/?/, "");
  return Object.hasOwn(PAGES, name) ? (name as Page) : "home";
}

/** The address of a page inside the panel. */
export function link(page: Page): string {
  return `#/${page}`;
}

/** The page shown now. */
export function usePage(): Page {
  const [page, setPage] = useState(() => pageOf(location.hash));
  useEffect(() => {
    const follow = () => setPage(pageOf(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return page;
}
