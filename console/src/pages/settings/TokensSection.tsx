import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { answer, api, type Schemas } from "../../api/client";
import { ConfirmButton } from "../../components/ConfirmButton";
import { DataTable, type Column } from "../../components/DataTable";
import { EmptyNotice } from "../../components/EmptyNotice";
import { Moment } from "../../components/Moment";
import { PageHead } from "../../components/PageHead";
import { QueryState } from "../../components/QueryState";
import { SecretDialog } from "../../components/SecretDialog";
import { useNow } from "../../hooks/useNow";
import { useAction } from "../../hooks/useAction";
import { NewTokenDialog, TOKENS_KEY } from "./NewTokenDialog";

type Token = Schemas["ApiToken"];

export default function TokensSection() {
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState("");
  const tokens = useQuery({
    queryKey: TOKENS_KEY,
    queryFn: ({ signal }) => answer(api.GET("/api/v1/account/tokens", { signal })),
  });
  const revoke = useAction({
    run: (token: Token) =>
      answer(api.DELETE("/api/v1/account/tokens/{token_id}", { params: { path: { token_id: token.token_id } } })),
    done: ({ name }) => `The token ${name} is revoked.`,
    renews: [TOKENS_KEY],
  });
  return (
    <>
      <PageHead title="API tokens">
        <button type="button" className="button button-primary" onClick={() => setMaking(true)}>
          New token
        </button>
      </PageHead>
      <QueryState query={tokens}>
        {({ tokens: rows }) =>
          rows.length === 0 ? (
            <EmptyNotice title="No tokens yet">
              <p>A token lets a script use the API in your name, as far as its scopes reach and never further than you.</p>
            </EmptyNotice>
          ) : (
            <DataTable label="API tokens" rows={rows} rowKey={(row) => row.token_id} columns={columns(revoke.mutate)} />
          )
        }
      </QueryState>
      {making && (
        <NewTokenDialog
          onClose={() => setMaking(false)}
          onMade={(token) => {
            setMaking(false);
            setMade(token);
          }}
        />
      )}
      {made && <SecretDialog title="Your new token" label="API token" secret={made} onClose={() => setMade("")} />}
    </>
  );
}

function columns(revoke: (token: Token) => void): Column<Token>[] {
  return [
    { key: "name", title: "Name", cell: ({ name }) => name },
    { key: "scopes", title: "Scopes", cell: ({ scopes }) => <span className="tags">{scopes.map((scope) => <span key={scope} className="tag">{scope}</span>)}</span> },
    { key: "created", title: "Made", cell: ({ created_at }) => <Moment at={created_at} /> },
    { key: "used", title: "Last used", cell: ({ last_used_at }) => <Moment at={last_used_at} none="never" /> },
    { key: "expires", title: "Ends", cell: ({ expires_at }) => <Expiry at={expires_at} /> },
    {
      key: "revoke",
      title: "Actions",
      className: "cell-actions",
      cell: (token) => (
        <ConfirmButton
          label="Revoke"
          of={token.name}
          className="button button-small"
          question={`Revoke ${token.name}?`}
          onConfirm={() => revoke(token)}
        >
          <p>Whatever uses it is refused from now on.</p>
        </ConfirmButton>
      ),
    },
  ];
}

function Expiry({ at }: { at: string | null }) {
  const now = useNow(60_000);
  if (at && Date.parse(at) < now) return <span className="tag tag-off">ended</span>;
  return <Moment at={at} none="never" />;
}
