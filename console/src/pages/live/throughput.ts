import type { Throughput } from "./answers";
import type { Series } from "../../components/LineChart";

/**
 * The chart's line. A step that has not ended at `as_of` is left out: it would show a fall that
 * did not happen.
 */
export function toSeries({ as_of, step_seconds, points }: Throughput): Series {
  const asOf = Date.parse(as_of);
  const ended = points.filter(({ at }) => Date.parse(at) + step_seconds * 1000 <= asOf);
  const times = ended.map(({ at }) => Date.parse(at) / 1000);
  const from = times[0] ?? asOf / 1000;
  return {
    times,
    values: ended.map((point) => point.events_per_second),
    from,
    to: Math.max(times.at(-1) ?? from, from + step_seconds),
  };
}

export type Summary = { latest: number; average: number; peak: number };

export function summarise(values: number[]): Summary {
  const sum = values.reduce((total, value) => total + value, 0);
  return {
    latest: values.at(-1) ?? 0,
    average: values.length ? sum / values.length : 0,
    peak: Math.max(0, ...values),
  };
}
