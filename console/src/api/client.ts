/**
 * The one place that talks to the collector. Types carry the names of the wire; every answer is
 * checked before it is believed, and everything that goes wrong becomes one `ApiError`.
 */

export type PageViews = { page_url: string; views: number };

export type Overview = {
  as_of: string;
  active_users: number;
  active_sessions: number;
  page_views: number;
  events_per_second: number;
  top_pages: PageViews[];
  /** Lengths of the rolling windows, in seconds. */
  windows: { active_users: number; active_sessions: number; top_pages: number };
};

export type ActiveSessions = {
  as_of: string;
  window_seconds: number;
  user_id: string | null;
  active_sessions: number;
};

export type ThroughputPoint = { at: string; events: number; events_per_second: number };

export type Throughput = { as_of: string; step_seconds: number; points: ThroughputPoint[] };

export type ApiErrorKind = "unreachable" | "timeout" | "refused" | "unexpected";

type ApiErrorDetails = {
  status?: number;
  code?: string;
  fields?: Record<string, string[]>;
  requestId?: string;
};

/**
 * Why a request brought no usable answer.
 *
 * - `unreachable`: nothing answered; `timeout`: nothing answered in time
 * - `refused`: the collector answered with its error shape, or any other error status
 * - `unexpected`: a success whose body is not what the collector sends
 */
export class ApiError extends Error {
  readonly kind: ApiErrorKind;
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly fields: Record<string, string[]>;
  readonly requestId: string | undefined;

  constructor(kind: ApiErrorKind, message: string, details: ApiErrorDetails = {}) {
    super(message);
    this.name = "ApiError";
    this.kind = kind;
    this.status = details.status;
    this.code = details.code;
    this.fields = details.fields ?? {};
    this.requestId = details.requestId;
  }

  /** Whether the same request may succeed later without anyone changing it. */
  get isTransient(): boolean {
    return this.kind !== "refused" || this.status === 429 || (this.status ?? 0) >= 500;
  }
}

export const REQUEST_TIMEOUT_MS = 10_000;

type Json = Record<string, unknown>;
type Guard<T> = (value: unknown) => value is T;
type Query = Record<string, string | number>;

export function getOverview(signal?: AbortSignal): Promise<Overview> {
  return getJson("/api/v1/metrics/overview", { limit: 5 }, isOverview, signal);
}

export function getActiveSessions(userId: string, signal?: AbortSignal): Promise<ActiveSessions> {
  return getJson("/api/v1/metrics/active-sessions", { user_id: userId }, isActiveSessions, signal);
}

/** Events per second in steps of `step` seconds over the last `window` seconds, oldest first. */
export function getThroughput(
  window: number,
  step: number,
  signal?: AbortSignal,
): Promise<Throughput> {
  return getJson("/api/v1/metrics/throughput", { window, step }, isThroughput, signal);
}

async function getJson<T>(
  path: string,
  query: Query,
  isExpected: Guard<T>,
  signal?: AbortSignal,
): Promise<T> {
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]) => [name, String(value)]),
  );
  const { response, body } = await request(`${path}?${search}`, signal);
  if (!response.ok) throw refusal(response, body);
  if (!isExpected(body)) {
    throw new ApiError("unexpected", `${path} answered with something other than its documented JSON`, {
      status: response.status,
    });
  }
  return body;
}

async function request(
  url: string,
  signal?: AbortSignal,
): Promise<{ response: Response; body: unknown }> {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      headers: { accept: "application/json" },
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    return { response, body: parseJson(await response.text()) };
  } catch (error) {
    if (signal?.aborted) throw error;
    if (timeout.aborted) {
      throw new ApiError("timeout", `No answer within ${REQUEST_TIMEOUT_MS / 1000} seconds`);
    }
    throw new ApiError("unreachable", "No answer from the collector");
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads the collector's error shape; a body that is none (a proxy's page) keeps the status. */
function refusal(response: Response, body: unknown): ApiError {
  const details: ApiErrorDetails = { status: response.status };
  if (!isObject(body) || typeof body.message !== "string") {
    return new ApiError("refused", `Answer with status ${response.status}`, details);
  }
  if (typeof body.code === "string") details.code = body.code;
  if (typeof body.request_id === "string") details.requestId = body.request_id;
  details.fields = readFields(body.errors);
  return new ApiError("refused", body.message, details);
}

/** Field errors are nested as the request is; here each path becomes one name: "payload.url". */
function readFields(errors: unknown, path = ""): Record<string, string[]> {
  if (!isObject(errors)) return {};
  const fields: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(errors)) {
    const field = path ? `${path}.${name}` : name;
    if (isObject(value)) Object.assign(fields, readFields(value, field));
    else fields[field] = (Array.isArray(value) ? value : [value]).map(String);
  }
  return fields;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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

function isThroughputPoint(value: unknown): value is ThroughputPoint {
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
