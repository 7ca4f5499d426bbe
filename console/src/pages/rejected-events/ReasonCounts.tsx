import { formatInteger } from "../../lib/format";
import { isReason, REASONS, type Filter } from "./filter";

type ReasonCountsProps = {
  counts: Record<string, number>;
  chosen: Filter["reason"];
  onChoose: (reason: Filter["reason"]) => void;
};

/** How many there are of each reason; one of them may be chosen. */
export function ReasonCounts({ counts, chosen, onChoose }: ReasonCountsProps) {
  const reasons = [...new Set([...Object.keys(counts), ...(chosen ? [chosen] : [])])].filter(isReason);
  if (reasons.length === 0) return null;
  return (
    <div className="reasons" role="group" aria-label="Reasons">
      {reasons.map((reason) => (
        <button
          key={reason}
          type="button"
          className="reason"
          aria-pressed={reason === chosen}
          onClick={() => onChoose(reason === chosen ? undefined : reason)}
        >
          <strong>{formatInteger(counts[reason] ?? 0)}</strong> {reason}
          <span className="hint">{REASONS[reason]}</span>
        </button>
      ))}
    </div>
  );
}
