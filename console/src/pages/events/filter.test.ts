import { expect, test } from "vitest";

import {
  apiQuery,
  conditions,
  eventsPath,
  NO_FILTER,
  propertyName,
  rangeOf,
  readFilter,
  toInstant,
  toLocal,
  withPick,
  writeFilter,
  type Filter,
} from "./filter";

const NOW = Date.parse("2026-01-02T12:00:00Z");
const read = (query: string) => readFilter(new URLSearchParams(query));

const filters: [string, Partial<Filter>][] = [
  ["nothing", {}],
  ["another preset", { time: { last: "7d" } }],
  ["all time", { time: { last: "all" } }],
  ["from and until", { time: { since: "2026-01-01T00:00:00.000Z", until: "2026-01-02T00:00:01.500Z" } }],
  ["from alone", { time: { since: "2026-01-01T00:00:00.000Z", until: "" } }],
  ["types", { event_type: ["click", "a&b=c, d"] }],
  ["every text", {
    user_id: "ann +&=#%", anonymous_id: "a1", session_id: "s/1", device_id: "d 1",
    page_url: "https://x.example/?q=1&r=%20#top", page_prefix: "/é/",
  }],
  ["properties of every type", {
    property: [
      { property: "plan", operator: "equals", value: "3" },
      { property: "n", operator: "greater", value: 3 },
      { property: "a.b", operator: "equals", value: null },
      { property: "c", operator: "exists", value: false },
      { property: 'q"\\.', operator: "contains", value: "<script>" },
    ],
  }],
];

test.each(filters)("given a filter with %s then its address brings it back whole", (_, part) => {
  const filter = { ...NO_FILTER, ...part };
  expect(read(writeFilter(filter).toString())).toEqual({ filter, unread: [] });
});

test("given nothing is asked then the address has nothing", () => {
  expect(eventsPath({})).toBe("/event-log");
  expect(eventsPath({ user_id: "a b" })).toBe("/event-log?user_id=a+b");
});

test.each([
  ["last=2y", "last"],
  ["last=toString", "last"],
  ["since=yesterday", "since"],
  ["property=%7B", "property"],
  ["property=3", "property"],
  ['property={"property":"","value":1}', "property"],
  ['property={"property":"a","operator":"like","value":1}', "property"],
  ['property={"property":"a"}', "property"],
  ['property={"property":"a","value":{"b":1}}', "property"],
])("given %s then that part is named as not read, and asks nothing", (query, name) => {
  expect(read(query)).toEqual({ filter: NO_FILTER, unread: [name] });
});

test("given a property without operator then it has to be equal; exists alone is true", () => {
  expect(read('property={"property":"a","value":1}').filter.property[0]?.operator).toBe("equals");
  expect(read('property={"property":"a","operator":"exists"}').filter.property[0]?.value).toBe(true);
});

test("given a preset then the time ends now, and all time has no bounds", () => {
  expect(rangeOf({ last: "1h" }, NOW)).toEqual({ since: NOW - 3_600_000, until: null });
  expect(rangeOf({ last: "all" }, NOW)).toEqual({ since: null, until: null });
  expect(rangeOf({ since: "", until: "2026-01-02T12:00:00Z" }, NOW)).toEqual({ since: null, until: NOW });
});

test("given a filter then the API is asked for what it asks and no more", () => {
  const filter = { ...NO_FILTER, event_type: ["a"], session_id: "s" };
  expect(apiQuery(filter, { since: NOW, until: null })).toEqual({
    since: "2026-01-02T12:00:00.000Z",
    event_type: ["a"],
    session_id: "s",
  });
});

test("given names with dots and backslashes then the way through them is kept", () => {
  expect(propertyName(["a", "b.c", "d\\e"])).toBe("a.b\\.c.d\\\\e");
});

test("given values are picked then each is asked, once a column and once a property", () => {
  let filter = withPick({ ...NO_FILTER, page_prefix: "/a" }, { column: "page_url", value: "/a/b" });
  filter = withPick(filter, { column: "event_type", value: "click" });
  filter = withPick(filter, { column: "event_type", value: "view" });
  filter = withPick(filter, { path: ["n"], value: 1 });
  filter = withPick(filter, { path: ["n"], value: 2 });
  expect(filter).toMatchObject({
    page_url: "/a/b",
    page_prefix: "",
    event_type: ["view"],
    property: [{ property: "n", operator: "equals", value: 2 }],
  });
});

test("given conditions then each says what it asks, and can be taken away alone", () => {
  const filter: Filter = {
    ...NO_FILTER,
    event_type: ["a", "b"],
    user_id: "ann",
    property: [
      { property: "plan", operator: "equals", value: "pro" },
      { property: "old", operator: "exists", value: false },
    ],
  };
  const found = conditions(filter);
  expect(found.map(({ name, value }) => `${name}: ${value}`)).toEqual([
    "Type: a", "Type: b", "User: ann", 'plan: is "pro"', "old: is absent",
  ]);
  expect(found[0]?.without).toEqual({ ...filter, event_type: ["b"] });
  expect(found[2]?.without).toEqual({ ...filter, user_id: "" });
  expect(found[3]?.without.property).toEqual([filter.property[1]]);
});

test("given a local time then its instant comes back as the same local time", () => {
  expect(toLocal(toInstant("2026-03-04T05:06:07"))).toBe("2026-03-04T05:06:07");
  expect([toLocal(""), toInstant(""), toInstant("x")]).toEqual(["", "", ""]);
});
