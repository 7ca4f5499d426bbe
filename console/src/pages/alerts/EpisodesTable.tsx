import { Link } from "wouter";

import { DataTable, type Column } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { LoadMore } from "../../components/LoadMore";
import { Moment } from "../../components/Moment";
import { QueryState } from "../../components/QueryState";
import { formatAge } from "../../lib/format";
import { valueWords } from "./condition";
import { useWatchHistory, type WatchEpisode } from "./queries";
import { WATCHES, watchPath } from "./sections";

/** When watches fired, or one of them; the newest first. */
export function EpisodesTable({ watchId }: { watchId: number | null }) {
  const history = useWatchHistory(watchId);
  const columns = watchId === null ? [NAME, ...COLUMNS] : COLUMNS;
  return (
    <QueryState query={history}>
      {(rows) =>
        rows.length === 0 ? (
          <NoEpisodes watchId={watchId} />
        ) : (
          <>
            <DataTable label="Episodes, the newest first" rows={rows} rowKey={({ episode_id }) => episode_id} columns={columns} />
            <LoadMore query={history} shown={rows.length} one="episode" />
          </>
        )
      }
    </QueryState>
  );
}

function NoEpisodes({ watchId }: { watchId: number | null }) {
  if (watchId !== null) return <p className="footnote">It has not fired.</p>;
  return (
    <EmptyNotice title="No watch has fired">
      <p>
        When one of the <Link href={WATCHES}>watches</Link> does, it stands here: when, for how long, and how far it went.
      </p>
    </EmptyNotice>
  );
}

const NAME: Column<WatchEpisode> = {
  key: "name",
  title: "Watch",
  className: "cell-long",
  cell: ({ watch_id, name, severity }) => (
    <>
      <Link href={watchPath(watch_id)}>{name}</Link> <span className="tag">{severity}</span>
    </>
  ),
};

const COLUMNS: Column<WatchEpisode>[] = [
  { key: "fired", title: "Fired", className: "cell-shrink", cell: ({ fired_at }) => <Moment at={fired_at} /> },
  { key: "over", title: "Over", cell: (episode) => <End episode={episode} /> },
  { key: "value", title: "Value", className: "cell-number", cell: ({ kind, value }) => valueWords(kind, value) },
  { key: "peak", title: "Worst", className: "cell-number", cell: ({ kind, peak }) => valueWords(kind, peak) },
  { key: "told", title: "Told", cell: ({ notified }) => (notified ? "yes" : "no") },
];

const ENDS: Record<string, string> = {
  changed: "the watch was changed",
  disabled: "the watch was turned off",
  stopped: "its owner may not see it any more",
};

function End({ episode }: { episode: WatchEpisode }) {
  const { fired_at, resolved_at, ended_by } = episode;
  if (resolved_at === null) return <span className="tag tag-off">firing</span>;
  const seconds = (Date.parse(resolved_at) - Date.parse(fired_at)) / 1000;
  return (
    <>
      <Moment at={resolved_at} /> <span className="hint">after {formatAge(seconds)}</span>
      {ended_by && ENDS[ended_by] && <div className="hint">{ENDS[ended_by]}</div>}
    </>
  );
}
