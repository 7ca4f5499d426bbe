/**
 * What a report asks, as its form holds it, as the API takes it (docs/reports.md), and how it stands in the
 * address: `measure=sum&of=price&period=last-7-day&grain=day&group=event_type&zone=Europe/Berlin`, and the
 * filters as in the address of the event log.
 */
import type { Schemas } from "../../api/client";
import { isScalar, NO_FILTER, OPERATORS, readFilter, TEXTS, writeFilter, type Filter } from "../events/filter";
import { NEW_REPORT } from "./paths";
import { readPeriod, wallClock, writePeriod, type Period } from "./period";

export type Definition = Schemas["Definition"];
export type Kind = Schemas["Measure"]["kind"];
export type Percentile = NonNullable<Schemas["Measure"]["percentile"]>;
export type By = Schemas["Grouping"]["by"];
export type Grain = NonNullable<Definition["grain"]>;

/** Texts that are not asked for are "", also those of a kind that has none. */
export type Measure = { kind: Kind; property: string; percentile: Percentile };
export type Grouping = { by: By; property: string };

export type Asked = {
  measure: Measure;
  groupings: Grouping[];
  /** Its time does not count: that is the period. */
  filter: Filter;
  period: Period;
  /** null: the whole period is one. */
  grain: Grain | null;
  compare: boolean;
  top: number;
  time_zone: string;
};

export const KINDS = ["count", "users", "sessions", "sum", "average", "minimum", "maximum", "percentile"] as const;
export const PERCENTILES = [50, 75, 90, 95, 99] as const;
export const BYS = ["event_type", "page", "property", "segment"] as const;
export const GRAINS = ["minute", "hour", "day", "week", "month"] as const;
export const MOST_GROUPINGS = 2;
export const MOST_GROUPS = 50;

const DEFAULT_TOP = 10;
const NO_GRAIN = "none";
const NAMES = ["measure", "of", "percentile", "group", "period", "grain", "compare", "top", "zone"];

export const isOfProperty = (kind: Kind): boolean => !["count", "users", "sessions"].includes(kind);
export const hasProperty = (by: By): boolean => by === "property" || by === "segment";

/** The viewer's own time zone. */
export const ownZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export function defaultAsked(): Asked {
  return {
    measure: { kind: "count", property: "", percentile: 95 },
    groupings: [],
    filter: NO_FILTER,
    period: { kind: "rolling", count: 7, unit: "day" },
    grain: "day",
    compare: false,
    top: DEFAULT_TOP,
    time_zone: ownZone(),
  };
}

/** What is sent to the API. */
export function toDefinition(asked: Asked): Definition {
  const { measure, groupings, filter, period, grain, compare, top, time_zone } = asked;
  const texts = TEXTS.filter((name) => filter[name].trim()).map((name) => [name, filter[name].trim()] as const);
  return {
    measure: {
      kind: measure.kind,
      ...(isOfProperty(measure.kind) && { property: measure.property.trim() }),
      ...(measure.kind === "percentile" && { percentile: measure.percentile }),
    },
    groupings: groupings.map(({ by, property }) => ({ by, ...(hasProperty(by) && { property: property.trim() }) })),
    filters: {
      ...(filter.event_type.length > 0 && { event_types: filter.event_type }),
      ...Object.fromEntries(texts),
      properties: filter.property.filter(({ property }) => property !== ""),
    },
    period,
    grain,
    compare,
    top,
    time_zone,
  };
}

/** A definition of the API's as a form holds it. */
export function fromDefinition(definition: Definition): Asked {
  const { measure, groupings = [], filters = {}, period, grain = null, compare = false, top, time_zone = "UTC" } = definition;
  const filter: Filter = { ...NO_FILTER, event_type: filters.event_types ?? [] };
  for (const name of TEXTS) filter[name] = filters[name] ?? "";
  filter.property = (filters.properties ?? []).map(({ property, operator = "equals", value }) => ({
    property,
    operator: OPERATORS.find((name) => name === operator) ?? "equals",
    value: isScalar(value) ? value : null,
  }));
  return {
    measure: { kind: measure?.kind ?? "count", property: measure?.property ?? "", percentile: measure?.percentile ?? 95 },
    groupings: groupings.map(({ by, property }) => ({ by, property: property ?? "" })),
    filter,
    period: asPeriod(period, time_zone),
    grain,
    compare,
    top: top ?? DEFAULT_TOP,
    time_zone,
  };
}

function asPeriod({ kind, count = 1, unit = "day", since = "", until = "" }: Definition["period"], zone: string): Period {
  if (kind === "fixed") return { kind, since: wallClock(since, zone), until: wallClock(until, zone) };
  return kind === "this" ? { kind, unit } : { kind, count, unit };
}

/** Whether an address asks for a report at all. */
export function asksForReport(params: URLSearchParams): boolean {
  return NAMES.some((name) => params.has(name));
}

/** What an address asks. `unread` names the parts of it that cannot be read, and do not count. */
export function readAsked(params: URLSearchParams): { asked: Asked; unread: string[] } {
  const asked = defaultAsked();
  const { filter, unread } = readFilter(params);
  const read = <T>(name: string, parse: (text: string) => T | undefined, take: (value: T) => void) => {
    const text = params.get(name);
    if (text === null) return;
    const value = parse(text);
    if (value === undefined) unread.push(name);
    else take(value);
  };
  asked.filter = { ...filter, time: NO_FILTER.time };
  read("measure", oneOf(KINDS), (kind) => (asked.measure.kind = kind));
  read("of", (text) => text, (property) => (asked.measure.property = property));
  read("percentile", oneOf(PERCENTILES), (percentile) => (asked.measure.percentile = percentile));
  read("period", readPeriod, (period) => (asked.period = period));
  read("grain", oneOf([NO_GRAIN, ...GRAINS] as const), (grain) => (asked.grain = grain === NO_GRAIN ? null : grain));
  read("compare", oneOf(["1"]), () => (asked.compare = true));
  read("top", wholeUpTo(MOST_GROUPS), (top) => (asked.top = top));
  read("zone", (text) => text || undefined, (zone) => (asked.time_zone = zone));
  for (const text of params.getAll("group")) {
    const grouping = readGrouping(text);
    if (grouping && asked.groupings.length < MOST_GROUPINGS) asked.groupings.push(grouping);
    else unread.push("group");
  }
  return { asked, unread };
}

/** A report as the query of an address. The time zone is always in it: the same for whoever opens it. */
export function writeAsked(asked: Asked): URLSearchParams {
  const { measure, groupings, filter, period, grain, compare, top, time_zone } = asked;
  const params = writeFilter({ ...filter, time: NO_FILTER.time });
  params.set("measure", measure.kind);
  if (isOfProperty(measure.kind)) params.set("of", measure.property);
  if (measure.kind === "percentile") params.set("percentile", String(measure.percentile));
  params.set("period", writePeriod(period));
  params.set("grain", grain ?? NO_GRAIN);
  for (const { by, property } of groupings) params.append("group", hasProperty(by) ? `${by}:${property}` : by);
  if (compare) params.set("compare", "1");
  if (top !== DEFAULT_TOP) params.set("top", String(top));
  params.set("zone", time_zone);
  return params;
}

/** The address of a report that is not saved. */
export const askPath = (asked: Asked): string => `${NEW_REPORT}?${writeAsked(asked)}`;

function readGrouping(text: string): Grouping | undefined {
  const [name = "", ...rest] = text.split(":");
  const by = oneOf(BYS)(name);
  const property = rest.join(":");
  return by && hasProperty(by) === (property !== "") ? { by, property } : undefined;
}

function oneOf<T extends string | number>(known: readonly T[]): (text: string) => T | undefined {
  return (text) => known.find((value) => String(value) === text);
}

function wholeUpTo(most: number): (text: string) => number | undefined {
  return (text) => (/^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= most ? Number(text) : undefined);
}
