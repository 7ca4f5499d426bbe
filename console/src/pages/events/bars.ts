import type { Range } from "./filter";

/** The events of a type in the minute, hour or day that begins at `bucket`. */
export type Bucket = { bucket: string; events: number };
export type Unit = "minute" | "hour" | "day";

/** Events by equal steps of time. `from`: epoch milliseconds of the first step. */
export type Bars = { unit: Unit; from: number; counts: number[] };

const LENGTHS: Record<Unit, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const MOST_MINUTES = 180;
const MOST_HOURS = 120;
const MOST_BARS = 400;

export const lengthOf = (unit: Unit): number => LENGTHS[unit];

/** The step in which a time is shown. */
export function unitOf({ since, until }: Range, now: number): Unit {
  const length = since === null ? Infinity : (until ?? now) - since;
  if (length <= MOST_MINUTES * LENGTHS.minute) return "minute";
  return length <= MOST_HOURS * LENGTHS.hour ? "hour" : "day";
}

/** Counts of any order as bars without gaps, those of an open time from the first event on; null: too many. */
export function asBars(buckets: Bucket[], unit: Unit, range: Range, now: number): Bars | null {
  const step = LENGTHS[unit];
  const starts = buckets.map(({ bucket }) => Date.parse(bucket));
  const earliest = range.since ?? starts.reduce((least, start) => Math.min(least, start), now);
  const from = Math.floor(earliest / step) * step;
  const length = Math.ceil(((range.until ?? now) - from) / step);
  if (length < 1 || length > MOST_BARS) return null;
  const counts = new Array<number>(length).fill(0);
  buckets.forEach(({ events }, index) => {
    const place = Math.floor(((starts[index] ?? 0) - from) / step);
    if (place >= 0 && place < length) counts[place] = (counts[place] ?? 0) + events;
  });
  return { unit, from, counts };
}
