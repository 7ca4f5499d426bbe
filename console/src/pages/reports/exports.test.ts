import { expect, test } from "vitest";

import { NO_FILTER } from "../events/filter";
import { eventsBody, filterOf, progressWords, type Export } from "./exports";

const made: Export = {
  export_id: "6f1c1f0e-0000-4000-8000-000000000000",
  kind: "events",
  format: "csv",
  title: "Events",
  request: {},
  account_id: null,
  schedule_id: null,
  state: "done",
  percent: 100,
  rows_written: 12_345,
  rows_expected: 12_000,
  bytes: 1_500_000,
  error: null,
  attempts: 1,
  requested_at: "2026-03-01T00:00:00Z",
  started_at: "2026-03-01T00:00:01Z",
  ended_at: "2026-03-01T00:00:02Z",
  expires_at: "2026-03-08T00:00:00Z",
};

test.each([
  [{ state: "waiting", rows_written: 0 }, "A worker takes it soon"],
  [{ state: "waiting", rows_written: 10 }, "Tried again soon; 10 rows so far"],
  [{ state: "running", percent: 41.2 }, "41 % · 12,345 rows"],
  [{ state: "running", percent: 0, rows_written: 1 }, "0 % · 1 row"],
  [{}, "12,345 rows · 1.5 MB"],
  [{ bytes: null }, "12,345 rows"],
  [{ state: "failed" }, ""],
] as const)("given an export with %j then it is told as %s", (part, words) => {
  expect(progressWords({ ...made, ...part })).toBe(words);
});

const NOW = Date.parse("2026-03-02T00:00:00Z");

test.each([
  [{ time: { last: "24h" as const } }, { since: "2026-03-01T00:00:00.000Z", filters: {} }],
  [{ time: { last: "all" as const } }, { filters: {} }],
  [
    { time: { since: "", until: "2026-03-01T00:00:00.000Z" }, event_type: ["buy"], user_id: "ann", page_prefix: "https://shop.example/" },
    {
      until: "2026-03-01T00:00:00.000Z",
      filters: { event_types: ["buy"], user_id: "ann", page_prefix: "https://shop.example/" },
    },
  ],
  [
    { time: { last: "all" as const }, property: [{ property: "plan", operator: "equals" as const, value: "pro" }] },
    { filters: { properties: [{ property: "plan", operator: "equals", value: "pro" }] } },
  ],
])("given the filter %j then exactly that is exported", (part, body) => {
  expect(eventsBody({ ...NO_FILTER, ...part }, "parquet", NOW)).toEqual({ kind: "events", format: "parquet", ...body });
});

test.each([
  [{ since: "1970-01-01T00:00:00Z", until: "2200-01-01T00:00:00Z", filters: { user_id: null, event_types: null } }, { time: { last: "all" } }],
  [
    { since: "2026-03-01T00:00:00+00:00", until: "2200-01-01T00:00:00Z", filters: { event_types: ["buy"], user_id: "ann" } },
    { time: { since: "2026-03-01T00:00:00.000Z", until: "" }, event_type: ["buy"], user_id: "ann" },
  ],
  [
    { filters: { properties: [{ property: "plan", operator: "contains", value: "pro" }, { property: "n", value: 3 }] } },
    {
      time: { last: "all" },
      property: [
        { property: "plan", operator: "contains", value: "pro" },
        { property: "n", operator: "equals", value: 3 },
      ],
    },
  ],
])("given the export %j then its events are shown by the same filter", (request, part) => {
  expect(filterOf(request)).toEqual({ ...NO_FILTER, ...part });
});
