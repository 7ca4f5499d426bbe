import { answer, api, type Schemas } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { Moment } from "../../components/Moment";
import { useAction } from "../../hooks/useAction";
import { usePermission } from "../../session/project";

export type DeadLetter = Schemas["DeadLetter"];

export const JOBS_KEY = ["jobs"] as const;
export const LETTERS_KEY = ["dead-letters"] as const;
const RENEWS = [LETTERS_KEY, JOBS_KEY, ["audit-log"]];

/** Sending again and dismissing, for those who may. */
export function DeadLetterActions({ letter }: { letter: DeadLetter }) {
  const mayWrite = usePermission("jobs:write");
  const { dead_letter_id, actor, send_asked_at } = letter;
  const at = { params: { path: { dead_letter_id } } };
  const send = useAction({
    run: () => answer(api.POST("/api/v1/jobs/dead-letters/{dead_letter_id}/send", at)),
    done: `${actor} is sent again within seconds.`,
    renews: RENEWS,
  });
  const dismiss = useAction({
    run: () => answer(api.DELETE("/api/v1/jobs/dead-letters/{dead_letter_id}", at)),
    done: `${actor} is dismissed.`,
    renews: RENEWS,
  });
  if (!mayWrite) return null;
  return (
    <span className="actions">
      {send_asked_at ? (
        <span className="tag">being sent</span>
      ) : (
        <button type="button" className="button button-small" aria-disabled={send.isPending} onClick={() => send.mutate()}>
          Send again<span className="visually-hidden"> {actor}</span>
        </button>
      )}
      <ConfirmButton
        label="Dismiss"
        of={actor}
        className="button button-small"
        question={`Dismiss ${actor}?`}
        busy={dismiss.isPending}
        onConfirm={() => dismiss.mutate()}
      >
        <p>It is forgotten, and not done.</p>
      </ConfirmButton>
    </span>
  );
}

export function DeadLetterDetail({ letter }: { letter: DeadLetter }) {
  const { queue, arguments: given, first_at, traceback } = letter;
  return (
    <>
      <p>
        On the queue <code>{queue}</code>
        {given.length > 0 && (
          <>
            , for <code>{given.map(String).join(", ")}</code>
          </>
        )}
        . It failed first <Moment at={first_at} />.
      </p>
      <pre className="job-error">{traceback}</pre>
    </>
  );
}
