/** A report's answer as its chart and its tables show it. */
import type { Schemas } from "../../api/client";
import type { Line } from "../../components/SeriesChart";
import type { Grain } from "./asked";

export type Result = Schemas["Result"];
export type Series = Schemas["Series"];

/** More lines than these nobody tells apart; the tables have them all. */
export const MOST_LINES = 7;

/** The lines of a chart over time: everything and what was before it, or the first groups. */
export function linesOf(result: Result): Line[] {
  const { definition, series, all, first_is_partial, last_is_partial } = result;
  const split = (values: (number | null)[]) => splitPartial(values, first_is_partial, last_is_partial);
  if (definition.groupings?.length) {
    return series.slice(0, MOST_LINES).map((each, index) => ({ label: each.label, tone: index + 1, ...split(each.points) }));
  }
  const before = all.previous_points;
  const lines: Line[] = [{ label: "This period", tone: 1, ...split(all.points) }];
  if (before.length > 0) lines.push({ label: "Previous period", tone: 8, whole: before, partial: [], dashed: true });
  return lines;
}

/** Epoch seconds at which the points start. */
export const timesOf = ({ points }: Result): number[] => points.map((at) => Date.parse(at) / 1000);

/** A line without the points that are not all of their unit, and the stretches that lead to them. */
export function splitPartial(
  values: (number | null)[],
  first: boolean,
  last: boolean,
): { whole: (number | null)[]; partial: (number | null)[] } {
  if ((!first && !last) || values.length < 2) return { whole: values, partial: [] };
  const end = values.length - 1;
  const isPartial = (index: number) => (first && index === 0) || (last && index === end);
  const isNext = (index: number) => (first && index === 1) || (last && index === end - 1);
  return {
    whole: values.map((value, index) => (isPartial(index) ? null : value)),
    partial: values.map((value, index) => (isPartial(index) || isNext(index) ? value : null)),
  };
}

/** A row of a table over time. */
export type TimeRow = { key: string; at: string; label: string; value: number | null; before: number | null };

/** The points of each series, in the order of time. */
export function timeRows({ points, series }: Result): TimeRow[] {
  return points.flatMap((at, place) =>
    series.map((each, index) => ({
      key: `${place}-${index}`,
      at,
      label: each.label,
      value: each.points[place] ?? null,
      before: each.previous_points[place] ?? null,
    })),
  );
}

/** The part of a whole, for measures of which there is one. */
export function shareOf(part: number | null, { definition, all }: Result): number | null {
  const isWhole = definition.measure?.kind === undefined || ["count", "sum"].includes(definition.measure.kind);
  return isWhole && part !== null && all.total !== null && all.total > 0 && part >= 0 ? part / all.total : null;
}

/** Whether the measure is a number of things. */
export const isCount = ({ columns }: Result): boolean => columns.at(-1)?.type === "integer";

/** What is counted: "events"; the measure in words where it is a property's own. */
export const unitOf = ({ columns }: Result): string => columns.find(({ unit, type }) => unit !== null && type !== "time")?.unit ?? "";

const DAY: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" };
const CLOCK: Intl.DateTimeFormatOptions = { ...DAY, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const POINTS: Record<Grain, Intl.DateTimeFormatOptions> = {
  minute: CLOCK,
  hour: CLOCK,
  day: { ...DAY, weekday: "short" },
  week: DAY,
  month: { month: "long", year: "numeric" },
};

/** When a point starts, by the clocks of a zone. */
export function formatPoint(at: string, grain: Grain, zone: string): string {
  const text = new Intl.DateTimeFormat("en-GB", { ...POINTS[grain], timeZone: zone }).format(new Date(at));
  return grain === "week" ? `Week of ${text}` : text;
}
