import { expect, test } from "vitest";

import { formatTick } from "../../lib/format";
import { formatPoint, isCount, linesOf, MOST_LINES, shareOf, splitPartial, timeRows, unitOf, type Result, type Series } from "./result";

const series = (label: string, points: number[], before: number[] = []): Series => ({
  group: [label],
  label,
  other: false,
  points,
  total: points.reduce((sum, value) => sum + value, 0),
  previous_points: before,
  previous_total: before.length > 0 ? before.reduce((sum, value) => sum + value, 0) : null,
});

const RESULT: Result = {
  title: "Events per day",
  about: [],
  filters: [],
  definition: { period: { kind: "last", count: 2, unit: "day" }, measure: { kind: "count" }, grain: "day" },
  columns: [{ name: "time", type: "time", unit: "day" }, { name: "count", type: "integer", unit: "events" }],
  rows: [],
  since: "2026-01-01T00:00:00+00:00",
  until: "2026-01-03T00:00:00+00:00",
  as_of: "2026-01-03T00:00:00+00:00",
  source: "aggregates",
  points: ["2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"],
  first_is_partial: false,
  last_is_partial: false,
  series: [series("All", [3, 5], [1, 2])],
  all: series("All", [3, 5], [1, 2]),
  previous: null,
};

test("given no grouping then the chart has the period and the one before", () => {
  expect(linesOf(RESULT).map(({ label, whole, dashed }) => [label, whole, dashed])).toEqual([
    ["This period", [3, 5], undefined],
    ["Previous period", [1, 2], true],
  ]);
});

test("given many groups then the chart has the first ones, each with a colour of its own", () => {
  const many = Array.from({ length: 20 }, (_, index) => series(`g${index}`, [index, index]));
  const lines = linesOf({ ...RESULT, definition: { ...RESULT.definition, groupings: [{ by: "page" }] }, series: many });
  expect(lines.map(({ label }) => label)).toEqual(many.slice(0, MOST_LINES).map(({ label }) => label));
  expect(new Set(lines.map(({ tone }) => tone)).size).toBe(MOST_LINES);
});

test.each([
  [false, false, [1, 2, 3, 4], []],
  [false, true, [1, 2, 3, null], [null, null, 3, 4]],
  [true, false, [null, 2, 3, 4], [1, 2, null, null]],
  [true, true, [null, 2, 3, null], [1, 2, 3, 4]],
])("given partial ends (first %s, last %s) then they are apart from the line", (first, last, whole, partial) => {
  expect(splitPartial([1, 2, 3, 4], first, last)).toEqual({ whole, partial });
});

test("given a single point then it is drawn though it is partial", () => {
  expect(splitPartial([7], true, true)).toEqual({ whole: [7], partial: [] });
});

test("given groups over time then the table has each of them at each point", () => {
  const rows = timeRows({ ...RESULT, series: [series("a", [1, 2], [9, 8]), series("b", [3, 4])] });
  expect(rows.map(({ at, label, value, before }) => [at.slice(8, 10), label, value, before])).toEqual([
    ["01", "a", 1, 9],
    ["01", "b", 3, null],
    ["02", "a", 2, 8],
    ["02", "b", 4, null],
  ]);
  expect(new Set(rows.map(({ key }) => key)).size).toBe(4);
});

test.each([
  ["count", 2, 0.25],
  ["sum", -1, null],
  ["users", 2, null],
  ["average", 2, null],
] as const)("given the measure %s then the share of %i is %s", (kind, part, share) => {
  const definition = { ...RESULT.definition, measure: { kind } };
  expect(shareOf(part, { ...RESULT, definition })).toBe(share);
});

test("given a measure of a property then it counts nothing", () => {
  const columns: Result["columns"] = [{ name: "time", type: "time", unit: "day" }, { name: "average", type: "number", unit: null }];
  expect([isCount(RESULT), unitOf(RESULT)]).toEqual([true, "events"]);
  expect([isCount({ ...RESULT, columns }), unitOf({ ...RESULT, columns })]).toEqual([false, ""]);
});

test.each([
  ["hour", "1 Jan 2026, 04:30"],
  ["day", "Thu, 1 Jan 2026"],
  ["week", "Week of 1 Jan 2026"],
  ["month", "January 2026"],
] as const)("given a point by the %s then it is shown by the clocks of the report's zone", (grain, text) => {
  expect(formatPoint("2025-12-31T23:00:00+00:00", grain, "Asia/Kolkata")).toBe(text);
});

test.each([
  [60, "04:30"],
  [6 * 3_600, "1 Jan, 04:30"],
  [86_400, "1 Jan"],
  [31 * 86_400, "Jan 2026"],
])("given ticks %i s apart then they say no more than they need", (step, text) => {
  expect(formatTick(Date.parse("2025-12-31T23:00:00Z") / 1000, step, "Asia/Kolkata")).toBe(text);
});
