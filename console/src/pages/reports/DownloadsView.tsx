import { Link } from "wouter";

import { DataTable, type Column } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { LoadMore } from "../../components/LoadMore";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { plural } from "../../lib/format";
import { useAccount } from "../../session/account";
import { usePermission } from "../../session/project";
import { ExportActions } from "./ExportActions";
import { ExportAsked } from "./ExportAsked";
import { formatName, useExports, type Export } from "./exports";
import { ExportState } from "./ExportState";
import { NEW_REPORT, REPORTS } from "./paths";

/** Files that the workers make, or have made. */
export function DownloadsView() {
  const exports = useExports();
  return (
    <>
      <PageHead title="Downloads">
        <Link className="button button-link" href={REPORTS}>
          Saved reports
        </Link>
      </PageHead>
      <QueryState query={exports}>
        {(rows) =>
          rows.length === 0 ? (
            <NoExports />
          ) : (
            <>
              <DataTable
                label="Exports, the newest first"
                rows={rows}
                rowKey={({ export_id }) => export_id}
                columns={COLUMNS}
                detail={(row) => <ExportDetail row={row} />}
              />
              <LoadMore query={exports} shown={rows.length} one="export" />
            </>
          )
        }
      </QueryState>
    </>
  );
}

const COLUMNS: Column<Export>[] = [
  {
    key: "what",
    title: "What",
    className: "cell-long",
    cell: (row) => (
      <>
        {row.title} <span className="tag">{formatName(row.format)}</span>
        <Whose row={row} />
      </>
    ),
  },
  { key: "state", title: "State", cell: (row) => <ExportState row={row} /> },
  { key: "asked", title: "Asked for", className: "cell-shrink", cell: ({ requested_at }) => <Moment at={requested_at} /> },
  {
    key: "kept",
    title: "Kept until",
    className: "cell-shrink",
    cell: ({ state, expires_at }) => <Moment at={state === "done" ? expires_at : null} />,
  },
  { key: "actions", title: "Actions", className: "cell-actions", cell: (row) => <ExportActions row={row} /> },
];

/** By whom it was asked for, unless by oneself. */
function Whose({ row }: { row: Export }) {
  const account = useAccount();
  if (row.schedule_id !== null) return <div className="hint">by a schedule</div>;
  return row.account_id === account?.account_id ? null : <div className="hint">asked for by somebody else</div>;
}

function ExportDetail({ row }: { row: Export }) {
  const { attempts, started_at, ended_at } = row;
  return (
    <>
      <p>
        {attempts === 0 ? "No worker has begun it" : plural(attempts, "attempt")}
        {started_at && (
          <>
            , begun <Moment at={started_at} />
          </>
        )}
        {ended_at && (
          <>
            , ended <Moment at={ended_at} />
          </>
        )}
        .
      </p>
      <ExportAsked row={row} />
    </>
  );
}

function NoExports() {
  const seesEvents = usePermission("events:read");
  return (
    <EmptyNotice title="No files yet">
      <p>
        Export the answer of a <Link href={NEW_REPORT}>report</Link>
        {seesEvents && (
          <>
            , or <Link href="/event-log">events</Link> that pass a filter
          </>
        )}
        . The workers make the file, however large it is, and it is here for some days.
      </p>
    </EmptyNotice>
  );
}
