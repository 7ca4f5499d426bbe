import { Link } from "wouter";

import { EmptyNotice } from "../../components/EmptyNotice";
import { Moment } from "../../components/Moment";
import { explainError } from "../../lib/explainError";
import { plural } from "../../lib/format";
import { EventsTable } from "./EventsTable";
import { conditions, NO_FILTER, PRESETS, type Filter, type Pick } from "./filter";
import type { EventLog, EventLogQuery } from "./queries";

type EventsFoundProps = {
  found: EventLog;
  query: EventLogQuery;
  filter: Filter;
  onPick: (pick: Pick) => void;
  onChange: (filter: Filter) => void;
  ofOneUser?: boolean;
};

/** What a search has brought. */
export function EventsFound({ found, query, filter, onPick, onChange, ofOneUser = false }: EventsFoundProps) {
  const { events, total } = found;
  if (events.length === 0 && !query.hasNextPage) return <NoEvents filter={filter} onChange={onChange} />;
  return (
    <>
      {total && (
        <p className="events-total" role="status">
          {total.exact ? "" : "About "}
          <strong>{plural(total.events, "event")}</strong>, the newest first
        </p>
      )}
      {events.length > 0 && (
        <EventsTable label="Events, the newest first" events={events} onPick={onPick} ofOneUser={ofOneUser} />
      )}
      <MoreEvents found={found} query={query} />
    </>
  );
}

type MoreEventsProps = { found: EventLog; query: EventLogQuery };

/** What was searched, and a button for what follows. */
export function MoreEvents({ found, query }: MoreEventsProps) {
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, error, fetchNextPage } = query;
  const cut = found.searchedUntil;
  return (
    <div className="load-more">
      <span role="status">
        {plural(found.events.length, "event")} shown
        {cut ? (
          <>
            ; searched back to <Moment at={cut} />
          </>
        ) : hasNextPage ? (
          ""
        ) : (
          ", that is all"
        )}
      </span>
      {hasNextPage && (
        <button type="button" className="button" aria-disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {isFetchingNextPage ? "Searching …" : cut ? "Search on" : "Load more"}
        </button>
      )}
      {isFetchNextPageError && (
        <span role="alert" className="field-error">
          {explainError(error).title}
        </span>
      )}
    </div>
  );
}

function NoEvents({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const asked = conditions(filter).length > 0;
  const everywhere = "last" in filter.time && filter.time.last === "all";
  const when = "last" in filter.time ? `the ${PRESETS[filter.time.last].label.toLowerCase()}` : "the chosen time";
  return (
    <EmptyNotice title="No events">
      <p>
        {asked ? "Nothing passes this filter" : "Nothing was stored"} {everywhere ? "at any time" : `in ${when}`}.
      </p>
      <div className="next-steps">
        {!everywhere && (
          <button type="button" className="button" onClick={() => onChange({ ...filter, time: { last: "all" } })}>
            Search all time
          </button>
        )}
        {asked && (
          <button type="button" className="button" onClick={() => onChange({ ...NO_FILTER, time: filter.time })}>
            Ask nothing but the time
          </button>
        )}
        {!asked && everywhere && (
          <p>
            <Link href="/">Live</Link> has a command that sends the first one.
          </p>
        )}
      </div>
    </EmptyNotice>
  );
}
