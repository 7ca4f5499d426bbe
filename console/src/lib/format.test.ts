import { expect, test } from "vitest";

import {
  formatAge,
  formatChange,
  formatCompact,
  formatInteger,
  formatNumber,
  formatRate,
  formatShare,
  formatWindow,
  plural,
} from "./format";

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

test.each([
  [120, 100, "+20%"],
  [50, 100, "−50%"],
  [100, 100, "0%"],
  [-50, -100, "+50%"],
  [1, 3, "−66.7%"],
  [5, 0, null],
  [null, 5, null],
  [5, null, null],
])("given %s after %s then the change is %s", (now, before, text) => {
  expect(formatChange(now, before)).toBe(text);
});

test.each([
  [0, "0", "0"],
  [0.01234, "0.0123", "0.0123"],
  [12.345, "12.35", "12.35"],
  [999, "999", "999"],
  [1234567.891, "1,234,567.89", "1.2M"],
  [-2500, "-2,500", "-2.5K"],
])("given the number %d then it is as exact as it is worth reading", (value, text, compact) => {
  expect(formatNumber(value)).toBe(text);
  expect(formatCompact(value)).toBe(compact);
});
