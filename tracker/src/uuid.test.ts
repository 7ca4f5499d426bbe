import { expect, test } from "vitest";
import { uuid7 } from "./uuid";

const NOW = Date.parse("2026-03-04T12:00:00Z");

test("it is a UUID of version 7 with its time in front", () => {
  const id = uuid7(NOW);
  expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  expect(parseInt(id.replace(/-/g, "").slice(0, 12), 16)).toBe(NOW);
});

test("ids differ and sort in the order of their making", () => {
  const ids = [NOW, NOW, NOW, NOW + 1].map(uuid7);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
});
