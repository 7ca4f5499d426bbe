import { formatDateTime, formatInteger, plural } from "../../lib/format";
import { lengthOf, type Bars } from "./bars";
import type { Filter } from "./filter";
import { useEventBars } from "./queries";

const HEIGHT = 60;

/** The events over the filter's time; nothing where there is too much of it to show. */
export function EventsChart({ filter }: { filter: Filter }) {
  const { data: bars, isPending } = useEventBars(filter);
  if (isPending) return <div className="skeleton events-chart-void" />;
  const most = bars ? Math.max(...bars.counts) : 0;
  return bars && most > 0 ? <BarChart bars={bars} most={most} /> : null;
}

function BarChart({ bars: { unit, from, counts }, most }: { bars: Bars; most: number }) {
  const step = lengthOf(unit);
  const end = from + counts.length * step;
  const sum = counts.reduce((total, count) => total + count, 0);
  return (
    <figure className="events-chart">
      <svg
        role="img"
        aria-label={`Bar chart of ${plural(sum, "event")} by the ${unit}, at most ${formatInteger(most)}`}
        viewBox={`0 0 ${counts.length} ${HEIGHT}`}
        preserveAspectRatio="none"
      >
        {counts.map((count, index) => (
          <g key={index}>
            <title>{`${formatDateTime(from + index * step)}: ${plural(count, "event")}`}</title>
            <rect x={index} y={0} width={1} height={HEIGHT} className="events-chart-ground" />
            <rect x={index + 0.08} y={HEIGHT - height(count, most)} width={0.84} height={height(count, most)} />
          </g>
        ))}
      </svg>
      <figcaption>
        <span>{formatDateTime(from)}</span>
        <span>
          by the {unit}, at most {formatInteger(most)}
        </span>
        <span>{formatDateTime(end)}</span>
      </figcaption>
    </figure>
  );
}

/** What is not nothing can be seen. */
function height(count: number, most: number): number {
  return count === 0 ? 0 : Math.max(1.5, (count / most) * HEIGHT);
}
