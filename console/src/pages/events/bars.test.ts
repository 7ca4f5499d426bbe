import { expect, test } from "vitest";

import { asBars, unitOf } from "./bars";

const NOON = Date.parse("2026-01-02T12:00:00Z");
const HOUR = 3_600_000;

test.each([
  [HOUR, "minute"],
  [3 * HOUR, "minute"],
  [24 * HOUR, "hour"],
  [5 * 24 * HOUR, "hour"],
  [30 * 24 * HOUR, "day"],
])("given %i ms then they are shown by the %s", (length, unit) => {
  expect(unitOf({ since: NOON - length, until: null }, NOON)).toBe(unit);
});

test("given all time then it is shown by the day", () => {
  expect(unitOf({ since: null, until: null }, NOON)).toBe("day");
});

test("given counts of several types then each step has their sum, and a step without events is 0", () => {
  const buckets = [
    { bucket: "2026-01-02T11:00:00+00:00", events: 5 },
    { bucket: "2026-01-02T09:00:00+00:00", events: 2 },
    { bucket: "2026-01-02T09:00:00+00:00", events: 1 },
  ];
  const range = { since: NOON - 3 * HOUR + 1, until: null };
  expect(asBars(buckets, "hour", range, NOON)).toEqual({ unit: "hour", from: NOON - 3 * HOUR, counts: [3, 0, 5] });
});

test("given all time then it begins with the first event", () => {
  const bars = asBars([{ bucket: "2026-01-01T00:00:00Z", events: 1 }], "day", { since: null, until: null }, NOON);
  expect(bars?.counts).toEqual([1, 0]);
});

test("given more steps than can be shown, or none, then there are no bars", () => {
  const old = [{ bucket: "2001-01-01T00:00:00Z", events: 1 }];
  expect(asBars(old, "day", { since: null, until: null }, NOON)).toBeNull();
  expect(asBars([], "hour", { since: NOON + HOUR, until: null }, NOON)).toBeNull();
});
