import { answer, api } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { useAction } from "../../hooks/useAction";
import { useProject } from "../../session/project";
import { WEBHOOKS_KEY, type WebhookSource } from "./queries";

const RENEWS = [WEBHOOKS_KEY, ["audit-log"]];

type SourceActionsProps = { source: WebhookSource; onReplace: (source: WebhookSource) => void };

export function SourceActions({ source: row, onReplace }: SourceActionsProps) {
  const { source, paused } = row;
  const { pause, remove } = useSourceActions();
  return (
    <span className="actions">
      <button type="button" className="button button-small" onClick={() => onReplace(row)}>
        Replace secret<span className="visually-hidden"> of {source}</span>
      </button>
      {paused ? (
        <button
          type="button"
          className="button button-small"
          disabled={pause.isPending}
          onClick={() => pause.mutate({ source, paused: false })}
        >
          Resume<span className="visually-hidden"> {source}</span>
        </button>
      ) : (
        <ConfirmButton
          label="Pause"
          of={source}
          className="button button-small"
          question={`Pause ${source}?`}
          busy={pause.isPending}
          onConfirm={() => pause.mutate({ source, paused: true })}
        >
          <p>What it sends is refused until it is resumed. Most senders try again for some hours.</p>
        </ConfirmButton>
      )}
      <ConfirmButton
        label="Delete"
        of={source}
        className="button button-small"
        question={`Delete ${source}?`}
        busy={remove.isPending}
        onConfirm={() => remove.mutate(source)}
      >
        <p>Its address and its secret end at once. Its events stay.</p>
      </ConfirmButton>
    </span>
  );
}

function useSourceActions() {
  const { projectId } = useProject();
  const at = (source: string) => ({ params: { path: { project_id: projectId, source } } });
  const pause = useAction({
    run: ({ source, paused }: { source: string; paused: boolean }) =>
      answer(api.PATCH("/api/v1/projects/{project_id}/webhook-sources/{source}", { ...at(source), body: { paused } })),
    done: ({ source, paused }) => `${source} ${paused ? "is refused now" : "may send again"}.`,
    renews: RENEWS,
  });
  const remove = useAction({
    run: (source: string) =>
      answer(api.DELETE("/api/v1/projects/{project_id}/webhook-sources/{source}", at(source))),
    done: (source) => `${source} is deleted.`,
    renews: RENEWS,
  });
  return { pause, remove };
}
