import { answer, api, ApiError } from "../../api/client";
import { isObject } from "../../api/errors";
import type { Schemas } from "../../api/client";

/** The rolling windows are named here; the document has them as a mapping. Seconds. */
type Windows = Record<"active_users" | "active_sessions" | "top_pages", number>;
export type Overview = Schemas["Overview"] & { windows: Windows };
export type PageViews = Schemas["Page"];
export type ActiveSessions = Schemas["ActiveSessions"];
export type Throughput = Schemas["Throughput"];

type Guard<T> = (value: unknown) => value is T;

/* Numbers are checked before they are believed: a proxy may answer as well. */

export async function getOverview(project_id: number, signal?: AbortSignal): Promise<Overview> {
  const query = { limit: 5, project_id };
  return believe(isOverview, await answer(api.GET("/api/v1/metrics/overview", ask(query, signal))));
}

export async function getActiveSessions(
  project_id: number,
  user_id: string,
  signal?: AbortSignal,
): Promise<ActiveSessions> {
  const query = { user_id, project_id };
  return believe(isActiveSessions, await answer(api.GET("/api/v1/metrics/active-sessions", ask(query, signal))));
}

/** Events per second in steps of `step` seconds over the last `window` seconds, oldest first. */
export async function getThroughput(
  project_id: number,
  { window, step }: { window: number; step: number },
  signal?: AbortSignal,
): Promise<Throughput> {
  const query = { window, step, project_id };
  return believe(isThroughput, await answer(api.GET("/api/v1/metrics/throughput", ask(query, signal))));
}

function ask<Query>(query: Query, signal?: AbortSignal) {
  return { params: { query }, ...(signal && { signal }) };
}

function believe<T>(isExpected: Guard<T>, value: unknown): T {
  if (isExpected(value)) return value;
  throw new ApiError("unexpected", "The answer is something other than its documented JSON");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

function isInstant(value: unknown): value is string {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}

function isPageViews(value: unknown): value is PageViews {
  return isObject(value) && typeof value.page_url === "string" && isCount(value.views);
}

function isOverview(value: unknown): value is Overview {
  return (
    isObject(value) &&
    isInstant(value.as_of) &&
    [value.active_users, value.active_sessions, value.page_views].every(isCount) &&
    isCount(value.events_per_second) &&
    Array.isArray(value.top_pages) &&
    value.top_pages.every(isPageViews) &&
    isObject(value.windows) &&
    [
      value.windows.active_users,
      value.windows.active_sessions,
      value.windows.top_pages,
    ].every(isCount)
  );
}

function isActiveSessions(value: unknown): value is ActiveSessions {
  return (
    isObject(value) &&
    isInstant(value.as_of) &&
    isCount(value.window_seconds) &&
    isCount(value.active_sessions) &&
    (value.user_id === null || typeof value.user_id === "string")
  );
}

function isThroughputPoint(value: unknown): boolean {
  return (
    isObject(value) &&
    isInstant(value.at) &&
    isCount(value.events) &&
    isCount(value.events_per_second)
  );
}

function isThroughput(value: unknown): value is Throughput {
  return (
    isObject(value) &&
    isInstant(value.as_of) &&
    isCount(value.step_seconds) &&
    Array.isArray(value.points) &&
    value.points.every(isThroughputPoint)
  );
}
