import { Link } from "wouter";

import { DataTable, type Column } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { usePermission } from "../../session/project";
import { DOWNLOADS, NEW_REPORT, reportPath } from "./paths";
import { useReports, type Report } from "./queries";
import { SchedulesTable } from "./SchedulesTable";
import { STARTERS } from "./starters";

/** The saved reports, each with its schedules below it. */
export function ReportList() {
  const reports = useReports();
  return (
    <>
      <PageHead title="Reports">
        <div className="actions">
          <Link className="button button-link" href={DOWNLOADS}>
            Downloads
          </Link>
          <Link className="button button-link button-primary" href={NEW_REPORT}>
            New report
          </Link>
        </div>
      </PageHead>
      <QueryState query={reports}>
        {(rows) =>
          rows.length === 0 ? (
            <NoReports />
          ) : (
            <DataTable
              label="Saved reports, by name"
              rows={rows}
              rowKey={({ report_id }) => report_id}
              columns={COLUMNS}
              detail={({ report_id }) => <SchedulesTable reportId={report_id} />}
            />
          )
        }
      </QueryState>
    </>
  );
}

const COLUMNS: Column<Report>[] = [
  {
    key: "name",
    title: "Name",
    className: "cell-long",
    cell: ({ name, report_id }) => <Link href={reportPath(report_id)}>{name}</Link>,
  },
  { key: "title", title: "Shows", className: "cell-long", cell: ({ title }) => title },
  {
    key: "for",
    title: "For",
    cell: ({ for_viewers }) => (for_viewers ? <span className="tag">viewers too</span> : "whoever may see its numbers"),
  },
  { key: "changed", title: "Changed", className: "cell-shrink", cell: ({ changed_at }) => <Moment at={changed_at} /> },
];

function NoReports() {
  const mayWrite = usePermission("reports:write");
  return (
    <EmptyNotice title="No saved reports yet">
      <p>
        A report answers a question about your events at any time, for any period.{" "}
        {mayWrite ? "Start with one of these, change it, and save it:" : "Start with one of these:"}
      </p>
      <ul className="starters">
        {STARTERS.map(({ label, path }) => (
          <li key={label}>
            <Link href={path()}>{label}</Link>
          </li>
        ))}
      </ul>
    </EmptyNotice>
  );
}
