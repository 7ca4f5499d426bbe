import { expect, test } from "vitest";

import { whenWords } from "./schedule";

test.each([
  ["day", null, "Each day at 07:00 (UTC)"],
  ["week", 1, "Monday of each week at 07:00 (UTC)"],
  ["week", 7, "Sunday of each week at 07:00 (UTC)"],
  ["month", 15, "Day 15 of each month at 07:00 (UTC)"],
  ["month", 31, "Day 31 of each month, or its last at 07:00 (UTC)"],
])("given each %s on %s then it is said in words", (every, on_day, words) => {
  expect(whenWords({ every, on_day, at_hour: 7, time_zone: "UTC" })).toBe(words);
});
