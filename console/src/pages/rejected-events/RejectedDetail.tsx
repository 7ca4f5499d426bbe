import { Link } from "wouter";

import type { Schemas } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { JsonView } from "../../components/JsonView";
import { Moment } from "../../components/Moment";
import { QueryState } from "../../components/QueryState";
import { errorLines } from "../../lib/errorLines";
import { useRejectedEvent } from "./queries";

type Whole = Schemas["WholeRejectedEvent"];

type RejectedDetailProps = { id: number; mayChange: boolean; onReplay: () => void; onDismiss: () => void };

export function RejectedDetail({ id, mayChange, onReplay, onDismiss }: RejectedDetailProps) {
  const whole = useRejectedEvent(id);
  return (
    <QueryState query={whole}>
      {(event) => (
        <div className="rejected-detail">
          <Errors event={event} />
          <h2>What came</h2>
          <Raw text={event.raw} />
          <div className="panel-actions">
            {mayChange && event.replayable && (
              <button type="button" className="button" onClick={onReplay}>
                Replay
              </button>
            )}
            {event.reason === "schema" && event.event_type && (
              <Link className="button button-link" href={`/catalogue?${new URLSearchParams({ type: event.event_type })}`}>
                Its type in the catalogue
              </Link>
            )}
            {mayChange && (
              <ConfirmButton label="Dismiss" question="Dismiss this event?" onConfirm={onDismiss}>
                <p>It is deleted and cannot be replayed any more.</p>
              </ConfirmButton>
            )}
          </div>
        </div>
      )}
    </QueryState>
  );
}

function Errors({ event: { errors, replayed_at } }: { event: Whole }) {
  return (
    <>
      {replayed_at && (
        <p>
          Stored by a replay on <Moment at={replayed_at} />.
        </p>
      )}
      <h2>What is wrong</h2>
      <ul className="refused">
        {errorLines(errors).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </>
  );
}

/** JSON to fold where it is some, else the text as it came. */
function Raw({ text }: { text: string }) {
  const parsed = parse(text);
  if (parsed !== undefined) return <JsonView value={parsed} />;
  return (
    <pre className="raw" tabIndex={0} role="region" aria-label="What came">
      {text}
    </pre>
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
