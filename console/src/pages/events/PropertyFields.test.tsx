import { expect, test } from "vitest";

import type { Operator, Scalar } from "./filter";
import { asKind, fitting } from "./PropertyFields";

test.each<[Scalar, Operator, Scalar]>([
  ["", "greater", 0],
  ["19", "less", 19],
  ["2026-01-01", "greater", "2026-01-01"],
  [true, "greater", 0],
  ["pro", "exists", true],
  [19, "contains", 19],
  [null, "equals", null],
])("given the value %o and the operator %s then it becomes %o", (value, operator, expected) => {
  expect(fitting(value, operator)).toBe(expected);
});

test("given another kind then the value becomes what it can be of it", () => {
  expect(asKind("3.5", "number")).toBe(3.5);
  expect(asKind("x", "number")).toBe(0);
  expect(asKind(3, "text")).toBe("3");
  expect(asKind(null, "text")).toBe("");
  expect(asKind(3, "null")).toBeNull();
  expect(asKind("no", "yes or no")).toBe(true);
});
