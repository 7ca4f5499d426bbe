import { useQuery } from "@tanstack/react-query";

import { answer, api, type Schemas } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { DataTable, type Column } from "../../components/DataTable";
import { Form, SelectField, textOf, TextField } from "../../components/Form";
import { PageHead } from "../../components/PageHead";
import { Panel } from "../../components/Panel";
import { QueryState } from "../../components/QueryState";
import { useAction } from "../../hooks/useAction";
import { roleNames, ROLES } from "../../lib/access";
import { useProject } from "../../session/project";
import { RoleSelect } from "./RoleSelect";

type Member = Schemas["Member"];
type Change = Schemas["MemberBody"];

export default function MembersSection() {
  const { projectId, name } = useProject();
  const members = useQuery({
    queryKey: ["members", projectId],
    queryFn: ({ signal }) => answer(api.GET("/api/v1/projects/{project_id}/members", { ...at(projectId), signal })),
  });
  const set = useSetMember(projectId, false);
  return (
    <>
      <PageHead title={`Members of ${name}`} />
      <AddMember key={projectId} projectId={projectId} />
      <QueryState query={members}>
        {(data) => (
          <DataTable
            label={`Members of ${name}`}
            rows={data.members}
            rowKey={(member) => member.account_id}
            columns={columns(set.mutate, set.isPending)}
          />
        )}
      </QueryState>
    </>
  );
}

const at = (project_id: number) => ({ params: { path: { project_id } } });

function useSetMember(projectId: number, inForm: boolean) {
  return useAction({
    run: (body: Change) => answer(api.PUT("/api/v1/projects/{project_id}/members", { ...at(projectId), body })),
    done: ({ email, role }) => `${email} ${role ? `is ${role} now` : "has no role of its own here any more"}.`,
    renews: [["members"], ["accounts"], ["account"], ["audit-log"]],
    inForm,
  });
}

function AddMember({ projectId }: { projectId: number }) {
  const add = useSetMember(projectId, true);
  return (
    <Panel title="Give somebody a role" hint="whoever has an account" className="panel-above">
      <Form
        key={add.isSuccess ? add.submittedAt : 0} // empty after each success
        className="form-row"
        submit="Give the role"
        busy={add.isPending}
        error={add.error}
        onSubmit={(data) => {
          const role = roleNames.find((name) => name === textOf(data, "role")) ?? "viewer";
          add.mutate({ email: textOf(data, "email").trim(), role });
        }}
      >
        <TextField name="email" label="E-mail address" type="email" maxLength={254} required autoComplete="off" />
        <SelectField name="role" label="Role">
          {roleNames.map((role) => (
            <option key={role} value={role}>
              {ROLES[role]}
            </option>
          ))}
        </SelectField>
      </Form>
    </Panel>
  );
}

function columns(set: (change: Change) => void, busy: boolean): Column<Member>[] {
  return [
    {
      key: "who",
      title: "Who",
      cell: ({ email, name }) => (
        <>
          {email}
          {name && <div className="hint">{name}</div>}
        </>
      ),
    },
    {
      key: "role",
      title: "Role",
      cell: ({ email, role, everywhere }) =>
        everywhere ? (
          <>
            {role} <span className="tag">in all projects</span>
          </>
        ) : (
          <RoleSelect label={`Role of ${email}`} role={role} busy={busy} onChange={(next) => set({ email, role: next })} />
        ),
    },
    {
      key: "actions",
      title: "Actions",
      className: "cell-actions",
      cell: ({ email, everywhere }) =>
        !everywhere && (
          <ConfirmButton
            label="Remove"
            of={email}
            className="button button-small"
            question={`Remove ${email}?`}
            busy={busy}
            onConfirm={() => set({ email, role: null })}
          >
            <p>Without a role of its own here; a role in all projects stays.</p>
          </ConfirmButton>
        ),
    },
  ];
}
