import { Link } from "wouter";

import { DataTable, type Column } from "../../components/DataTable";
import { LoadMore } from "../../components/LoadMore";
import { Moment } from "../../components/Moment";
import { Panel } from "../../components/Panel";
import { QueryState } from "../../components/QueryState";
import { formatAge, formatInteger } from "../../lib/format";
import { eventsPath } from "../events/filter";
import { useUserSessions, type Session } from "./queries";

const columns: Column<Session>[] = [
  { key: "session", title: "Session", className: "cell-long", cell: (session) => <SessionLink session={session} /> },
  { key: "started", title: "Started", className: "cell-shrink", cell: (session) => <Moment at={session.started_at} /> },
  { key: "length", title: "Length", className: "cell-shrink", cell: lengthOf },
  { key: "events", title: "Events", className: "cell-number", cell: ({ events }) => formatInteger(events) },
];

export function SessionsPanel({ userId }: { userId: string }) {
  const sessions = useUserSessions(userId);
  return (
    <Panel title="Sessions" hint="also from before they were known" className="panel-wide">
      <QueryState query={sessions}>
        {(found) =>
          found.length === 0 ? (
            <p className="footnote">None.</p>
          ) : (
            <>
              <DataTable
                label="Sessions, the last seen first"
                rows={found}
                rowKey={({ user_id, session_id }) => `${user_id} ${session_id}`}
                columns={columns}
              />
              <LoadMore query={sessions} shown={found.length} one="session" />
            </>
          )
        }
      </QueryState>
    </Panel>
  );
}

function SessionLink({ session: { session_id } }: { session: Session }) {
  if (session_id === "") return <span className="hint">Events without a session</span>;
  return (
    <Link href={eventsPath({ time: { last: "all" }, session_id })} title="Events of this session">
      {session_id}
    </Link>
  );
}

function lengthOf({ started_at, last_seen_at }: Session): string {
  return formatAge((Date.parse(last_seen_at) - Date.parse(started_at)) / 1000);
}
