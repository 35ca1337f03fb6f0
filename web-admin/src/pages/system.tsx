// The box itself: what an owner does to it a few times in its life.
import { FactoryReset } from "../components/factory-reset";
import { useHeading } from "../heading";

export function SystemPage() {
  const heading = useHeading("System");
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        System
      </h1>
      <FactoryReset />
    </>
  );
}
