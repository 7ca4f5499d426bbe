import { useQuery } from "@tanstack/react-query";

import { answer, api, type Schemas } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { DataTable, type Column } from "../../components/DataTable";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { useAction } from "../../hooks/useAction";
import { describeUserAgent } from "../../lib/userAgent";
import { useSignOutEverywhere } from "../../session/signing";

type Login = Schemas["LoginSession"];

export const LOGINS_KEY = ["account-logins"] as const;

export default function LoginsSection() {
  const logins = useQuery({
    queryKey: LOGINS_KEY,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/account/logins", { signal })),
  });
  const revoke = useAction({
    run: (login_id: string) =>
      answer(api.DELETE("/api/v1/account/logins/{login_id}", { params: { path: { login_id } } })),
    done: "That session is over.",
    renews: [LOGINS_KEY],
  });
  const everywhere = useSignOutEverywhere();
  return (
    <>
      <PageHead title="Login sessions">
        <ConfirmButton
          label="Sign out everywhere"
          question="Sign out everywhere?"
          busy={everywhere.isPending}
          onConfirm={() => everywhere.mutate()}
        >
          <p>All sessions end, this one as well. API tokens stay.</p>
        </ConfirmButton>
      </PageHead>
      <QueryState query={logins}>
        {({ login_sessions }) => (
          <DataTable
            label="Where you are signed in"
            rows={login_sessions}
            rowKey={(login) => login.login_id}
            columns={columns(revoke.mutate, revoke.isPending)}
          />
        )}
      </QueryState>
    </>
  );
}

function columns(revoke: (loginId: string) => void, busy: boolean): Column<Login>[] {
  return [
    {
      key: "device",
      title: "Device",
      cell: ({ user_agent, current }) => (
        <span title={user_agent}>
          {describeUserAgent(user_agent)} {current && <span className="tag">this one</span>}
        </span>
      ),
    },
    { key: "address", title: "Address", className: "cell-mono", cell: ({ ip_address }) => ip_address },
    { key: "used", title: "Last used", cell: ({ last_used_at }) => <Moment at={last_used_at} /> },
    { key: "since", title: "Since", cell: ({ created_at }) => <Moment at={created_at} /> },
    {
      key: "revoke",
      title: "Actions",
      className: "cell-actions",
      cell: (login) =>
        !login.current && (
          <button type="button" className="button button-small" disabled={busy} onClick={() => revoke(login.login_id)}>
            Revoke<span className="visually-hidden"> {describeUserAgent(login.user_agent)}</span>
          </button>
        ),
    },
  ];
}
