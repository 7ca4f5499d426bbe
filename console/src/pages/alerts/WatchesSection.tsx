import { Link } from "wouter";

import { DataTable, type Column } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { LoadMore } from "../../components/LoadMore";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { conditionWords, valueWords, type Watch } from "./condition";
import { useWatches } from "./queries";
import { NEW_WATCH_PATH, watchPath } from "./sections";
import { WatchActions } from "./WatchActions";
import { WatchState } from "./WatchState";

export default function WatchesSection() {
  const watches = useWatches();
  return (
    <>
      <PageHead title="Watches">
        <Link className="button button-link button-primary" href={NEW_WATCH_PATH}>
          New watch
        </Link>
      </PageHead>
      <QueryState query={watches}>
        {(rows) =>
          rows.length === 0 ? (
            <EmptyNotice title="Nothing is watched yet">
              <p>
                A watch tells you when a number is not what it should be: no orders for an hour, half as many views as a
                week ago. The workers look every 15 seconds.
              </p>
            </EmptyNotice>
          ) : (
            <>
              <DataTable label="Watches" rows={rows} rowKey={({ watch_id }) => watch_id} columns={COLUMNS} />
              <LoadMore query={watches} shown={rows.length} one="watch" many="watches" />
            </>
          )
        }
      </QueryState>
    </>
  );
}

const COLUMNS: Column<Watch>[] = [
  { key: "name", title: "Watch", className: "cell-long", cell: (watch) => <WatchName watch={watch} /> },
  { key: "state", title: "State", cell: (watch) => <WatchState watch={watch} /> },
  {
    key: "value",
    title: "Value",
    className: "cell-number",
    cell: ({ kind, value }) => (value === null ? "–" : valueWords(kind, value)),
  },
  { key: "actions", title: "Actions", className: "cell-actions", cell: (watch) => <WatchActions watch={watch} /> },
];

function WatchName({ watch }: { watch: Watch }) {
  const { watch_id, name, severity, shared, own } = watch;
  return (
    <>
      <Link href={watchPath(watch_id)}>{name}</Link> <span className="tag">{severity}</span>{" "}
      {shared ? <span className="tag">the project’s</span> : !own && <span className="tag">somebody’s</span>}
      <div className="hint">{conditionWords(watch)}</div>
    </>
  );
}
