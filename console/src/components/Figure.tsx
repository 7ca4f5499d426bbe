import { formatInteger } from "../lib/format";
import { Skeleton } from "./Skeleton";

type FigureProps = {
  value: number | undefined;
  unit: string;
  /** No number has come, and none is on its way. */
  unavailable: boolean;
  format?: (value: number) => string;
};

/** One large number with its unit; a skeleton while it is awaited, a dash when it is not known. */
export function Figure({ value, unit, unavailable, format = formatInteger }: FigureProps) {
  if (value === undefined && !unavailable) return <Skeleton className="skeleton-figure" />;
  return (
    <p className="figure">
      <span className="figure-value">
        {value === undefined ? <abbr title="not known">–</abbr> : format(value)}
      </span>{" "}
      <span className="figure-unit">{unit}</span>
    </p>
  );
}
