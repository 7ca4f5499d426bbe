import { useVirtualizer, type VirtualItem } from "@tanstack/react-virtual";
import { useId, useRef, useState, type KeyboardEvent, type ReactNode, type RefObject } from "react";

/** From so many rows on the table has a height of its own, and only what is in sight is rendered. */
const VIRTUAL_FROM = 60;
const ROW_HEIGHT = 41;
const ROWS_A_PAGE = 10;

export type Column<Row> = {
  /** Of this column alone. */
  key: string;
  title: string;
  cell: (row: Row) => ReactNode;
  /** For its cells: "cell-number", "cell-mono", "cell-actions", "cell-shrink". */
  className?: string;
};

type DataTableProps<Row> = {
  /** What the table shows, for those who do not see it. */
  label: string;
  rows: Row[];
  rowKey: (row: Row) => string | number;
  columns: Column<Row>[];
  /** What a row opens to, below itself. */
  detail?: (row: Row) => ReactNode;
};

/**
 * A table of any length. Rows that open have a button each, of which one is in the order of tabs:
 * arrow keys, Home, End and Page Up and Down go to the others. On a phone a row is a block of its cells,
 * which is why the roles stand here: such a style takes the table's own away.
 */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, rows, rowKey, columns, detail } = props;
  const { box, table, items, before, after, measure, scrollTo } = useRowsInSight(rows.length);
  const { active, onKeyDown, setActive } = useRowKeys(rows.length, table, scrollTo);
  const [opened, setOpened] = useState<ReadonlySet<string | number>>(new Set());
  const reachable = items.some(({ index }) => index === active) ? active : items[0]?.index;
  const toggle = (key: string | number) => setOpened(toggled(opened, key));
  return (
    <div className={`table-box ${measure ? "table-box-tall" : ""}`} ref={box} tabIndex={measure ? 0 : -1} role="region" aria-label={label}>
      <table ref={table} role="table" className="table" aria-label={label} aria-rowcount={rows.length + 1} onKeyDown={onKeyDown}>
        <Head columns={columns} opens={detail !== undefined} />
        <Space height={before} />
        {items.map(({ index }) => {
          const row = rows[index];
          if (row === undefined) return null;
          const key = rowKey(row);
          return (
            <tbody key={key} role="rowgroup" data-index={index} ref={measure}>
              <Row
                index={index}
                row={row}
                columns={columns}
                detail={detail}
                open={opened.has(key)}
                reachable={index === reachable}
                onToggle={() => {
                  setActive(index);
                  toggle(key);
                }}
              />
            </tbody>
          );
        })}
        <Space height={after} />
      </table>
    </div>
  );
}

function Head<Row>({ columns, opens }: { columns: Column<Row>[]; opens: boolean }) {
  return (
    <thead role="rowgroup">
      <tr role="row" aria-rowindex={1}>
        {opens && (
          <th role="columnheader" scope="col" className="cell-opener">
            <span className="visually-hidden">Open</span>
          </th>
        )}
        {columns.map(({ key, title, className }) => (
          <th key={key} role="columnheader" scope="col" className={className}>
            {className?.includes("cell-actions") ? <span className="visually-hidden">{title}</span> : title}
          </th>
        ))}
      </tr>
    </thead>
  );
}

type RowProps<Row> = {
  columns: Column<Row>[];
  detail: DataTableProps<Row>["detail"];
  index: number;
  row: Row;
  open: boolean;
  reachable: boolean;
  onToggle: () => void;
};

function Row<Row>({ index, row, columns, detail, open, reachable, onToggle }: RowProps<Row>) {
  const id = useId();
  return (
    <>
      <tr role="row" aria-rowindex={index + 2} className={open ? "row-open" : undefined}>
        {detail && (
          <td role="cell" className="cell-opener">
            <button
              type="button"
              className="opener"
              data-row={index}
              tabIndex={reachable ? 0 : -1}
              aria-expanded={open}
              aria-controls={open ? id : undefined}
              aria-label={`Details of row ${index + 1}`}
              onClick={onToggle}
            />
          </td>
        )}
        {columns.map(({ key, title, cell, className }) => (
          <td key={key} role="cell" className={className} data-title={title}>
            {cell(row)}
          </td>
        ))}
      </tr>
      {open && detail && (
        <tr id={id} role="row" className="row-detail">
          <td role="cell" colSpan={columns.length + 1}>{detail(row)}</td>
        </tr>
      )}
    </>
  );
}

/** Stands for the rows that are not rendered. */
function Space({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tbody aria-hidden="true">
      <tr>
        <td className="space" style={{ height }} />
      </tr>
    </tbody>
  );
}

type InSight = {
  box: RefObject<HTMLDivElement | null>;
  table: RefObject<HTMLTableElement | null>;
  items: Pick<VirtualItem, "index">[];
  /** Heights of what is not rendered, in pixels. */
  before: number;
  after: number;
  /** Absent when all rows are rendered. */
  measure: ((row: HTMLElement | null) => void) | undefined;
  scrollTo: (index: number) => void;
};

function useRowsInSight(count: number): InSight {
  const box = useRef<HTMLDivElement>(null);
  const table = useRef<HTMLTableElement>(null);
  // The React compiler, which this rule is for, is not used.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count,
    enabled: count >= VIRTUAL_FROM,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    scrollPaddingStart: ROW_HEIGHT,
    overscan: 8,
  });
  if (count < VIRTUAL_FROM) {
    const items = Array.from({ length: count }, (_, index) => ({ index }));
    return { box, table, items, before: 0, after: 0, measure: undefined, scrollTo: () => {} };
  }
  const items = virtual.getVirtualItems();
  return {
    box,
    table,
    items,
    before: items[0]?.start ?? 0,
    after: virtual.getTotalSize() - (items.at(-1)?.end ?? 0),
    measure: virtual.measureElement,
    scrollTo: (index) => virtual.scrollToIndex(index),
  };
}

const STEPS: Record<string, (index: number, last: number) => number> = {
  ArrowDown: (index) => index + 1,
  ArrowUp: (index) => index - 1,
  PageDown: (index) => index + ROWS_A_PAGE,
  PageUp: (index) => index - ROWS_A_PAGE,
  Home: () => 0,
  End: (_, last) => last,
};

function useRowKeys(count: number, table: InSight["table"], scrollTo: InSight["scrollTo"]) {
  const [active, setActive] = useState(0);
  const onKeyDown = (event: KeyboardEvent) => {
    const from = event.target instanceof HTMLElement ? event.target.dataset.row : undefined;
    const step = STEPS[event.key];
    if (from === undefined || !step) return;
    event.preventDefault();
    const index = Math.min(count - 1, Math.max(0, step(Number(from), count - 1)));
    setActive(index);
    scrollTo(index);
    focusRow(table, index);
  };
  return { active, setActive, onKeyDown };
}

/** Focuses the row's button, which may be rendered only after the table has scrolled to it. */
function focusRow(table: InSight["table"], index: number, tries = 10): void {
  const button = table.current?.querySelector<HTMLElement>(`[data-row="${index}"]`);
  if (button) button.focus();
  else if (tries > 0) requestAnimationFrame(() => focusRow(table, index, tries - 1));
}

function toggled<T>(set: ReadonlySet<T>, member: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(member)) next.add(member);
  return next;
}
