import type { Column } from "../../components/DataTable";
import { Moment } from "../../components/Moment";
import { errorLines } from "../../lib/errorLines";
import type { Rejected } from "./queries";

export const columns: Column<Rejected>[] = [
  { key: "at", title: "When", className: "cell-shrink", cell: ({ received_at }) => <Moment at={received_at} /> },
  { key: "reason", title: "Reason", className: "cell-shrink", cell: ({ reason }) => <span className="tag">{reason}</span> },
  { key: "type", title: "Type", className: "cell-long", cell: ({ event_type }) => event_type ?? "–" },
  { key: "source", title: "Came by", cell: ({ source }) => source },
  { key: "errors", title: "What is wrong", className: "cell-errors", cell: ({ errors }) => errorLines(errors).join("; ") },
  { key: "state", title: "Replay", className: "cell-shrink", cell: (row) => <ReplayTag row={row} /> },
];

function ReplayTag({ row: { replayed_at, replayable } }: { row: Rejected }) {
  if (replayed_at) return <span className="tag tag-on">stored</span>;
  return replayable ? <span className="tag">possible</span> : "–";
}

type Selection = ReadonlySet<number>;

export function selectionColumn(selected: Selection, onChange: (selected: Selection) => void): Column<Rejected> {
  const toggle = (id: number) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onChange(next);
  };
  return {
    key: "selected",
    title: "Select",
    className: "cell-shrink",
    cell: ({ id, event_type, reason }) => (
      <label className="selector">
        <input type="checkbox" checked={selected.has(id)} onChange={() => toggle(id)} />
        <span className="visually-hidden">
          Select {id}, {event_type ?? "of no type"}, {reason}
        </span>
      </label>
    ),
  };
}
