import { useEffect, useId, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { useTheme } from "../hooks/useTheme";
import { formatCompact, formatTick } from "../lib/format";

/** `whole` and `partial` lie over the times; stretches to a point that is not all of its unit are dashed. */
export type Line = {
  label: string;
  /** The number of its colour: 1 to 8, where 8 is a quiet one. */
  tone: number;
  whole: (number | null)[];
  partial: (number | null)[];
  dashed?: boolean;
};

type SeriesChartProps = {
  /** Epoch seconds, ascending; more than one. */
  times: number[];
  lines: Line[];
  /** By whose clocks the axis is labelled. */
  timeZone: string;
  /** The chart in words, for those who do not see it. */
  description: string;
};

const HEIGHT = 280;
const DASHES = [5, 4];
const MOST_MARKED = 40;

/** Lines over time that fit their box, with a legend that hides and shows each of them. */
export function SeriesChart(props: SeriesChartProps) {
  const theme = useTheme();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const toggle = (label: string) => {
    const next = new Set(hidden);
    if (!next.delete(label)) next.add(label);
    setHidden(next);
  };
  return (
    <div className="series-chart">
      {/* The canvas takes its colours when it is made. */}
      <Chart key={theme} {...props} hidden={hidden} />
      {props.lines.length > 1 && <Legend lines={props.lines} hidden={hidden} onToggle={toggle} />}
    </div>
  );
}

type LegendProps = { lines: Line[]; hidden: ReadonlySet<string>; onToggle: (label: string) => void };

function Legend({ lines, hidden, onToggle }: LegendProps) {
  const id = useId();
  return (
    <ul className="legend" aria-label="Lines of the chart">
      {lines.map(({ label, tone }, index) => (
        <li key={`${id}-${index}`}>
          <button type="button" className="legend-line" aria-pressed={!hidden.has(label)} onClick={() => onToggle(label)}>
            <span className={`swatch tone-${tone}`} aria-hidden="true" />
            <span className="legend-label">{label}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Chart({ times, lines, timeZone, description, hidden }: SeriesChartProps & { hidden: ReadonlySet<string> }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const around = box.current;
    if (!around) return;
    const shown = lines.filter(({ label }) => !hidden.has(label));
    const plot = createPlot(around, times, shown, timeZone);
    const observer = new ResizeObserver(([entry]) => {
      if (entry) plot.setSize({ width: entry.contentRect.width, height: HEIGHT });
    });
    observer.observe(around);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [times, lines, timeZone, hidden]);
  return <div ref={box} className="series-chart-plot" role="img" aria-label={description} />;
}

function createPlot(box: HTMLElement, times: number[], lines: Line[], timeZone: string): uPlot {
  const style = getComputedStyle(box);
  const color = (name: string) => style.getPropertyValue(name);
  const font = `12px ${style.fontFamily}`;
  const drawn = lines.flatMap(({ tone, whole, partial, dashed = false }) => {
    const stroke = color(`--tone-${tone}`);
    return [
      { values: whole, series: seriesOf(stroke, dashed, times.length) },
      ...(partial.length > 0 ? [{ values: partial, series: seriesOf(stroke, true, times.length) }] : []),
    ];
  });
  const options: uPlot.Options = {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [14, 28, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
    tzDate: (second) => uPlot.tzDate(new Date(second * 1000), timeZone),
    scales: { x: { time: true }, y: { range: (_plot, min, max) => valueRange(min, max) } },
    series: [{}, ...drawn.map(({ series }) => series)],
    axes: [
      { ...quiet(color("--chart-text"), font), size: 32, gap: 8, space: 84, values: (_plot, splits, _axis, _space, step) => splits.map((at) => formatTick(at, step, timeZone)) },
      { ...quiet(color("--chart-text"), font), size: 56, space: 44, grid: { stroke: color("--chart-grid"), width: 1 }, values: (_plot, splits) => splits.map(formatCompact) },
    ],
  };
  return new uPlot(options, [times, ...drawn.map(({ values }) => values)], box);
}

function seriesOf(stroke: string, dashed: boolean, count: number): uPlot.Series {
  return { stroke, width: 2, points: { show: count <= MOST_MARKED, size: 6, fill: stroke }, ...(dashed && { dash: DASHES }) };
}

function quiet(stroke: string, font: string): uPlot.Axis {
  return { stroke, font, grid: { show: false }, ticks: { show: false } };
}

function valueRange(min: number | null, max: number | null): uPlot.Range.MinMax {
  const low = Math.min(0, min ?? 0) * 1.08;
  const high = Math.max(0, max ?? 0) * 1.08;
  return low === 0 && high === 0 ? [0, 4] : [low, high];
}
