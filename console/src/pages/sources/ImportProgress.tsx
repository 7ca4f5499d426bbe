import { formatAge, formatInteger, formatRate, plural } from "../../lib/format";
import type { Import } from "./queries";

/** How far an import is: bar, rows, rate and how long it will take. */
export function ImportProgress({ row }: { row: Import }) {
  if (row.status === "failed") {
    return (
      <>
        <span className="tag tag-off">failed</span> <span className="cell-long">{row.error}</span>
      </>
    );
  }
  return (
    <div className="import-progress">
      <div>
        <span className={`tag ${row.status === "done" ? "tag-on" : ""}`}>{row.status}</span> {progressText(row)}
      </div>
      {row.status === "running" && <progress aria-label="Share of the file that is stored" max={100} value={row.percent} />}
    </div>
  );
}

export function progressText({ status, percent, rows_read, rate, eta_seconds }: Import): string {
  if (status === "waiting") return "A worker takes it soon.";
  const parts = [plural(rows_read, "row")];
  if (rate !== null) parts.push(`${rate >= 1000 ? formatInteger(rate) : formatRate(rate)} rows/s`);
  if (status === "running") parts.unshift(`${percent}%`);
  if (status === "running" && eta_seconds !== null) parts.push(`${formatAge(Math.ceil(eta_seconds))} left`);
  return parts.join(" · ");
}
