/** The time of a report, and how it stands in the address: `last-7-day`, `this-month`, `rolling-24-hour`, or two
 * times of the report's zone with `~` between them. */
import type { Schemas } from "../../api/client";

export type Unit = NonNullable<Schemas["Period"]["unit"]>;

/** last: whole units that are over; rolling: until now. since and until: what clocks of the zone show. */
export type Period =
  | { kind: "last" | "rolling"; count: number; unit: Unit }
  | { kind: "this"; unit: Unit }
  | { kind: "fixed"; since: string; until: string };

export const UNITS = ["minute", "hour", "day", "week", "month", "year"] as const;
export const MOST_UNITS = 3_660;

/** Those that a form offers by name. */
export const PRESETS = {
  "this-day": "Today",
  "last-1-day": "Yesterday",
  "rolling-24-hour": "24 hours until now",
  "rolling-7-day": "7 days until now",
  "last-7-day": "Last 7 days",
  "last-30-day": "Last 30 days",
  "this-week": "This week",
  "last-1-week": "Last week",
  "this-month": "This month",
  "last-1-month": "Last month",
  "last-12-month": "Last 12 months",
  "this-year": "This year",
} as const;

const COUNTED = /^(last|rolling)-(\d{1,4})-([a-z]+)$/;
const LOCAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/;

export function writePeriod(period: Period): string {
  if (period.kind === "fixed") return `${period.since}~${period.until}`;
  return period.kind === "this" ? `this-${period.unit}` : `${period.kind}-${period.count}-${period.unit}`;
}

export function readPeriod(text: string): Period | undefined {
  const [since = "", until = ""] = text.split("~");
  if (LOCAL.test(since) && LOCAL.test(until)) return { kind: "fixed", since, until };
  const [, kind, digits, name] = COUNTED.exec(text) ?? [];
  const unit = UNITS.find((known) => known === (name ?? text.replace(/^this-/, "")));
  if (!unit) return undefined;
  if (kind !== "last" && kind !== "rolling") return text.startsWith("this-") ? { kind: "this", unit } : undefined;
  const count = Number(digits);
  return count >= 1 && count <= MOST_UNITS ? { kind, count, unit } : undefined;
}

/** What clocks of a zone show at a time with an offset, to the second; one without is shown as it is. */
export function wallClock(at: string, zone: string): string {
  if (!/(Z|[+-]\d\d:?\d\d)$/.test(at)) return at.slice(0, 19);
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  return format.format(new Date(at)).replace(" ", "T");
}

/** The last whole day of a zone, for those who begin to choose a time. */
export function yesterday(now: number, zone: string): Period {
  const day = (moment: number) => wallClock(new Date(moment).toISOString(), zone).slice(0, 10);
  return { kind: "fixed", since: `${day(now - 86_400_000)}T00:00`, until: `${day(now)}T00:00` };
}
