import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test } from "vitest";

import { DataTable } from "./DataTable";

afterEach(cleanup);

type Fruit = { id: number; name: string };

const columns = [{ key: "name", title: "Name", cell: ({ name }: Fruit) => name }];
const opener = (row: number) => screen.getByRole("button", { name: `Details of row ${row}` });

function renderTable(count: number) {
  const rows = Array.from({ length: count }, (_, id) => ({ id, name: `fruit ${id}` }));
  render(
    <DataTable
      label="Fruits"
      rows={rows}
      rowKey={({ id }) => id}
      columns={columns}
      detail={({ name }) => <p>all about {name}</p>}
    />,
  );
}

test("given rows then all are there, with their place for screen readers", () => {
  renderTable(3);
  expect(screen.getByRole("table", { name: "Fruits" }).getAttribute("aria-rowcount")).toBe("4");
  expect(screen.getAllByRole("row").map((row) => row.getAttribute("aria-rowindex"))).toEqual(["1", "2", "3", "4"]);
});

test("given a press on a row's button then it opens, and closes with the next", () => {
  renderTable(3);
  fireEvent.click(opener(2));
  expect(screen.getByText("all about fruit 1")).toBeTruthy();
  expect(opener(2).getAttribute("aria-expanded")).toBe("true");
  fireEvent.click(opener(2));
  expect(screen.queryByText("all about fruit 1")).toBeNull();
});

test.each([
  [1, "ArrowDown", 2],
  [3, "ArrowUp", 2],
  [1, "ArrowUp", 1],
  [30, "End", 30],
  [2, "End", 30],
  [20, "Home", 1],
  [1, "PageDown", 11],
  [25, "PageDown", 30],
])("given the focus on row %i and %s then it goes to row %i, the only one in the order of tabs", (from, key, to) => {
  renderTable(30);
  fireEvent.keyDown(opener(from), { key });
  expect(document.activeElement).toBe(opener(to));
  const tabbable = screen.getAllByRole("button").filter((button) => button.tabIndex === 0);
  expect(tabbable).toEqual([opener(to)]);
});

test("given thousands of rows then only some are rendered", () => {
  renderTable(5_000);
  expect(screen.getByRole("table").getAttribute("aria-rowcount")).toBe("5001");
  expect(screen.queryAllByRole("row").length).toBeLessThan(100);
});
