import { expect, test } from "vitest";

import { bodyOf, conditionOf, conditionWords, draftOf, NEW_WATCH, valueWords, type Draft, type Watch } from "./condition";

const draft = (part: Partial<Draft>): Draft => ({ ...NEW_WATCH, name: "a", ...part });

const CONDITIONS: [string, Draft, Record<string, unknown>, string][] = [
  [
    "a level of one type",
    draft({ which: "type", event_type: " checkout ", page_url: "/left/over" }),
    { measure: "events", window_minutes: 15, event_type: "checkout", direction: "below", level: 10 },
    "Events of type checkout of the last 15 minutes below 10",
  ],
  [
    "a level of users, of whom no type is asked",
    draft({ measure: "users", which: "type", event_type: "checkout", side: "above", level: "1000", window_minutes: 60 }),
    { measure: "users", window_minutes: 60, direction: "above", level: 1000 },
    "Users of the last hour above 1,000",
  ],
  [
    "an absence",
    draft({ kind: "absence", which: "page", page_url: "/cart", window_minutes: 120 }),
    { window_minutes: 120, page_url: "/cart" },
    "No views of /cart for 2 hours",
  ],
  [
    "an absence of everything for an hour",
    draft({ kind: "absence", window_minutes: 60 }),
    { window_minutes: 60 },
    "No events for a whole hour",
  ],
  [
    "a change",
    draft({ kind: "change", direction: "either", percent: "12.5", minimum_count: "3", compared_with: "window_before" }),
    { window_minutes: 15, compared_with: "window_before", direction: "either", percent: 12.5, minimum_count: 3 },
    "Events of the last 15 minutes 12.5 % up or down on the window before",
  ],
];

test.each(CONDITIONS)("given %s then it has the fields of its kind alone", (_, given, condition) => {
  expect(conditionOf(given)).toEqual({ kind: given.kind, condition, resolve_level: null });
});

test.each(CONDITIONS)("given %s then it is said in words", (_, { kind }, condition, words) => {
  expect(conditionWords({ kind, condition })).toBe(words);
});

test.each<[string, Partial<Draft>]>([
  ["a type", { which: "type" }],
  ["a page", { which: "page", page_url: " " }],
  ["a level", { level: "" }],
  ["a number as level", { level: "-" }],
  ["a percent", { kind: "change", percent: "" }],
  ["a number to resolve", { resolve_level: "x" }],
])("given a form without %s then there is nothing to try", (_, part) => {
  expect(conditionOf(draft(part))).toBeNull();
});

test("given minutes then seconds are sent", () => {
  const body = bodyOf(draft({ name: " Few ", minimum_minutes: "2.5", cool_down_minutes: "0", resolve_level: "20" }));
  expect(body).toMatchObject({ name: "Few", minimum_seconds: 150, cool_down_seconds: 0, resolve_level: 20 });
  expect(bodyOf(draft({ minimum_minutes: "" }))).toBeNull();
});

test.each(CONDITIONS)("given a stored watch with %s then its form sends the same again", (_, given, condition) => {
  const watch = { ...bodyOf(given), condition, resolve_level: null } as unknown as Watch;
  expect(bodyOf(draftOf(watch))).toEqual(bodyOf(given));
});

test.each([
  ["threshold", 1234.5, "1,234.5"],
  ["change", 12, "+12 %"],
  ["change", -50, "−50 %"],
  ["change", 0, "0 %"],
])("given the value of a %s then %d reads %s", (kind, value, words) => {
  expect(valueWords(kind, value)).toBe(words);
});
