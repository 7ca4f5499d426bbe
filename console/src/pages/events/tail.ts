/** What a live tail knows, and how each message of the live preview (docs/live.md) changes it. */
import { isObject } from "../../api/errors";
import type { Filter } from "./filter";
import type { StoredEvent } from "./queries";

export const MOST_SHOWN = 200;

export type TailStatus = "connecting" | "live" | "away" | "unreachable" | "refused" | "not-allowed";

export type Tail = {
  status: TailStatus;
  /** What the live preview said of a refusal. */
  detail: string;
  /** The newest first. */
  events: StoredEvent[];
  /** Those that came while the tail was held, the newest first. */
  waiting: StoredEvent[];
  /** Events that came while it was held and are not kept. */
  dropped: number;
  /** Events that the live preview left out. */
  leftOut: number;
};

export type TailNews =
  | { kind: "status"; status: TailStatus; detail?: string }
  | { kind: "events"; events: StoredEvent[]; held: boolean }
  | { kind: "left out"; count: number }
  | { kind: "release" }
  | { kind: "start" };

export const NO_TAIL: Tail = { status: "connecting", detail: "", events: [], waiting: [], dropped: 0, leftOut: 0 };

export function afterNews(tail: Tail, news: TailNews): Tail {
  switch (news.kind) {
    case "start":
      return NO_TAIL;
    case "status":
      return { ...tail, status: news.status, detail: news.detail ?? "" };
    case "left out":
      return { ...tail, leftOut: tail.leftOut + news.count };
    case "release":
      return { ...tail, events: newest([...tail.waiting, ...tail.events]), waiting: [], dropped: 0 };
    case "events":
      return withEvents(tail, news.events, news.held);
  }
}

/** The events of a message come in the order of their commits. */
function withEvents(tail: Tail, arrived: StoredEvent[], held: boolean): Tail {
  const fresh = arrived.toReversed();
  if (!held) return { ...tail, events: newest([...fresh, ...tail.waiting, ...tail.events]), waiting: [], dropped: 0 };
  const waiting = newest([...fresh, ...tail.waiting]);
  const came = fresh.length + tail.waiting.length;
  return { ...tail, waiting, dropped: tail.dropped + came - waiting.length };
}

/** At most so many, and each once: a repeated one may be shown twice by the live preview. */
function newest(events: StoredEvent[]): StoredEvent[] {
  const byId = new Map<string, StoredEvent>();
  for (const event of events) if (!byId.has(event.event_id)) byId.set(event.event_id, event);
  return [...byId.values()].slice(0, MOST_SHOWN);
}

const COLUMNS = [
  "user_id", "anonymous_id", "session_id", "device_id", "page_url", "app_version", "os_name", "os_version",
] as const;

/** What a message of the live preview means; null: nothing to show. */
export function readMessage(text: string, filter: Filter, held: boolean): TailNews | null {
  const message = parse(text);
  if (!isObject(message)) return null;
  switch (message.type) {
    case "ready":
    case "filter":
      return { kind: "status", status: "live" };
    case "away":
      return { kind: "status", status: "away" };
    case "error":
      return { kind: "status", status: "refused", detail: explain(message) };
    case "sampling":
      return { kind: "left out", count: Number(message.left_out) || 0 };
    case "events":
      return { kind: "events", events: eventsOf(message.events).filter((event) => passesHere(event, filter)), held };
    default:
      return null;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function explain({ message, errors }: Record<string, unknown>): string {
  const fields = isObject(errors) ? Object.entries(errors).map(([name, why]) => `${name}: ${String(why)}`) : [];
  return [typeof message === "string" ? message : "The filter was refused.", ...fields].join(" ");
}

function eventsOf(given: unknown): StoredEvent[] {
  return Array.isArray(given) ? given.flatMap((event: unknown) => asEvent(event) ?? []) : [];
}

/** An event of the live preview as one of the log; what is empty is absent in it. */
function asEvent(given: unknown): StoredEvent | null {
  if (!isObject(given) || ![given.event_id, given.ts, given.event_type].every((part) => typeof part === "string")) {
    return null;
  }
  const columns = COLUMNS.map((name) => [name, given[name] ?? null]);
  return { properties: {}, ...given, ...Object.fromEntries(columns) } as StoredEvent;
}

/** The parts of a filter that the live preview does not know and that are looked at here. */
export function passesHere(event: StoredEvent, filter: Filter): boolean {
  const same = (["anonymous_id", "session_id", "device_id"] as const).every(
    (name) => !filter[name] || event[name] === filter[name],
  );
  return same && (event.page_url ?? "").startsWith(filter.page_prefix);
}

/** The filter as the live preview takes it. */
export function tailQuery(filter: Filter, projectId: number): URLSearchParams {
  const query = new URLSearchParams({ project_id: String(projectId) });
  for (const name of filter.event_type) query.append("event_type", name);
  if (filter.user_id) query.set("user_id", filter.user_id);
  if (filter.page_url) query.set("page_url", filter.page_url);
  return query;
}
