import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useSearchParams } from "wouter";

import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { useQueryParam } from "../../hooks/useQueryParam";
import { notify } from "../../lib/toasts";
import { PROJECT_PARAM } from "../../session/project";
import { EventsChart } from "./EventsChart";
import { EventsFound } from "./EventsFound";
import { ExportMenu } from "./ExportMenu";
import { conditions, MOST_PROPERTIES, readFilter, withPick, writeFilter, type Filter, type Pick } from "./filter";
import { FilterForm } from "./FilterForm";
import { EVENTS_KEY, isCounted, useEvents } from "./queries";
import { TailPanel } from "./TailPanel";
import "./events.css";

const TAIL_PARAM = "tail";
const OTHERS = [TAIL_PARAM, PROJECT_PARAM]; // of the address, and not of the filter

export default function EventsPage() {
  const { filter, unread, setFilter } = useFilter();
  const [tail, setTail] = useQueryParam(TAIL_PARAM);
  const client = useQueryClient();
  const log = useEvents(filter);
  const pick = (picked: Pick) => addPick(filter, picked, setFilter);
  const search = (wanted: Filter) => {
    if (writeFilter(wanted).toString() === writeFilter(filter).toString()) void client.resetQueries({ queryKey: [EVENTS_KEY] });
    else setFilter(wanted);
  };
  return (
    <>
      <PageHead title="Events">
        <div className="actions">
          <button type="button" className="button" aria-pressed={tail !== ""} onClick={() => setTail(tail ? "" : "1")}>
            Live tail
          </button>
          <ExportMenu filter={filter} />
        </div>
      </PageHead>
      <FilterForm filter={filter} onSearch={search} busy={log.isFetching && !log.isFetchingNextPage} />
      <Conditions filter={filter} onChange={setFilter} />
      {unread.length > 0 && (
        <p className="tail-note" role="alert">
          The address has parts that could not be read and do not count: {[...new Set(unread)].join(", ")}.
        </p>
      )}
      {tail && <TailPanel title="Live tail" filter={filter} ignored={ignoredByTail(filter)} onPick={pick} />}
      {isCounted(filter) && <EventsChart filter={filter} />}
      <QueryState query={log}>
        {(found) => <EventsFound found={found} query={log} filter={filter} onPick={pick} onChange={setFilter} />}
      </QueryState>
    </>
  );
}

function useFilter() {
  const [params, setParams] = useSearchParams();
  const text = withoutOthers(params).toString();
  const read = useMemo(() => readFilter(new URLSearchParams(text)), [text]);
  const setFilter = (filter: Filter) =>
    setParams((now) => {
      const next = writeFilter(filter);
      for (const name of OTHERS) {
        const kept = now.get(name);
        if (kept !== null) next.set(name, kept);
      }
      return next;
    });
  return { ...read, setFilter };
}

function withoutOthers(params: URLSearchParams): URLSearchParams {
  const rest = new URLSearchParams(params);
  for (const name of OTHERS) rest.delete(name);
  return rest;
}

function addPick(filter: Filter, picked: Pick, setFilter: (filter: Filter) => void): void {
  const next = withPick(filter, picked);
  if (next.property.length <= MOST_PROPERTIES) setFilter(next);
  else notify(`At most ${MOST_PROPERTIES} properties can be asked at once. Remove one first.`, "failed");
}

function ignoredByTail(filter: Filter): string | undefined {
  const parts = filter.property.length > 0 ? ["properties"] : [];
  if (!("last" in filter.time) && filter.time.until) parts.push("the end of the time");
  return parts.length > 0 ? `Here the filter counts without ${parts.join(" and ")}.` : undefined;
}

function Conditions({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const asked = conditions(filter);
  if (asked.length === 0) return null;
  return (
    <ul className="conditions" aria-label="What the filter asks">
      {asked.map(({ name, value, without }, index) => (
        <li key={index}>
          <button type="button" className="condition" onClick={() => onChange(without)}>
            <span className="visually-hidden">Remove </span>
            <span className="condition-name">{name}</span> <span className="condition-value">{value}</span>
            <span aria-hidden="true" className="condition-cross">
              ×
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
