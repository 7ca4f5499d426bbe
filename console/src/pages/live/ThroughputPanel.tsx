import type { UseQueryResult } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import type { Throughput } from "./answers";
import { Figure } from "../../components/Figure";
import { LineChart } from "../../components/LineChart";
import { Panel } from "../../components/Panel";
import { Skeleton } from "../../components/Skeleton";
import { explainError } from "../../lib/explainError";
import { formatClock, formatRate, formatWindow } from "../../lib/format";
import { CHART_REFRESH_MS } from "./queries";
import { summarise, toSeries } from "./throughput";

export function ThroughputPanel({ query }: { query: UseQueryResult<Throughput> }) {
  const { data, error, dataUpdatedAt } = query;
  const [pointed, setPointed] = useState<number | null>(null);
  const series = useMemo(() => data && toSeries(data), [data]);
  const summary = series && summarise(series.values);
  const point = series && pointed !== null ? pointAt(series, pointed) : null;
  return (
    <Panel
      title="Events per second"
      className="panel-chart"
      hint={`updates by itself every ${CHART_REFRESH_MS / 1000} s`}
      staleSince={data && error ? formatClock(dataUpdatedAt) : undefined}
      loading={!data && !error}
    >
      <div className="chart-figures">
        <Figure
          value={point?.value ?? summary?.latest}
          unit={point ? `at ${formatClock(point.time * 1000)}` : "events/s"}
          unavailable={error !== null}
          format={formatRate}
        />
        {data && summary && (
          <p className="footnote">
            {formatWindow(windowLength(data))}: {formatRate(summary.average)} on average,{" "}
            {formatRate(summary.peak)} at the peak
          </p>
        )}
      </div>
      {series && summary && (
        <LineChart
          series={series}
          onPoint={setPointed}
          description={`Line chart of events per second: ${formatRate(summary.latest)} now, ${formatRate(summary.average)} on average, ${formatRate(summary.peak)} at the peak`}
        />
      )}
      {!series && (error ? <p className="chart-void">Not known.</p> : <Skeleton className="skeleton-chart" />)}
      {error && <p className="footnote footnote-error">{explainError(error).title}. The chart keeps trying.</p>}
    </Panel>
  );
}

function pointAt(series: { times: number[]; values: number[] }, index: number) {
  const time = series.times[index];
  const value = series.values[index];
  return time === undefined || value === undefined ? null : { time, value };
}

function windowLength({ points, step_seconds }: Throughput): number {
  return points.length * step_seconds;
}
