import { answer, api } from "../../api/client";
import { Dialog } from "../../components/Dialog";
import { Form, SelectField, textOf } from "../../components/Form";
import { useAction } from "../../hooks/useAction";
import { inProject, PROJECTS_KEY } from "./queries";

const GRACES = [
  { hours: 0, label: "at once" },
  { hours: 1, label: "in an hour" },
  { hours: 24, label: "in a day" },
  { hours: 24 * 7, label: "in a week" },
  { hours: 24 * 30, label: "in 30 days" },
  { hours: 24 * 365, label: "in a year" },
];

export function ReplaceKeyDialog({ projectId, onClose }: { projectId: number; onClose: () => void }) {
  const replace = useAction({
    run: (grace_hours: number) =>
      answer(
        api.POST("/api/v1/projects/{project_id}/write-keys/rotate", { ...inProject(projectId), body: { grace_hours } }),
      ),
    done: (hours) => (hours ? "There is a new key; the old one still works for a while." : "There is a new key; the old one has ended."),
    renews: [PROJECTS_KEY, ["audit-log"]],
    inForm: true,
    onDone: onClose,
  });
  return (
    <Dialog title="Replace the write key?" onClose={onClose}>
      <Form
        submit="Replace the key"
        busy={replace.isPending}
        error={replace.error}
        actions={
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
        }
        onSubmit={(data) => replace.mutate(Number(textOf(data, "grace_hours")))}
      >
        <p>
          A new key is made. Whatever still sends the old one when it ends is refused, and most SDKs drop what was refused:
          leave time to change every page and app.
        </p>
        <SelectField name="grace_hours" label="The old key ends" defaultValue="24">
          {GRACES.map(({ hours, label }) => (
            <option key={hours} value={hours}>
              {label}
            </option>
          ))}
        </SelectField>
      </Form>
    </Dialog>
  );
}
