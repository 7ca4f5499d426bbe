import { isOpen, progressWords, type Export } from "./exports";

const TONES: Partial<Record<Export["state"], string>> = { done: "tag-on", failed: "tag-off" };

/** How far an export is: state, bar, rows, and why it is not done. */
export function ExportState({ row }: { row: Export }) {
  const { state, percent, title, error } = row;
  const words = progressWords(row);
  return (
    <div className="export-state">
      <div>
        <span className={`tag ${TONES[state] ?? ""}`}>{state}</span> {words}
      </div>
      {isOpen(row) && <progress aria-label={`Share of ${title} that is written`} max={100} value={percent} />}
      {error && state !== "done" && <div className="field-error">{error}</div>}
    </div>
  );
}
