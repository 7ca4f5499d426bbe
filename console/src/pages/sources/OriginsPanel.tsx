import { answer, api } from "../../api/client";
import { Field, Form, textOf } from "../../components/Form";
import { Panel } from "../../components/Panel";
import { useAction } from "../../hooks/useAction";
import { inProject, PROJECTS_KEY, type Project } from "./queries";

/** Whose pages may send events to the project: all, or those of listed origins. */
export function OriginsPanel({ project, mayChange }: { project: Project; mayChange: boolean }) {
  const { allowed_origins: origins, project_id } = project;
  const save = useAction({
    run: (allowed_origins: string[] | null) =>
      answer(api.PATCH("/api/v1/projects/{project_id}", { ...inProject(project_id), body: { allowed_origins } })),
    done: (wanted) => (wanted ? "Only pages of these origins may send now." : "Every page may send now."),
    renews: [PROJECTS_KEY, ["audit-log"]],
    inForm: true,
  });
  return (
    <Panel title="Pages that may send" hint="servers and apps are not bounded by it" className="panel-above">
      {origins?.length === 0 && <p>No page may send now.</p>}
      {mayChange ? (
        <Form
          key={origins?.join() ?? ""}
          submit="Save"
          busy={save.isPending}
          error={save.error}
          onSubmit={(data) => save.mutate(originsIn(textOf(data, "allowed_origins")))}
        >
          <Field name="allowed_origins" label="Origins" hint="One a line, such as https://shop.example. Empty: every page may.">
            {(control) => (
              <textarea {...control} rows={3} spellCheck={false} autoCapitalize="none" defaultValue={origins?.join("\n")} />
            )}
          </Field>
        </Form>
      ) : (
        <p className="cell-long">{origins ? origins.join(", ") : "Every page may."}</p>
      )}
    </Panel>
  );
}

/** The origins of a text, one a line; null for none, which opens the project to every page. */
export function originsIn(text: string): string[] | null {
  const origins = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return origins.length > 0 ? origins : null;
}
