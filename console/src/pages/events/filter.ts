/**
 * The filter of the event log, and how it stands in the address: under the names that the API has for its
 * parts, but for `last`, a time that ends now.
 */
import { isObject } from "../../api/errors";

export const PRESETS = {
  "15m": { label: "Last 15 minutes", seconds: 900 },
  "1h": { label: "Last hour", seconds: 3_600 },
  "24h": { label: "Last 24 hours", seconds: 86_400 },
  "7d": { label: "Last 7 days", seconds: 604_800 },
  "30d": { label: "Last 30 days", seconds: 2_592_000 },
  all: { label: "All time", seconds: null },
} as const;

export type Preset = keyof typeof PRESETS;
export const DEFAULT_PRESET: Preset = "24h";

/** A time that ends now, or [since, until) as instants (ISO 8601, UTC), "" for no bound. */
export type Time = { last: Preset } | { since: string; until: string };

export const OPERATORS = ["equals", "contains", "exists", "greater", "less"] as const;
export type Operator = (typeof OPERATORS)[number];
export type Scalar = string | number | boolean | null;

/** `property` names the way to a value through the JSON, with dots. The value's type counts. */
export type PropertyFilter = { property: string; operator: Operator; value: Scalar };

export const TEXTS = ["user_id", "anonymous_id", "session_id", "device_id", "page_url", "page_prefix"] as const;
export type TextName = (typeof TEXTS)[number];

/** Everything that is asked has to be so; "" and [] ask nothing. */
export type Filter = { time: Time; event_type: string[]; property: PropertyFilter[] } & Record<TextName, string>;

export const MOST_PROPERTIES = 5;

export const NO_FILTER: Filter = {
  time: { last: DEFAULT_PRESET },
  event_type: [],
  property: [],
  user_id: "",
  anonymous_id: "",
  session_id: "",
  device_id: "",
  page_url: "",
  page_prefix: "",
};

/** The filter of an address. `unread` names the parts of it that are none. */
export function readFilter(params: URLSearchParams): { filter: Filter; unread: string[] } {
  const unread: string[] = [];
  const filter: Filter = { ...NO_FILTER, time: readTime(params, unread) };
  for (const name of TEXTS) filter[name] = params.get(name) ?? "";
  filter.event_type = [...new Set(params.getAll("event_type").filter(Boolean))];
  filter.property = params.getAll("property").flatMap((text) => {
    const read = readProperty(text);
    if (!read) unread.push("property");
    return read ?? [];
  });
  return { filter, unread };
}

function readTime(params: URLSearchParams, unread: string[]): Time {
  const last = params.get("last");
  if (last !== null && isPreset(last)) return { last };
  if (last !== null) unread.push("last");
  const [since, until] = ["since", "until"].map((name) => {
    const given = params.get(name) ?? "";
    const moment = Date.parse(given);
    if (given && Number.isNaN(moment)) unread.push(name);
    return Number.isNaN(moment) ? "" : new Date(moment).toISOString();
  });
  return since || until ? { since: since ?? "", until: until ?? "" } : NO_FILTER.time;
}

function isPreset(text: string): text is Preset {
  return Object.hasOwn(PRESETS, text);
}

function readProperty(text: string): PropertyFilter | null {
  const given = parse(text);
  if (!isObject(given) || typeof given.property !== "string" || !given.property) return null;
  const operator = OPERATORS.find((name) => name === (given.operator ?? "equals"));
  const value = operator === "exists" ? (given.value ?? true) : given.value;
  return operator && isScalar(value) ? { property: given.property, operator, value } : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isScalar(value: unknown): value is Scalar {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

/** A filter as the query of an address; what asks nothing is absent. */
export function writeFilter(filter: Filter): URLSearchParams {
  const params = new URLSearchParams();
  if (!("last" in filter.time)) {
    if (filter.time.since) params.set("since", filter.time.since);
    if (filter.time.until) params.set("until", filter.time.until);
  } else if (filter.time.last !== DEFAULT_PRESET) {
    params.set("last", filter.time.last);
  }
  for (const name of filter.event_type) params.append("event_type", name);
  for (const name of TEXTS) if (filter[name]) params.set(name, filter[name]);
  for (const each of filter.property) params.append("property", JSON.stringify(each));
  return params;
}

/** The address of the Events page with this filter. */
export function eventsPath(part: Partial<Filter>): string {
  const query = writeFilter({ ...NO_FILTER, ...part }).toString();
  return query ? `/event-log?${query}` : "/event-log";
}

/** [since, until) in epoch milliseconds; null: without end. */
export type Range = { since: number | null; until: number | null };

/** The time of a filter at a moment, in epoch milliseconds. */
export function rangeOf(time: Time, now: number): Range {
  if (!("last" in time)) return { since: moment(time.since), until: moment(time.until) };
  const { seconds } = PRESETS[time.last];
  return { since: seconds === null ? null : now - seconds * 1000, until: null };
}

function moment(instant: string): number | null {
  return instant ? Date.parse(instant) : null;
}

/** Filter and time as the API's parameters. */
export function apiQuery(filter: Filter, range: Range) {
  const texts = TEXTS.filter((name) => filter[name]).map((name) => [name, filter[name]] as const);
  return {
    ...(range.since !== null && { since: new Date(range.since).toISOString() }),
    ...(range.until !== null && { until: new Date(range.until).toISOString() }),
    ...(filter.event_type.length > 0 && { event_type: filter.event_type }),
    ...(Object.fromEntries(texts) as Partial<Record<TextName, string>>),
    ...(filter.property.length > 0 && { property: filter.property.map((each) => JSON.stringify(each)) }),
  };
}

/** The API's name of the way to a property; a backslash stands before a dot that is part of a name. */
export function propertyName(path: string[]): string {
  return path.map((part) => part.replace(/[.\\]/g, "\\$&")).join(".");
}

/** What of an event can be filtered by. */
export type Pick =
  | { column: "event_type" | Exclude<TextName, "page_prefix">; value: string }
  | { path: string[]; value: Scalar };

/** The filter with one value more; a column that was asked before gets the new value. */
export function withPick(filter: Filter, pick: Pick): Filter {
  if ("column" in pick) {
    if (pick.column === "event_type") return { ...filter, event_type: [pick.value] };
    const prefix = pick.column === "page_url" ? "" : filter.page_prefix;
    return { ...filter, page_prefix: prefix, [pick.column]: pick.value };
  }
  const property = propertyName(pick.path);
  const others = filter.property.filter((each) => each.property !== property || each.operator !== "equals");
  return { ...filter, property: [...others, { property, operator: "equals", value: pick.value }] };
}

/** One thing that a filter asks, and the filter without it. */
export type Condition = { name: string; value: string; without: Filter };

const LABELS: Record<TextName, string> = {
  user_id: "User",
  anonymous_id: "Anonymous id",
  session_id: "Session",
  device_id: "Device",
  page_url: "Page",
  page_prefix: "Page begins with",
};

const WORDS: Record<Operator, string> = {
  equals: "is",
  contains: "contains",
  exists: "exists",
  greater: "is greater than",
  less: "is less than",
};

/** What a filter asks beside the time. */
export function conditions(filter: Filter): Condition[] {
  return [
    ...filter.event_type.map((type) => ({
      name: "Type",
      value: type,
      without: { ...filter, event_type: filter.event_type.filter((other) => other !== type) },
    })),
    ...TEXTS.filter((name) => filter[name]).map((name) => ({
      name: LABELS[name],
      value: filter[name],
      without: { ...filter, [name]: "" },
    })),
    ...filter.property.map((each) => ({
      name: each.property,
      value: describeProperty(each),
      without: { ...filter, property: filter.property.filter((other) => other !== each) },
    })),
  ];
}

function describeProperty({ operator, value }: PropertyFilter): string {
  if (operator === "exists") return value === false ? "is absent" : "exists";
  return `${WORDS[operator]} ${JSON.stringify(value)}`;
}

/** An instant as the value of a datetime-local field, in the viewer's time. */
export function toLocal(instant: string): string {
  if (!instant) return "";
  const at = new Date(instant);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** The instant of a datetime-local field, "" for none. */
export function toInstant(local: string): string {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}
