import { useState } from "react";

import type { Account } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { DataTable, type Column } from "../../components/DataTable";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { SecretDialog } from "../../components/SecretDialog";
import { useAccount } from "../../session/account";
import { useAccountActions, useAccounts, type Row } from "./accounts";
import { NewAccountDialog } from "./NewAccountDialog";
import { RoleSelect } from "./RoleSelect";

type Secret = { email: string; password: string };

export default function AccountsSection() {
  const accounts = useAccounts();
  const asking = useAccount();
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<Secret | null>(null);
  const actions = useAccountActions(({ email }, password) => setSecret({ email, password }));
  return (
    <>
      <PageHead title="Accounts">
        <button type="button" className="button button-primary" onClick={() => setMaking(true)}>
          New account
        </button>
      </PageHead>
      <QueryState query={accounts}>
        {(data) => (
          <DataTable
            label="Accounts"
            rows={data.accounts}
            rowKey={(row) => row.account_id}
            columns={asking ? columns(asking, actions) : []}
          />
        )}
      </QueryState>
      {making && (
        <NewAccountDialog
          onClose={() => setMaking(false)}
          onMade={(email, password) => {
            setMaking(false);
            setSecret({ email, password });
          }}
        />
      )}
      {secret && (
        <SecretDialog
          title={`Password of ${secret.email}`}
          label="Password"
          secret={secret.password}
          onClose={() => setSecret(null)}
        />
      )}
    </>
  );
}

type Actions = ReturnType<typeof useAccountActions>;

function columns(asking: Account, actions: Actions): Column<Row>[] {
  return [
    {
      key: "who",
      title: "Who",
      cell: ({ email, name, account_id }) => (
        <>
          {email} {account_id === asking.account_id && <span className="tag">you</span>}
          {name && <div className="hint">{name}</div>}
        </>
      ),
    },
    {
      key: "everywhere",
      title: "In all projects",
      cell: (row) => (
        <RoleSelect
          label={`Role of ${row.email} in all projects`}
          role={row.roles.find(({ project_id }) => project_id === null)?.role ?? null}
          none="no role"
          busy={actions.setRole.isPending}
          onChange={(role) => actions.setRole.mutate({ row, role })}
        />
      ),
    },
    { key: "projects", title: "In one project", cell: (row) => describeRoles(row, asking) },
    {
      key: "state",
      title: "State",
      cell: ({ disabled }) => <span className={`tag ${disabled ? "tag-off" : "tag-on"}`}>{disabled ? "disabled" : "open"}</span>,
    },
    { key: "actions", title: "Actions", className: "cell-actions", cell: (row) => <RowActions row={row} actions={actions} /> },
  ];
}

function describeRoles({ roles }: Row, { projects }: Account): string {
  const nameOf = (id: number) => projects.find((project) => project.project_id === id)?.name ?? `project ${id}`;
  const own = roles.flatMap(({ project_id, role }) => (project_id === null ? [] : [`${role} of ${nameOf(project_id)}`]));
  return own.join(", ") || "–";
}

function RowActions({ row, actions }: { row: Row; actions: Actions }) {
  const { setDisabled, resetPassword, remove } = actions;
  const small = { of: row.email, className: "button button-small" };
  return (
    <span className="actions">
      <ConfirmButton {...small} label="Reset password" question="Reset the password?" onConfirm={() => resetPassword.mutate(row)}>
        <p>{row.email} is signed out everywhere and gets a new password, which you see once.</p>
      </ConfirmButton>
      {row.disabled ? (
        <button type="button" className="button button-small" onClick={() => setDisabled.mutate({ row, disabled: false })}>
          Enable<span className="visually-hidden"> {row.email}</span>
        </button>
      ) : (
        <ConfirmButton {...small} label="Disable" question="Disable the account?" onConfirm={() => setDisabled.mutate({ row, disabled: true })}>
          <p>{row.email} is signed out everywhere and cannot sign in until the account is enabled again. API tokens rest.</p>
        </ConfirmButton>
      )}
      <ConfirmButton {...small} label="Delete" question="Delete the account?" onConfirm={() => remove.mutate(row)}>
        <p>{row.email} is forgotten with its roles, login sessions and API tokens. This cannot be taken back.</p>
      </ConfirmButton>
    </span>
  );
}
