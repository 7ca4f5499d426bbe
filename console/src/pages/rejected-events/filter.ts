import { useSearchParams } from "wouter";

import type { Schemas } from "../../api/client";

type Reason = NonNullable<Schemas["ReplayBody"]["reason"]>;

/** Why events are refused, in words; every one of the API's stands here. */
export const REASONS: Record<Reason, string> = {
  malformed: "not JSON, or not an object",
  invalid: "a field is missing or wrong",
  timestamp: "no time, or out of bounds",
  character: "a NUL character",
  too_large: "too large, or nested too deep",
  schema: "does not fit the catalogue",
  unauthorized: "no write key, or an unknown one",
  paused: "the project was paused",
  rate_limited: "over the rate limit",
  storage: "the database refused it",
};

/** What the API takes; what is absent is not asked for. */
export type Filter = { reason?: Reason; source?: string; event_type?: string; since?: string };

/** The same, in which what is empty is taken away. */
export type WantedFilter = { [Name in keyof Filter]: Filter[Name] | undefined };

/** The routes by which events come that may be kept here. */
export const SOURCES = ["batch", "csv", "segment", "rudderstack", "posthog", "plausible", "webhook"];

const NAMES = ["reason", "source", "event_type", "since"] as const;

export const isReason = (text: string | null): text is Reason => text !== null && Object.hasOwn(REASONS, text);

export const isFiltered = (filter: Filter): boolean => NAMES.some((name) => filter[name]);

/** The filter of an address; what it cannot mean is left out. */
export function readFilter(params: URLSearchParams): Filter {
  const filter: Filter = {};
  const reason = params.get("reason");
  if (isReason(reason)) filter.reason = reason;
  const since = params.get("since");
  if (since && !Number.isNaN(Date.parse(since))) filter.since = since;
  for (const name of ["source", "event_type"] as const) {
    const value = params.get(name);
    if (value) filter[name] = value;
  }
  return filter;
}

/** An address's parameters with another filter; the others stay. */
export function withFilter(params: URLSearchParams, filter: WantedFilter): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const name of NAMES) {
    const value = filter[name];
    if (value) next.set(name, value);
    else next.delete(name);
  }
  return next;
}

/** The filter of the address, so that it can be sent to somebody. */
export function useFilter(): [Filter, (filter: WantedFilter) => void] {
  const [params, setParams] = useSearchParams();
  return [readFilter(params), (filter) => setParams((now) => withFilter(now, filter))];
}
