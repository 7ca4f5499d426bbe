import { expect, test } from "vitest";

import { throughput } from "../../testing/fakes";
import { summarise, toSeries } from "./throughput";

const seconds = (time: string) => Date.parse(time) / 1000;

test("given steps that have ended then all of them are drawn over their own time", () => {
  expect(toSeries(throughput)).toEqual({
    times: [seconds("2026-01-01T11:59:50Z"), seconds("2026-01-01T11:59:55Z")],
    values: [80, 120],
    from: seconds("2026-01-01T11:59:50Z"),
    to: seconds("2026-01-01T11:59:55Z"),
  });
});

test("given a step that is still running then it is left out, so that the line does not fall", () => {
  const running = { at: "2026-01-01T11:59:58Z", events: 1, events_per_second: 0.2 };
  const series = toSeries({ ...throughput, points: [...throughput.points, running] });
  expect(series.values).toEqual([80, 120]);
});

test("given no points then there is an empty stretch of time", () => {
  const { times, from, to } = toSeries({ ...throughput, points: [] });
  expect(times).toEqual([]);
  expect(to).toBeGreaterThan(from);
});

test("given values then latest, average and peak are told; given none then zeros", () => {
  expect(summarise([80, 120, 40])).toEqual({ latest: 40, average: 80, peak: 120 });
  expect(summarise([])).toEqual({ latest: 0, average: 0, peak: 0 });
});
