import { DataTable, type Column } from "../../components/DataTable";
import { Panel } from "../../components/Panel";
import { formatChange, formatInteger, formatNumber, formatShare } from "../../lib/format";
import type { Grain } from "./asked";
import { formatPoint, isCount, shareOf, timeRows, unitOf, type Result, type Series, type TimeRow } from "./result";

/** Each group over the whole period, and all of them. */
export function GroupsTable({ result }: { result: Result }) {
  const rows = [...result.series, { ...result.all, label: "All" }];
  return (
    <Panel title="Groups" hint={`${unitOf(result) || "over the whole period"}, the highest first`} className="panel-above panel-table">
      <DataTable label="Groups, the highest first" rows={rows} rowKey={(row) => rows.indexOf(row)} columns={groupColumns(result)} />
    </Panel>
  );
}

function groupColumns(result: Result): Column<Series>[] {
  const names = result.definition.groupings?.map(({ by, property }) => property || by.replace("_", " ")) ?? [];
  const hasShare = shareOf(0, result) !== null;
  return [
    { key: "group", title: names.join(" / "), className: "cell-long", cell: ({ label, other }) => (other ? <em>{label}</em> : label) },
    ...valueColumns<Series>(result, ({ total }) => total, ({ previous_total }) => previous_total),
    ...(hasShare ? [{ key: "share", title: "Share", className: "cell-number", cell: ({ total }: Series) => shareText(total, result) }] : []),
  ];
}

function shareText(total: number | null, result: Result): string {
  const share = shareOf(total, result);
  return share === null ? "–" : formatShare(share);
}

/** Each point of time, of each group. */
export function TimesTable({ result, grain }: { result: Result; grain: Grain }) {
  const { definition, all } = result;
  const grouped = (definition.groupings ?? []).length > 0;
  const total: TimeRow = { key: "total", at: "", label: "", value: all.total, before: all.previous_total };
  const rows = grouped ? timeRows(result) : [...timeRows(result), total];
  const columns: Column<TimeRow>[] = [
    { key: "at", title: `By the ${grain}`, cell: ({ at }) => (at ? formatPoint(at, grain, definition.time_zone ?? "UTC") : <strong>All</strong>) },
    ...(grouped ? [{ key: "label", title: "Group", className: "cell-long", cell: ({ label }: TimeRow) => label }] : []),
    ...valueColumns<TimeRow>(result, ({ value }) => value, ({ before }) => before),
  ];
  return (
    <Panel title={`By the ${grain}`} className="panel-above panel-table">
      <DataTable label={`Numbers by the ${grain}`} rows={rows} rowKey={({ key }) => key} columns={columns} />
    </Panel>
  );
}

type Read<Row> = (row: Row) => number | null;

/** The measure, and what it was in the period before. */
function valueColumns<Row>(result: Result, now: Read<Row>, before: Read<Row>): Column<Row>[] {
  const format = isCount(result) ? formatInteger : formatNumber;
  const text = (value: number | null) => (value === null ? "–" : format(value));
  const name = unitOf(result) || (result.definition.measure?.kind ?? "value");
  const value = { key: "value", title: capital(name), className: "cell-number", cell: (row: Row) => text(now(row)) };
  if (!result.previous) return [value];
  return [
    value,
    { key: "before", title: "Before", className: "cell-number", cell: (row) => text(before(row)) },
    { key: "change", title: "Change", className: "cell-number", cell: (row) => formatChange(now(row), before(row)) ?? "–" },
  ];
}

const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);
