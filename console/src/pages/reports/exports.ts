/** Files of events and reports that the workers make (docs/exports.md). */
import { useInfiniteQuery } from "@tanstack/react-query";

import { answer, api, type Schemas } from "../../api/client";
import { isObject } from "../../api/errors";
import { useAction } from "../../hooks/useAction";
import { formatBytes } from "../../lib/bytes";
import { formatInteger, plural } from "../../lib/format";
import { useProject } from "../../session/project";
import { isScalar, NO_FILTER, OPERATORS, rangeOf, TEXTS, type Filter } from "../events/filter";
import { DOWNLOADS } from "./paths";

export type Export = Schemas["Export"];
export type ExportBody = Schemas["ExportBody"];
export type Format = ExportBody["format"];

export const EXPORTS_KEY = ["exports"] as const;
export const RENEWS = [EXPORTS_KEY, ["audit-log"]];

export const FORMATS: Record<Format, string> = {
  pdf: "PDF, to hand on",
  csv: "CSV, for spreadsheets",
  parquet: "Parquet, for data tools",
  ndjson: "NDJSON, a row a line",
};
export const formatNames = Object.keys(FORMATS) as Format[];
export const EVENT_FORMATS = ["csv", "ndjson", "parquet"] as const;

export const formatName = (format: string): string => (format === "parquet" ? "Parquet" : format.toUpperCase());

const POLL_MS = 1_000;

export const ofExport = (project_id: number, export_id: string) => ({ params: { path: { project_id, export_id } } });

/** The exports that one may have, the newest first, asked for again while one of them goes on. */
export function useExports() {
  const { projectId: project_id } = useProject();
  return useInfiniteQuery({
    queryKey: [...EXPORTS_KEY, project_id],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => {
      const query = pageParam ? { cursor: pageParam } : {};
      return answer(api.GET("/api/v1/projects/{project_id}/exports", { params: { path: { project_id }, query }, signal }));
    },
    getNextPageParam: (page) => page.next_cursor,
    select: ({ pages }) => pages.flatMap((page) => page.exports),
    refetchInterval: ({ state }) => (state.data?.pages.some((page) => page.exports.some(isOpen)) ? POLL_MS : false),
  });
}

/** Has a file made. */
export function useRequest() {
  const { projectId: project_id } = useProject();
  return useAction({
    run: (body: ExportBody) =>
      answer(api.POST("/api/v1/projects/{project_id}/exports", { params: { path: { project_id } }, body })),
    done: ({ format }) => `A file of ${formatName(format)} is being made.`,
    next: { href: DOWNLOADS, label: "Downloads" },
    renews: RENEWS,
  });
}

export const isOpen = ({ state }: Pick<Export, "state">): boolean => state === "waiting" || state === "running";

/** How far an export is, in words. */
export function progressWords({ state, percent, rows_written, bytes }: Export): string {
  if (state === "waiting") return rows_written > 0 ? `Tried again soon; ${plural(rows_written, "row")} so far` : "A worker takes it soon";
  if (state === "running") return `${formatInteger(percent)} % · ${plural(rows_written, "row")}`;
  if (state === "done") return [plural(rows_written, "row"), ...(bytes === null ? [] : [formatBytes(bytes)])].join(" · ");
  return "";
}

/** A filter of the event log as an export takes it. */
export function eventsBody(filter: Filter, format: Format, now: number): ExportBody {
  const { since, until } = rangeOf(filter.time, now);
  const texts = TEXTS.filter((name) => filter[name]).map((name) => [name, filter[name]] as const);
  return {
    kind: "events",
    format,
    ...(since !== null && { since: new Date(since).toISOString() }),
    ...(until !== null && { until: new Date(until).toISOString() }),
    filters: {
      ...(filter.event_type.length > 0 && { event_types: filter.event_type }),
      ...Object.fromEntries(texts),
      ...(filter.property.length > 0 && { properties: filter.property }),
    },
  };
}

/** What the API takes for no bound; further away than any event. */
const FIRST = Date.parse("1970-01-02T00:00:00Z");
const LAST = Date.parse("2199-12-31T00:00:00Z");

/** The filter of the event log that an export of events was asked for with. */
export function filterOf(request: Export["request"]): Filter {
  const filters = isObject(request.filters) ? request.filters : {};
  const filter: Filter = { ...NO_FILTER, time: timeOf(request) };
  for (const name of TEXTS) filter[name] = textOf(filters[name]);
  filter.event_type = listOf(filters.event_types).map(textOf);
  filter.property = listOf(filters.properties).flatMap((each) => {
    if (!isObject(each)) return [];
    const operator = OPERATORS.find((name) => name === each.operator) ?? "equals";
    return [{ property: textOf(each.property), operator, value: isScalar(each.value) ? each.value : null }];
  });
  return filter;
}

function timeOf({ since, until }: Export["request"]): Filter["time"] {
  const bounds = { since: boundOf(since), until: boundOf(until) };
  return bounds.since || bounds.until ? bounds : { last: "all" };
}

function boundOf(instant: unknown): string {
  const at = Date.parse(textOf(instant));
  return at > FIRST && at < LAST ? new Date(at).toISOString() : "";
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
