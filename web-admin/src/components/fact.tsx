// One named number in a line of them; belongs in a `<dl class="facts">`.

export function Fact({ name, children }: { name: string; children: string }) {
  return (
    <div>
      <dt>{name}: </dt>
      <dd>{children}</dd>
    </div>
  );
}
