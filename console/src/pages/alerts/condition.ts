/** What a watch looks at, as its form holds it, as the API takes it (docs/watches.md), and in words. */
import type { Schemas } from "../../api/client";
import { formatInteger, formatNumber } from "../../lib/format";

export type Watch = Schemas["Watch"];
export type WatchBody = Schemas["WatchBody"];
export type Kind = WatchBody["kind"];
export type Severity = NonNullable<WatchBody["severity"]>;
export type ConditionBody = Schemas["WatchConditionBody"];

export const KINDS: Record<Kind, string> = {
  threshold: "A number is above or below a level",
  absence: "Nothing happens",
  change: "A number changes by a share",
};
export const kindNames = Object.keys(KINDS) as Kind[];
export const SEVERITIES: Severity[] = ["info", "warning", "critical"];
export const WINDOWS = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440];
export const MEASURES = { events: "Events", users: "Users", sessions: "Sessions", rejected: "Rejected events" } as const;
export type MeasureName = keyof typeof MEASURES;

/** Numbers are texts while they are written. */
export type Draft = {
  name: string;
  severity: Severity;
  shared: boolean;
  enabled: boolean;
  kind: Kind;
  measure: MeasureName;
  /** Which events: all, those of a type, or the views of a page. */
  which: "all" | "type" | "page";
  event_type: string;
  page_url: string;
  window_minutes: number;
  side: "above" | "below";
  level: string;
  compared_with: "window_before" | "week_ago";
  direction: "up" | "down" | "either";
  percent: string;
  minimum_count: string;
  /** "": where it fires. */
  resolve_level: string;
  minimum_minutes: string;
  cool_down_minutes: string;
};

export const NEW_WATCH: Draft = {
  name: "",
  severity: "warning",
  shared: false,
  enabled: true,
  kind: "threshold",
  measure: "events",
  which: "all",
  event_type: "",
  page_url: "",
  window_minutes: 15,
  side: "below",
  level: "10",
  compared_with: "week_ago",
  direction: "down",
  percent: "50",
  minimum_count: "10",
  resolve_level: "",
  minimum_minutes: "0",
  cool_down_minutes: "5",
};

/** Whether only some events can be asked for: users and sessions are all there are. */
export const choosesEvents = ({ kind, measure }: Pick<Draft, "kind" | "measure">): boolean =>
  kind !== "threshold" || measure === "events";

/** The condition of a form; null while a number or a text is missing. */
export function conditionOf(draft: Draft): ConditionBody | null {
  const { kind, which, window_minutes, measure, side, compared_with, direction } = draft;
  const texts = { type: draft.event_type.trim(), page: draft.page_url.trim() };
  const chosen = choosesEvents(draft) && which !== "all" ? which : null;
  if (chosen && !texts[chosen]) return null;
  const [level, percent, minimum_count] = [draft.level, draft.percent, draft.minimum_count].map(numberOf);
  const resolve_level = draft.resolve_level === "" ? null : numberOf(draft.resolve_level);
  if (resolve_level === undefined) return null;
  const shared = {
    window_minutes,
    ...(chosen === "type" && { event_type: texts.type }),
    ...(chosen === "page" && { page_url: texts.page }),
  };
  if (kind === "absence") return asBody(kind, shared, resolve_level);
  if (kind === "threshold") {
    return level === undefined ? null : asBody(kind, { ...shared, measure, direction: side, level }, resolve_level);
  }
  if (percent === undefined || minimum_count === undefined) return null;
  return asBody(kind, { ...shared, compared_with, direction, percent, minimum_count }, resolve_level);
}

/** The document has a condition as one of three, whose windows are numbers that TypeScript has as a union. */
function asBody(kind: Kind, condition: Record<string, unknown>, resolve_level: number | null): ConditionBody {
  return { kind, condition: condition as ConditionBody["condition"], resolve_level };
}

/** The watch of a form; null while something is missing. */
export function bodyOf(draft: Draft): WatchBody | null {
  const condition = conditionOf(draft);
  const [minimum, coolDown] = [draft.minimum_minutes, draft.cool_down_minutes].map(numberOf);
  if (!condition || minimum === undefined || coolDown === undefined) return null;
  const { name, severity, shared, enabled } = draft;
  return {
    ...condition,
    name: name.trim(),
    severity,
    shared,
    enabled,
    minimum_seconds: Math.round(minimum * 60),
    cool_down_seconds: Math.round(coolDown * 60),
  };
}

/** A watch as its form holds it. */
export function draftOf(watch: Watch): Draft {
  const { name, severity, shared, enabled, condition, resolve_level, minimum_seconds, cool_down_seconds } = watch;
  const kind = kindNames.find((known) => known === watch.kind) ?? "threshold";
  const text = (field: string) => (typeof condition[field] === "string" ? condition[field] : "");
  const number = (field: keyof Draft) => (typeof condition[field] === "number" ? String(condition[field]) : String(NEW_WATCH[field]));
  const direction = text("direction");
  return {
    ...NEW_WATCH,
    name,
    severity,
    shared,
    enabled,
    kind,
    measure: (text("measure") || "events") as MeasureName,
    which: text("event_type") ? "type" : text("page_url") ? "page" : "all",
    event_type: text("event_type"),
    page_url: text("page_url"),
    window_minutes: Number(number("window_minutes")),
    side: direction === "above" ? "above" : "below",
    level: number("level"),
    compared_with: text("compared_with") === "window_before" ? "window_before" : "week_ago",
    direction: direction === "up" || direction === "either" ? direction : "down",
    percent: number("percent"),
    minimum_count: number("minimum_count"),
    resolve_level: resolve_level === null ? "" : String(resolve_level),
    minimum_minutes: String(minimum_seconds / 60),
    cool_down_minutes: String(cool_down_seconds / 60),
  };
}

/** As in: "Events of type checkout of the last 15 minutes below 10". */
export function conditionWords({ kind, condition }: Pick<Watch, "kind" | "condition">): string {
  const { window_minutes, measure = "events", direction, level, percent, compared_with } = condition;
  const window = windowWords(Number(window_minutes));
  if (kind === "absence") return `No ${eventWords(condition, "")} for ${window.startsWith("hour") || window.startsWith("minute") ? `a whole ${window}` : window}`;
  const what = measure === "events" ? eventWords(condition, "Events") : MEASURES[measure as MeasureName];
  if (kind === "threshold") return `${capital(what)} of the last ${window} ${String(direction)} ${formatNumber(Number(level))}`;
  const way = direction === "either" ? "up or down" : String(direction);
  const against = compared_with === "week_ago" ? "a week ago" : "the window before";
  return `${capital(what)} of the last ${window} ${formatNumber(Number(percent))} % ${way} on ${against}`;
}

function eventWords(condition: Watch["condition"], all: string): string {
  const { event_type, page_url } = condition;
  if (typeof event_type === "string") return `events of type ${event_type}`;
  return typeof page_url === "string" ? `views of ${page_url}` : all || "events";
}

/** A number of minutes: "15 minutes", "hour". */
export function windowWords(minutes: number): string {
  const [count, unit] = minutes % 60 === 0 ? [minutes / 60, "hour"] : [minutes, "minute"];
  return count === 1 ? unit : `${formatInteger(count)} ${unit}s`;
}

/** What a condition comes to: a number of things, or a change in percent. */
export function valueWords(kind: string, value: number): string {
  if (kind !== "change") return formatNumber(value);
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${formatNumber(Math.abs(value))} %`;
}

function numberOf(text: string): number | undefined {
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : undefined;
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
