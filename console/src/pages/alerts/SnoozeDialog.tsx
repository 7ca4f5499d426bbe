import { useState } from "react";

import { answer, api } from "../../api/client";
import { Dialog } from "../../components/Dialog";
import { Form, SelectField, textOf, TextField } from "../../components/Form";
import { useAction } from "../../hooks/useAction";
import { fromLocal, toLocal } from "../../lib/localTime";
import { useProject } from "../../session/project";
import type { Watch } from "./condition";
import { ofWatch, RENEWS } from "./queries";

const HOUR_MS = 3_600_000;
const LENGTHS = [
  { hours: 1, label: "an hour" },
  { hours: 8, label: "8 hours" },
  { hours: 24, label: "a day" },
];
const UNTIL = "until";

/** How long nothing is told of a watch. */
export function SnoozeDialog({ watch, onClose }: { watch: Watch; onClose: () => void }) {
  const { projectId } = useProject();
  const [length, setLength] = useState("1");
  const [start] = useState(() => new Date(Date.now() + 24 * HOUR_MS).toISOString());
  const snooze = useAction({
    run: (until: string) =>
      answer(
        api.POST("/api/v1/projects/{project_id}/watches/{watch_id}/snooze", { ...ofWatch(projectId, watch.watch_id), body: { until } }),
      ),
    done: `${watch.name} is snoozed.`,
    renews: RENEWS,
    inForm: true,
    onDone: onClose,
  });
  const submit = (data: FormData) => {
    const hours = Number(length);
    snooze.mutate(length === UNTIL ? fromLocal(textOf(data, "until")) : new Date(Date.now() + hours * HOUR_MS).toISOString());
  };
  return (
    <Dialog title={`Snooze ${watch.name}`} onClose={onClose}>
      <Form submit="Snooze" busy={snooze.isPending} error={snooze.error} onSubmit={submit}>
        <p className="hint">It goes on being looked at, and nobody is told. What still lasts then is told at its end.</p>
        <SelectField name="length" label="For" value={length} onChange={({ target }) => setLength(target.value)}>
          {LENGTHS.map(({ hours, label }) => (
            <option key={hours} value={hours}>
              {label}
            </option>
          ))}
          <option value={UNTIL}>until …</option>
        </SelectField>
        {length === UNTIL && (
          <TextField name="until" label="Until" type="datetime-local" required defaultValue={toLocal(start)} />
        )}
      </Form>
    </Dialog>
  );
}
