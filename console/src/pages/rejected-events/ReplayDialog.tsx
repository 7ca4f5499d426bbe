import { Dialog } from "../../components/Dialog";
import { explainError } from "../../lib/explainError";
import { errorLines } from "../../lib/errorLines";
import { formatInteger, plural } from "../../lib/format";
import type { Outcome, ReplayState } from "./replay";

const MOST_SHOWN = 20;

type ReplayDialogProps = { state: ReplayState; onClose: () => void; onStop: () => void };

/** What comes of a replay, while it goes on and after it. */
export function ReplayDialog({ state: { outcome, running, error }, onClose, onStop }: ReplayDialogProps) {
  return (
    <Dialog title={running ? "Replaying …" : "Replay"} onClose={onClose}>
      <div className="dialog-text">
        <div role="status">
          <p className="replay-figure">{plural(outcome.replayed, "event")} stored</p>
          {outcome.remaining > 0 && <p>{formatInteger(outcome.remaining)} not looked at yet.</p>}
          {!running && <Refused outcome={outcome} />}
        </div>
        {error && <Failed error={error} />}
      </div>
      <div className="dialog-actions">
        {running ? (
          <button type="button" className="button" onClick={onStop}>
            Stop
          </button>
        ) : (
          <button type="button" className="button button-primary" onClick={onClose}>
            Close
          </button>
        )}
      </div>
    </Dialog>
  );
}

function Refused({ outcome: { replayed, still_refused, not_replayable } }: { outcome: Outcome }) {
  if (replayed + still_refused.length + not_replayable.length === 0) return <p>There was nothing that could be replayed.</p>;
  return (
    <>
      {still_refused.length > 0 && (
        <>
          <p>{plural(still_refused.length, "event does", "events do")} not fit the catalogue yet:</p>
          <ul className="refused">
            {still_refused.slice(0, MOST_SHOWN).map(({ id, errors }) => (
              <li key={id}>{errorLines(errors).join("; ")}</li>
            ))}
          </ul>
          {still_refused.length > MOST_SHOWN && <p>… and {formatInteger(still_refused.length - MOST_SHOWN)} more.</p>}
        </>
      )}
      {not_replayable.length > 0 && (
        <p>{plural(not_replayable.length, "event")} cannot be replayed: not understood, stored before, or gone.</p>
      )}
    </>
  );
}

function Failed({ error }: { error: Error }) {
  const { title, detail } = explainError(error);
  return (
    <p role="alert" className="form-error">
      {title}: {detail} What was stored stays; the rest can be replayed again.
    </p>
  );
}
