// The primitives answer as their standards say; in a browser the same runs by `known-answers-browser.mjs`.
import { expect, test } from "vitest";
import { checkKnownAnswers } from "./known-answers";

test("every primitive gives its known answers", () => {
  expect(checkKnownAnswers()).toHaveLength(7);
}, 60_000);
