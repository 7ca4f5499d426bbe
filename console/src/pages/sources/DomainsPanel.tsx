import { answer, api } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { Form, textOf, TextField } from "../../components/Form";
import { Panel } from "../../components/Panel";
import { useAction } from "../../hooks/useAction";
import { inProject, keysOf, PROJECTS_KEY, type Project } from "./queries";

const RENEWS = [PROJECTS_KEY, ["audit-log"]];

/** Sites whose Plausible trackers send here: those send no key but their domain. */
export function DomainsPanel({ project, mayChange }: { project: Project; mayChange: boolean }) {
  const { domains } = keysOf(project);
  const remove = useAction({
    run: (domain: string) =>
      answer(
        api.DELETE("/api/v1/projects/{project_id}/domains/{domain}", {
          params: { path: { project_id: project.project_id, domain } },
        }),
      ),
    done: (domain) => `${domain} belongs to ${project.name} no more.`,
    renews: RENEWS,
  });
  return (
    <Panel title="Domains" hint="for Plausible's trackers, which send no key" className="panel-above">
      {domains.length === 0 && <p>None. Add a site&apos;s domain to take what its Plausible script sends.</p>}
      <ul className="domains">
        {domains.map((domain) => (
          <li key={domain}>
            <span className="cell-long">{domain}</span>
            {mayChange && (
              <ConfirmButton
                label="Remove"
                of={domain}
                className="button button-small"
                question={`Remove ${domain}?`}
                busy={remove.isPending}
                onConfirm={() => remove.mutate(domain)}
              >
                <p>What the site&apos;s script sends belongs to this project no more. Its events so far stay.</p>
              </ConfirmButton>
            )}
          </li>
        ))}
      </ul>
      {mayChange && <AddDomain project={project} />}
    </Panel>
  );
}

function AddDomain({ project: { project_id, name } }: { project: Project }) {
  const add = useAction({
    run: (domain: string) =>
      answer(api.POST("/api/v1/projects/{project_id}/domains", { ...inProject(project_id), body: { domain } })),
    done: (domain) => `${domain} sends to ${name} now.`,
    renews: RENEWS,
    inForm: true,
  });
  return (
    <Form
      key={add.isSuccess ? add.submittedAt : 0} // empty after each success
      className="form-row"
      submit="Add"
      busy={add.isPending}
      error={add.error}
      onSubmit={(data) => add.mutate(textOf(data, "domain").trim().toLowerCase())}
    >
      <TextField
        name="domain"
        label="Domain"
        placeholder="shop.example"
        maxLength={200}
        required
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
      />
    </Form>
  );
}
