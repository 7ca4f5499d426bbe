import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";

import { JsonView } from "./JsonView";

afterEach(cleanup);

test("given markup in names and values then it is text", () => {
  const { container } = render(<JsonView value={{ "<img src=x>": "<script>alert(1)</script>" }} />);
  expect(container.querySelector("img, script")).toBeNull();
  expect(container.textContent).toContain('<img src=x>: "<script>alert(1)</script>"');
});

test.each([
  [null, "null"],
  [0, "0"],
  [false, "false"],
  ["", '""'],
  [[], "[]"],
  [{}, "{}"],
])("given %j then it stands as %s", (value, text) => {
  const { container } = render(<JsonView value={value} />);
  expect(container.textContent).toBe(text);
});

test("given a long array then it is cut, and says by how much", () => {
  render(<JsonView value={Array.from({ length: 1_000 }, (_, index) => index)} />);
  expect(screen.getByText("… 800 more")).toBeTruthy();
});

test("given depth then the first levels are open", () => {
  const { container } = render(<JsonView value={{ a: { b: { c: 1 } } }} />);
  const folds = [...container.querySelectorAll("details")];
  expect(folds.map((fold) => fold.open)).toEqual([true, true, false]);
});
