// The box's name and sign, the same on every page.

export function Brand() {
  return (
    <div class="brand">
      <img src="/favicon.svg" alt="" width="30" height="30" />
      <span>Seed box</span>
    </div>
  );
}
