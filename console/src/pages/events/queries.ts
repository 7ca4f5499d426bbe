import {
  useInfiniteQuery,
  useQuery,
  type InfiniteData,
  type UseInfiniteQueryResult,
  type UseQueryResult,
} from "@tanstack/react-query";

import { answer, api, type Schemas } from "../../api/client";
import { usePermission, useProject } from "../../session/project";
import { asBars, unitOf, type Bars, type Bucket } from "./bars";
import { apiQuery, conditions, rangeOf, type Filter, type Range } from "./filter";

export type StoredEvent = Schemas["StoredEvent"];
export type EventPage = Omit<Schemas["EventLog"], "total"> & { total: Schemas["Total"] | null };

/** What one search has brought so far. */
export type EventLog = {
  events: StoredEvent[];
  total: Schemas["Total"] | null;
  /** Set when the search was cut short: what is older was not looked at yet. */
  searchedUntil: string | null;
};
export type EventLogQuery = UseInfiniteQueryResult<EventLog>;

const PAGE = 100;
const BUCKETS_A_PAGE = 1_000;
const MOST_BUCKET_PAGES = 3;
const KNOWN_DAYS = 30;
const MOST_TYPES = 50;

/** Where a page begins; the time of all pages is that of the first. */
export type PageStart = { range: Range; cursor: string | null };

export const EVENTS_KEY = "events";

/** The events that pass a filter, the newest first. A search is as old as it says, until it is made again. */
export function useEvents(filter: Filter): EventLogQuery {
  const { projectId } = useProject();
  return useInfiniteQuery({
    queryKey: [EVENTS_KEY, projectId, filter],
    initialPageParam: null as PageStart | null,
    queryFn: async ({ pageParam, signal }) => {
      const range = pageParam?.range ?? rangeOf(filter.time, Date.now());
      const cursor = pageParam?.cursor ?? null;
      const query = { ...apiQuery(filter, range), project_id: projectId, limit: PAGE, ...(cursor && { cursor }) };
      return { range, page: await readPage(answer(api.GET("/api/v1/events", { params: { query }, signal }))) };
    },
    getNextPageParam: ({ page, range }) => (page.next_cursor ? { range, cursor: page.next_cursor } : null),
    select: ({ pages }: InfiniteData<{ page: EventPage }>) => asLog(pages.map(({ page }) => page)),
    staleTime: Infinity,
  });
}

/** The total of the document is one of two shapes, of which none but this one comes. */
export async function readPage(asked: Promise<Schemas["EventLog"]>): Promise<EventPage> {
  const page = await asked;
  return { ...page, total: page.total as Schemas["Total"] | null };
}

export function asLog(pages: EventPage[]): EventLog {
  return {
    events: pages.flatMap((page) => page.events),
    total: pages[0]?.total ?? null,
    searchedUntil: pages.at(-1)?.searched_until ?? null,
  };
}

/** The types of the last month's events, the most frequent first. */
export function useKnownTypes(): { type: string; events: number }[] {
  const { projectId } = useProject();
  const readsEvents = usePermission("events:read");
  const { data } = useQuery({
    queryKey: ["event-counts-by-type", projectId, readsEvents],
    queryFn: ({ signal }) => (readsEvents ? countByType(projectId, signal) : reportByType(projectId, signal)),
    staleTime: 60_000,
  });
  return Object.entries(data ?? {})
    .map(([type, events]) => ({ type, events }))
    .sort((one, other) => other.events - one.events);
}

async function countByType(project_id: number, signal: AbortSignal): Promise<Record<string, number>> {
  const start_date = new Date(Date.now() - KNOWN_DAYS * 86_400_000).toISOString().slice(0, 10);
  const query = { project_id, start_date };
  return (await answer(api.GET("/api/v1/analytics/admin/events/event_counts/", { params: { query }, signal }))).by_type;
}

/** The same, of the most frequent ones, for those who may only ask reports. */
async function reportByType(project_id: number, signal: AbortSignal): Promise<Record<string, number>> {
  const definition: Schemas["Definition"] = {
    period: { kind: "rolling", count: KNOWN_DAYS, unit: "day" },
    groupings: [{ by: "event_type" }],
    top: MOST_TYPES,
  };
  const asked = { params: { path: { project_id } }, body: { definition }, signal };
  const { series } = await answer(api.POST("/api/v1/projects/{project_id}/reports/run", asked));
  return Object.fromEntries(series.filter(({ other }) => !other).map(({ label, total }) => [label, total ?? 0]));
}

/** Whether the counts know a filter: they know time and type alone. */
export function isCounted(filter: Filter): boolean {
  return conditions({ ...filter, event_type: [] }).length === 0;
}

/** The events over a filter's time; null when there is too much of it to show. */
export function useEventBars(filter: Filter): UseQueryResult<Bars | null> {
  const { projectId } = useProject();
  return useQuery({
    queryKey: [EVENTS_KEY, "bars", projectId, filter.time, filter.event_type],
    queryFn: async ({ signal }) => {
      const range = rangeOf(filter.time, Date.now());
      const unit = unitOf(range, Date.now());
      const asked = apiQuery({ ...filter, property: [] }, range);
      const buckets = await readBuckets({ ...asked, project_id: projectId, unit }, signal);
      return buckets && asBars(buckets, unit, range, Date.now());
    },
    enabled: isCounted(filter),
    staleTime: Infinity,
  });
}

type BucketQuery = { project_id: number; unit: "minute" | "hour" | "day" } & Pick<
  ReturnType<typeof apiQuery>,
  "since" | "until" | "event_type"
>;

async function readBuckets(query: BucketQuery, signal: AbortSignal): Promise<Bucket[] | null> {
  const found: Bucket[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_BUCKET_PAGES; page += 1) {
    const asked: BucketQuery & { limit: number; cursor?: string } = { ...query, limit: BUCKETS_A_PAGE, ...(cursor && { cursor }) };
    const { aggregates, next_cursor }: Schemas["Aggregates"] = await answer(
      api.GET("/api/v1/analytics/admin/event-aggregates/", { params: { query: asked }, signal }),
    );
    found.push(...aggregates);
    if (next_cursor === null) return found;
    cursor = next_cursor;
  }
  return null;
}
