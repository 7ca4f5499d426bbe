import { expect, test } from "vitest";

import { NO_FILTER } from "../events/filter";
import { asksForReport, defaultAsked, fromDefinition, readAsked, toDefinition, writeAsked, type Asked, type Definition } from "./asked";

const WHOLE: Asked = {
  measure: { kind: "percentile", property: "cart.total", percentile: 99 },
  groupings: [{ by: "event_type", property: "" }, { by: "segment", property: "plan:tier" }],
  filter: {
    ...NO_FILTER,
    event_type: ["buy", "a,b"],
    page_prefix: "/shop",
    property: [{ property: "plan", operator: "equals", value: true }],
  },
  period: { kind: "fixed", since: "2026-01-01T00:00", until: "2026-02-01T00:00" },
  grain: null,
  compare: true,
  top: 3,
  time_zone: "Europe/Berlin",
};

test.each([
  ["everything", WHOLE],
  ["nothing but the zone", { ...defaultAsked(), time_zone: "Asia/Kolkata" }],
  ["a grain", { ...defaultAsked(), grain: "month" as const, period: { kind: "this" as const, unit: "year" as const } }],
])("given a report that asks %s then its address says the same to whoever opens it", (_, asked) => {
  const params = writeAsked(asked);
  expect(readAsked(new URLSearchParams(params.toString()))).toEqual({ asked, unread: [] });
  expect(asksForReport(params)).toBe(true);
});

test("given an address without a report then it asks for none", () => {
  expect(asksForReport(new URLSearchParams("project=2"))).toBe(false);
});

test.each([
  ["measure=mood", "measure"],
  ["top=51", "top"],
  ["top=0", "top"],
  ["period=last-0-day", "period"],
  ["period=soon", "period"],
  ["grain=year", "grain"],
  ["percentile=42", "percentile"],
  ["group=property", "group"],
  ["group=page:x", "group"],
  ["group=page&group=event_type&group=property:plan", "group"],
  ["property=%7B", "property"],
])("given the damaged part %s then it is named and does not count", (query, name) => {
  const { asked, unread } = readAsked(new URLSearchParams(query));
  expect(unread).toEqual([name]);
  expect({ ...asked, groupings: [] }).toEqual(defaultAsked());
});

test("given all parts then the definition has what the API takes, and nothing that a kind has not", () => {
  expect(toDefinition(WHOLE)).toEqual({
    measure: { kind: "percentile", property: "cart.total", percentile: 99 },
    groupings: [{ by: "event_type" }, { by: "segment", property: "plan:tier" }],
    filters: {
      event_types: ["buy", "a,b"],
      page_prefix: "/shop",
      properties: [{ property: "plan", operator: "equals", value: true }],
    },
    period: { kind: "fixed", since: "2026-01-01T00:00", until: "2026-02-01T00:00" },
    grain: null,
    compare: true,
    top: 3,
    time_zone: "Europe/Berlin",
  });
  const counted = toDefinition({ ...WHOLE, measure: { ...WHOLE.measure, kind: "count" } });
  expect(counted.measure).toEqual({ kind: "count" });
});

test("given blanks around texts and a property without a name then they are not sent", () => {
  const asked = defaultAsked();
  asked.filter = { ...NO_FILTER, user_id: "  ann ", session_id: "  ", property: [{ property: "", operator: "equals", value: 1 }] };
  expect(toDefinition(asked).filters).toEqual({ user_id: "ann", properties: [] });
});

test("given a saved definition then the form asks the same", () => {
  expect(fromDefinition(toDefinition(WHOLE))).toEqual(WHOLE);
});

test("given a saved time with an offset then the form has the clocks of the report's zone", () => {
  const saved: Definition = {
    period: { kind: "fixed", since: "2026-06-30T22:00:00+00:00", until: "2026-07-31T22:00:00Z" },
    time_zone: "Europe/Berlin",
  };
  expect(fromDefinition(saved).period).toEqual({ kind: "fixed", since: "2026-07-01T00:00:00", until: "2026-08-01T00:00:00" });
});
