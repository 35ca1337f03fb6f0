// Drawn signs, so that no meaning hangs on colour alone. Each has its own outline.

const PATHS = {
  well: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm-4 9.2 2.8 2.8L16.2 9.3",
  starting: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 4.5V12l3 2",
  attention: "M12 3.5 2.6 20h18.8L12 3.5Zm0 6v5m0 2.9v.1",
  failing: "M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3L8.3 3Zm.9 6.2 5.6 5.6m0-5.6-5.6 5.6",
  quiet: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm-3.5 9h7",
  shield: "M12 3 4.5 6v5.5c0 4.6 3.1 8.1 7.5 9.5 4.4-1.4 7.5-4.9 7.5-9.5V6L12 3Zm-3.3 9 2.3 2.3 4.3-4.6",
  community: "M9 11.5a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5Zm-6 7.5c0-3.3 2.7-5.5 6-5.5s6 2.2 6 5.5m.5-13.7a3.25 3.25 0 0 1 0 6.3m2 2.2c2.1.8 3.5 2.6 3.5 5.2",
  unplugged: "M4 20l4-4m1.5-6.5-2 2a3.5 3.5 0 0 0 5 5l2-2m-5-5 5 5m-5-5L7.8 7.8m8.4 8.4-1.7-1.7M20 4l-4 4m-1.5-1.5 3 3a3.5 3.5 0 0 1 0 5",
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration beside words that say the same; never alone. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.9"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
