import { expect, test } from "vitest";

import { formatAge, formatInteger, formatRate, formatShare, formatWindow, plural } from "./format";

test.each([
  [0, "0"],
  [0.04, "0.0"],
  [9.87, "9.9"],
  [99.94, "99.9"],
  [99.95, "100"],
  [12_345.6, "12,346"],
])("given a rate of %d then it reads %s", (rate, text) => {
  expect(formatRate(rate)).toBe(text);
});

test.each([
  [-3, "0 s"],
  [59.9, "59 s"],
  [60, "1 min 0 s"],
  [3599, "59 min 59 s"],
  [3600, "1 h 0 min"],
  [90_061, "25 h 1 min"],
])("given an age of %d seconds then it reads %s", (seconds, text) => {
  expect(formatAge(seconds)).toBe(text);
});

test.each([
  [0, "0%"],
  [0.001, "<1%"],
  [0.005, "1%"],
  [0.394, "39%"],
  [1, "100%"],
])("given a share of %d then it reads %s", (share, text) => {
  expect(formatShare(share)).toBe(text);
});

test.each([
  [300, "5 minutes"],
  [60, "1 minute"],
  [90, "90 seconds"],
  [1, "1 second"],
])("given a window of %d seconds then it reads %s", (seconds, text) => {
  expect(formatWindow(seconds)).toBe(text);
});

test("given large counts then thousands are separated, and one is singular", () => {
  expect(formatInteger(1_234_567)).toBe("1,234,567");
  expect(plural(1, "page view")).toBe("1 page view");
  expect(plural(1000, "page view")).toBe("1,000 page views");
});
