import { formatInteger, formatNumber, formatShare } from "../../lib/format";
import { isCount, shareOf, type Result } from "./result";

/** The groups as bars, the highest first. */
export function GroupBars({ result }: { result: Result }) {
  const format = isCount(result) ? formatInteger : formatNumber;
  const most = Math.max(0, ...result.series.map(({ total }) => total ?? 0));
  if (result.series.length === 0) return <p className="footnote">There is no group.</p>;
  return (
    <ol className="bars" aria-label={result.title}>
      {result.series.map(({ label, total, other }) => {
        const share = shareOf(total, result);
        return (
          <li key={`${label} ${other}`} className="bar-row">
            <span className="bar" aria-hidden="true" style={{ transform: `scaleX(${most ? Math.max(0, total ?? 0) / most : 0})` }} />
            <span className="bar-label" title={label}>
              {label}
            </span>
            <span className="bar-count">
              {total === null ? "–" : format(total)}
              {share !== null && <span className="bar-share"> {formatShare(share)}</span>}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
