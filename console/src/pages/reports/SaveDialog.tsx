import { answer, api, type Schemas } from "../../api/client";
import { Dialog } from "../../components/Dialog";
import { Form, textOf, TextField } from "../../components/Form";
import { useAction } from "../../hooks/useAction";
import { useProject } from "../../session/project";
import type { Definition } from "./asked";
import { inProject, ofReport, RENEWS, type Report } from "./queries";

type SaveDialogProps = {
  title: string;
  name: string;
  forViewers?: boolean;
  definition: Definition;
  /** The report that is changed; absent: a new one is made. */
  of?: Report;
  onClose: () => void;
  onSaved: (saved: Schemas["Report"]) => void;
};

/** Under which name, and for whom. */
export function SaveDialog({ title, name, forViewers = false, definition, of, onClose, onSaved }: SaveDialogProps) {
  const { projectId } = useProject();
  const save = useAction({
    run: (body: Schemas["ReportBody"]) =>
      answer(
        of
          ? api.PUT("/api/v1/projects/{project_id}/reports/{report_id}", {
              ...ofReport(projectId, of.report_id),
              body: { ...body, version: of.version },
            })
          : api.POST("/api/v1/projects/{project_id}/reports", { ...inProject(projectId), body }),
      ),
    done: (body) => `${body.name} is saved.`,
    renews: RENEWS,
    inForm: true,
    onDone: onSaved,
  });
  return (
    <Dialog title={title} onClose={onClose}>
      <Form
        submit="Save"
        busy={save.isPending}
        error={save.error}
        onSubmit={(data) =>
          save.mutate({ name: textOf(data, "name").trim(), for_viewers: data.has("for_viewers"), definition })
        }
      >
        <TextField name="name" label="Name" defaultValue={name} maxLength={200} required autoComplete="off" />
        <label className="choice choice-line">
          <input type="checkbox" name="for_viewers" defaultChecked={forViewers} />
          Viewers may run it, whatever it shows
        </label>
        <p className="hint">Otherwise they see it only if it tells nobody’s own data: counts, by type and page.</p>
      </Form>
    </Dialog>
  );
}
