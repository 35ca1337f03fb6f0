// What a page does when it appears: names itself in the browser's tab and takes the focus, so that
// a screen reader hears where it is.
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** Gives the ref for the page's `<h1 tabIndex={-1}>`. */
export function useHeading(title: string): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Seed box`;
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title]);
  return heading;
}
