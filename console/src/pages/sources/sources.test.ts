import { expect, it } from "vitest";

import { formatBytes } from "../../lib/bytes";
import { progressText } from "./ImportProgress";
import { currentKey, keysOf, type Import, type Project } from "./queries";
import { importPath } from "./upload";

const project: Project = {
  project_id: 1,
  name: "default",
  paused: false,
  created_at: "2026-01-01T12:00:00+00:00",
  write_keys: ["bl_new", "bl_old", "shop.example"],
  key_ends: { bl_old: "2026-01-02T12:00:00+00:00" },
  allowed_origins: null,
};

it("tells keys from domains", () => {
  expect(keysOf(project)).toEqual({
    writeKeys: ["bl_new", "bl_old"],
    domains: ["shop.example"],
    ends: project.key_ends,
  });
});

it.each([
  ["the newest that does not end", ["bl_old", "bl_new"], "bl_new"],
  ["one that ends when there is no other", ["bl_old"], "bl_old"],
  ["none where only a domain is", ["shop.example"], undefined],
])("gives out %s", (_, write_keys, key) => {
  expect(currentKey(keysOf({ ...project, write_keys }))).toBe(key);
});

it("has no keys where they are not shown", () => {
  expect(keysOf({ ...project, write_keys: null, key_ends: {} })).toEqual({ writeKeys: [], domains: [], ends: {} });
});

const running: Import = {
  import_id: "0ade2248-bfd1-4b7a-981d-ce61d2ca6fc8",
  status: "running",
  rows_read: 412_000,
  stored: 411_871,
  duplicates: 0,
  rejected: 129,
  percent: 41.2,
  rate: 19_840.2,
  eta_seconds: 29.6,
  error: null,
  rejected_url: "/api/v1/imports/0ade2248-bfd1-4b7a-981d-ce61d2ca6fc8/rejected.csv",
  created_at: "2026-01-01T12:00:00+00:00",
  started_at: "2026-01-01T12:00:01+00:00",
  finished_at: null,
};

it.each<[string, Partial<Import>, string]>([
  ["running", {}, "41.2% · 412,000 rows · 19,840 rows/s · 30 s left"],
  ["running, not known how long", { rate: null, eta_seconds: null, percent: 0, rows_read: 0 }, "0% · 0 rows"],
  ["waiting", { status: "waiting" }, "A worker takes it soon."],
  ["done", { status: "done", percent: 100, eta_seconds: null, rows_read: 1, rate: 8.25 }, "1 row · 8.3 rows/s"],
])("says how far an import is that is %s", (_, changes, text) => {
  expect(progressText({ ...running, ...changes })).toBe(text);
});

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [1536, "1.5 kB"],
  [123_456_789, "123 MB"],
  [2e15, "2000 TB"],
])("tells %d bytes as %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it("names the type of an import's rows in its address", () => {
  expect(importPath("")).toBe("/api/v1/imports");
  expect(importPath("a b&c")).toBe("/api/v1/imports?event_type=a+b%26c");
});
