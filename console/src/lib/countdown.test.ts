import { expect, test } from "vitest";

import { fractionLeft, secondsLeft } from "./countdown";

test.each([
  [30_000, 0, 30],
  [30_000, 1, 30],
  [30_000, 1_000, 29],
  [30_000, 29_999, 1],
  [30_000, 30_000, 0],
  [30_000, 45_000, 0],
])("given a refresh due at %d then at %d there are %d seconds left", (due, now, seconds) => {
  expect(secondsLeft(due, now)).toBe(seconds);
});

test.each([
  [0, 1],
  [15_000, 0.5],
  [30_000, 0],
  [99_000, 0],
  [-5_000, 1],
])("given 30 s due at 30 s then at %d the fraction left is %d", (now, fraction) => {
  expect(fractionLeft(30_000, now, 30_000)).toBe(fraction);
});
