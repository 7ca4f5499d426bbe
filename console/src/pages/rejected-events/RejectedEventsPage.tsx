import { useState } from "react";

import { DataTable } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { LoadMore } from "../../components/LoadMore";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { usePermission } from "../../session/project";
import { columns, selectionColumn } from "./columns";
import { isFiltered, useFilter, type Filter } from "./filter";
import { useDismiss, useRejectedEvents, type Shown } from "./queries";
import { RejectedDetail } from "./RejectedDetail";
import { RejectedFilter } from "./RejectedFilter";
import { ReasonCounts } from "./ReasonCounts";
import "./rejected-events.css";
import { ReplayDialog } from "./ReplayDialog";
import { useReplay, type Replaying } from "./replay";
import { SelectionBar } from "./SelectionBar";

export default function RejectedEventsPage() {
  const [filter, setFilter] = useFilter();
  const rejected = useRejectedEvents(filter);
  const replaying = useReplay();
  return (
    <>
      <PageHead title="Rejected events" />
      <p className="hint page-hint">
        Events of otherwise good requests that were refused. Those that only the catalogue refused can be replayed once it is
        mended.
      </p>
      <RejectedFilter key={JSON.stringify(filter)} filter={filter} onChange={setFilter} />
      <QueryState query={rejected}>
        {(shown) => (
          <>
            <ReasonCounts counts={shown.counts} chosen={filter.reason} onChoose={(reason) => setFilter({ ...filter, reason })} />
            {shown.rows.length === 0 ? (
              <Nothing filter={filter} />
            ) : (
              <>
                <Rows key={JSON.stringify(filter)} shown={shown} filter={filter} replaying={replaying} />
                <LoadMore query={rejected} shown={shown.rows.length} one="event" />
              </>
            )}
          </>
        )}
      </QueryState>
      {replaying.state && <ReplayDialog state={replaying.state} onClose={replaying.close} onStop={replaying.stop} />}
    </>
  );
}

function Nothing({ filter }: { filter: Filter }) {
  if (isFiltered(filter)) {
    return (
      <EmptyNotice title="None of them">
        <p>No rejected event passes the filter. Take a part of it away.</p>
      </EmptyNotice>
    );
  }
  return (
    <EmptyNotice title="Nothing was rejected">
      <p>An event that a batch, an SDK or a webhook sends and that is refused is kept here, with why.</p>
    </EmptyNotice>
  );
}

type RowsProps = { shown: Shown; filter: Filter; replaying: Replaying };

function Rows({ shown, filter, replaying }: RowsProps) {
  const mayChange = usePermission("rejected:write");
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const dismiss = useDismiss(() => setSelected(new Set()));
  // What is gone meanwhile is not selected any more.
  const ids = shown.rows.map(({ id }) => id).filter((id) => selected.has(id));
  const replay = (chosen: number[]) => replaying.start({ ids: chosen });
  return (
    <>
      {mayChange && (
        <SelectionBar
          selected={ids}
          filtered={isFiltered(filter)}
          busy={dismiss.isPending}
          onReplay={() => {
            replay(ids);
            setSelected(new Set());
          }}
          onReplayAll={() => replaying.start(filter)}
          onDismiss={() => dismiss.mutate(ids)}
        />
      )}
      <DataTable
        label="Rejected events, the newest first"
        rows={shown.rows}
        rowKey={({ id }) => id}
        columns={mayChange ? [selectionColumn(selected, setSelected), ...columns] : columns}
        detail={({ id }) => (
          <RejectedDetail id={id} mayChange={mayChange} onReplay={() => replay([id])} onDismiss={() => dismiss.mutate([id])} />
        )}
      />
    </>
  );
}
