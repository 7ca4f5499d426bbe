import { useState } from "react";

import { answer, api, type Schemas } from "../../api/client";
import { Form, textOf, TextField } from "../../components/Form";
import { PageHead } from "../../components/PageHead";
import { Panel } from "../../components/Panel";
import { useAction } from "../../hooks/useAction";
import { LOGINS_KEY } from "./LoginsSection";
import { useAccount } from "../../session/account";

export default function PasswordSection() {
  const account = useAccount();
  const [changes, setChanges] = useState(0);
  const change = useAction({
    run: (body: Schemas["PasswordBody"]) => answer(api.PUT("/api/v1/account/password", { body })),
    done: "Your password is changed. You are signed out everywhere else.",
    renews: [LOGINS_KEY],
    inForm: true,
    onDone: () => setChanges((count) => count + 1),
  });
  return (
    <>
      <PageHead title="Password" />
      <Panel title="Change it" hint="all other login sessions end">
        <Form
          key={changes} // empty after a change
          submit="Change password"
          busy={change.isPending}
          error={change.error}
          onSubmit={(data) => change.mutate({ current: textOf(data, "current"), new: textOf(data, "new") })}
        >
          <input type="hidden" name="username" autoComplete="username" value={account?.email ?? ""} readOnly />
          <TextField name="current" label="Current password" type="password" autoComplete="current-password" maxLength={256} required />
          <TextField name="new" label="New password" type="password" autoComplete="new-password" maxLength={256} required />
        </Form>
      </Panel>
    </>
  );
}
