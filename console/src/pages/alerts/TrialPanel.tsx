import { useEffect, useState } from "react";

import { explainError } from "../../lib/explainError";
import { conditionOf, valueWords, type ConditionBody, type Draft } from "./condition";
import { useTrial } from "./queries";

const QUIET_MS = 400;

/** What a condition would say now, while it is written. */
export function TrialPanel({ draft }: { draft: Draft }) {
  const body = useSettled(conditionOf(draft));
  const { data, error, isPlaceholderData } = useTrial(body);
  return (
    <p className="trial" role="status" aria-busy={isPlaceholderData}>
      {body === null && "Fill in the condition to see what it would say now."}
      {body !== null && error && <span className="field-error">{explainError(error).detail}</span>}
      {body !== null && !error && data && (
        <>
          Now it is <strong>{valueWords(body.kind, data.value)}</strong>
          {data.would_fire ? (
            <>
              : it <strong>would fire</strong>.
            </>
          ) : (
            ": it would not fire."
          )}
        </>
      )}
      {body !== null && !error && !data && "Looking …"}
    </p>
  );
}

/** A condition once nothing has been written for a moment. */
function useSettled(body: ConditionBody | null): ConditionBody | null {
  const text = JSON.stringify(body);
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), QUIET_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return JSON.parse(settled) as ConditionBody | null;
}
