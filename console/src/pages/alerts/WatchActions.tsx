import { useState } from "react";

import { answer, api } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { useAction } from "../../hooks/useAction";
import { useNow } from "../../hooks/useNow";
import { useProject } from "../../session/project";
import { bodyOf, draftOf, type Watch, type WatchBody } from "./condition";
import { ofWatch, RENEWS } from "./queries";
import { SnoozeDialog } from "./SnoozeDialog";

type WatchActionsProps = { watch: Watch; onDeleted?: () => void };

/** What can be done with a watch, for those who may change it. */
export function WatchActions({ watch, onDeleted }: WatchActionsProps) {
  const [snoozing, setSnoozing] = useState(false);
  const now = useNow(30_000);
  const { wake, enable, remove } = useWatchActions(watch, onDeleted);
  const { name, enabled, snoozed_until, may_change } = watch;
  if (!may_change) return null;
  const snoozed = snoozed_until !== null && Date.parse(snoozed_until) > now;
  return (
    <span className="actions">
      {enabled && snoozed && (
        <SmallButton label="End snooze" of={name} busy={wake.isPending} onClick={() => wake.mutate()} />
      )}
      {enabled && !snoozed && <SmallButton label="Snooze" of={name} busy={false} onClick={() => setSnoozing(true)} />}
      <SmallButton label={enabled ? "Turn off" : "Turn on"} of={name} busy={enable.isPending} onClick={() => enable.mutate()} />
      <ConfirmButton
        label="Delete"
        of={name}
        className="button button-small"
        question={`Delete ${name}?`}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        <p>Its history goes with it.</p>
      </ConfirmButton>
      {snoozing && <SnoozeDialog watch={watch} onClose={() => setSnoozing(false)} />}
    </span>
  );
}

type SmallButtonProps = { label: string; of: string; busy: boolean; onClick: () => void };

function SmallButton({ label, of, busy, onClick }: SmallButtonProps) {
  return (
    <button type="button" className="button button-small" aria-disabled={busy} onClick={() => !busy && onClick()}>
      {label}
      <span className="visually-hidden"> {of}</span>
    </button>
  );
}

function useWatchActions(watch: Watch, onDeleted?: () => void) {
  const { projectId } = useProject();
  const { name, enabled } = watch;
  const at = ofWatch(projectId, watch.watch_id);
  const path = "/api/v1/projects/{project_id}/watches/{watch_id}";
  const wake = useAction({
    run: () => answer(api.DELETE(`${path}/snooze`, at)),
    done: `${name} tells again.`,
    renews: RENEWS,
  });
  const enable = useAction({
    run: () => answer(api.PUT(path, { ...at, body: { ...(bodyOf(draftOf(watch)) as WatchBody), enabled: !enabled } })),
    done: `${name} is ${enabled ? "off" : "on"} now.`,
    renews: RENEWS,
  });
  const remove = useAction({
    run: () => answer(api.DELETE(path, at)),
    done: `${name} is deleted.`,
    renews: RENEWS,
    ...(onDeleted && { onDone: onDeleted }),
  });
  return { wake, enable, remove };
}
