import { expect, test } from "vitest";

import { PRESETS, readPeriod, writePeriod, yesterday, type Period } from "./period";

test.each(Object.keys(PRESETS))("given the preset %s then it is read, and written as it was", (name) => {
  const period = readPeriod(name);
  expect(period && writePeriod(period)).toBe(name);
});

test.each<[string, Period]>([
  ["last-12-week", { kind: "last", count: 12, unit: "week" }],
  ["rolling-90-minute", { kind: "rolling", count: 90, unit: "minute" }],
  ["this-year", { kind: "this", unit: "year" }],
  ["2026-01-01T00:00~2026-01-02T12:30:15", { kind: "fixed", since: "2026-01-01T00:00", until: "2026-01-02T12:30:15" }],
])("given %s then it is that period", (text, period) => {
  expect(readPeriod(text)).toEqual(period);
});

test.each(["", "day", "last-day", "last-7-days", "last-0-day", "last-3661-day", "this-7-day", "next-1-day", "2026-01-01~2026-01-02"])(
  "given %s then it is none",
  (text) => {
    expect(readPeriod(text)).toBeUndefined();
  },
);

test.each([
  ["Pacific/Auckland", "2026-03-02T00:00", "2026-03-03T00:00"],
  ["America/Los_Angeles", "2026-03-01T00:00", "2026-03-02T00:00"],
])("given noon in London then yesterday is a day of %s", (zone, since, until) => {
  expect(yesterday(Date.parse("2026-03-02T12:00:00Z"), zone)).toEqual({ kind: "fixed", since, until });
});
