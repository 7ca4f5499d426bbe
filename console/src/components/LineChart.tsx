import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { useTheme } from "../hooks/useTheme";
import { formatClockMinutes } from "../lib/format";

export type Series = {
  /** Epoch seconds, ascending. */
  times: number[];
  values: number[];
  /** The stretch of time the chart shows, in epoch seconds. */
  from: number;
  to: number;
};

type LineChartProps = {
  series: Series;
  /** The chart in words, for those who do not see it. */
  description: string;
  /** Called with the index of the point under the pointer, and null when it leaves. */
  onPoint: (index: number | null) => void;
};

const HEIGHT = 232;

/** A filled line over time that fits its box and beats once with each new last point. */
export function LineChart(props: LineChartProps) {
  const theme = useTheme();
  // The canvas takes its colours when it is made.
  return <Chart key={theme} {...props} />;
}

function Chart({ series, description, onPoint }: LineChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(null);
  const shown = useRef(series);

  useEffect(() => {
    if (!box.current) return;
    const made = createPlot(box.current, shown, onPoint);
    plot.current = made;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) made.setSize({ width: entry.contentRect.width, height: HEIGHT });
    });
    observer.observe(box.current);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [onPoint]);

  useEffect(() => {
    shown.current = series;
    plot.current?.setData([series.times, series.values]);
  }, [series]);

  return <div ref={box} className="line-chart" role="img" aria-label={description} />;
}

function createPlot(
  box: HTMLElement,
  shown: { current: Series },
  onPoint: LineChartProps["onPoint"],
): uPlot {
  const colors = readColors(box);
  const options: uPlot.Options = {
    width: box.clientWidth,
    height: HEIGHT,
    padding: [16, 18, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
    scales: {
      x: { time: true, range: () => [shown.current.from, shown.current.to] },
      y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.12)] },
    },
    series: [{}, { stroke: colors.line, width: 2, fill: colors.area, points: { show: false } }],
    axes: [timeAxis(colors), valueAxis(colors)],
    plugins: [beatPlugin()],
    hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)] },
  };
  const { times, values } = shown.current;
  return new uPlot(options, [times, values], box);
}

type Colors = { line: string; area: string; text: string; grid: string; font: string };

function readColors(box: HTMLElement): Colors {
  const style = getComputedStyle(box);
  return {
    line: style.getPropertyValue("--chart-line"),
    area: style.getPropertyValue("--chart-area"),
    text: style.getPropertyValue("--chart-text"),
    grid: style.getPropertyValue("--chart-grid"),
    font: `12px ${style.fontFamily}`,
  };
}

function timeAxis(colors: Colors): uPlot.Axis {
  return {
    stroke: colors.text,
    font: colors.font,
    size: 32,
    gap: 8,
    space: 72,
    incrs: [60, 120, 300, 600, 1800, 3600],
    grid: { show: false },
    ticks: { show: false },
    values: (_plot, splits) => splits.map((second) => formatClockMinutes(second * 1000)),
  };
}

function valueAxis(colors: Colors): uPlot.Axis {
  return {
    stroke: colors.text,
    font: colors.font,
    size: 48,
    space: 44,
    grid: { stroke: colors.grid, width: 1 },
    ticks: { show: false },
  };
}

/** Marks the last point with a dot, and lets it beat when that point is new. */
function beatPlugin(): uPlot.Plugin {
  const dot = document.createElement("span");
  dot.className = "beat";
  let lastTime: number | undefined;

  const place = (plot: uPlot) => {
    const [times, values] = plot.data;
    const time = times.at(-1);
    const value = values?.at(-1);
    dot.hidden = time === undefined || typeof value !== "number";
    if (time === undefined || typeof value !== "number") return;
    dot.style.left = `${plot.valToPos(time, "x")}px`;
    dot.style.top = `${plot.valToPos(value, "y")}px`;
    if (time !== lastTime) beat(dot);
    lastTime = time;
  };

  return {
    hooks: {
      init: [(plot) => plot.over.append(dot)],
      draw: [place],
    },
  };
}

function beat(dot: HTMLElement): void {
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  dot.animate(
    [
      { boxShadow: "0 0 0 0 var(--beat)", offset: 0 },
      { boxShadow: "0 0 0 14px transparent", offset: 1 },
    ],
    { duration: 1200, easing: "ease-out" },
  );
}
